"""The two API families: accounting addresses a business by its account id, time tracking by its number.

Each has its own envelope, paging and filters. The wrong kind of id is a 404.
https://www.freshbooks.com/api/parameters
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from app.connectors.api import Api
from app.connectors.checks import check_order
from app.connectors.freshbooks.values import FreshBooksRow, read_as, unreadable
from app.connectors.request import given
from app.connectors.rows import Page
from app.errors import InvalidArguments, OutcomeUnknown, PermissionDenied

_FULL_PAGE = 100  # FreshBooks silently cuts larger page sizes
_MOST_PAGES = 50
_DAY = timedelta(days=1)

Query = Mapping[str, Any]
AnyRow = TypeVar("AnyRow", bound=FreshBooksRow)


@dataclass(frozen=True)
class RecordPage:
    """One page of records as FreshBooks sent them. `next` is the number of the next page, or None."""

    records: list[Any]
    next: int | None
    total: int | None
    meta: Mapping[str, Any]

    def read_as(self, model: type[AnyRow]) -> Page[AnyRow]:
        """The records as rows."""
        rows = [read_as(model, record) for record in self.records]
        return Page(items=rows, next=self.next, total=self.total)


@contextlib.contextmanager
def unconfirmed(sentence: str, **details: Any) -> Iterator[None]:
    """Around a write: on an unclear outcome, `sentence` tells where to look before trying again.

    FreshBooks has no idempotency key, so a repeated write would happen twice.
    """
    try:
        yield
    except OutcomeUnknown as error:
        raise OutcomeUnknown(sentence, details={**error.details, **details}) from None


def dated_between(first: date | None, last: date | None) -> dict[str, str | None]:
    """The accounting family's filter for a range of days. Raises InvalidArguments when it runs backwards.

    "Maximums will match things below the value supplied" (https://www.freshbooks.com/api/parameters), so the
    day after the last one is sent, and records of that day must be dropped (`not_after`): not every maximum
    is as documented.
    """
    check_order(first, last)
    return {
        "date_min": first.isoformat() if first else None,
        "date_max": (last + _DAY).isoformat() if last and last < date.max else None,
    }


def not_after(page: Page[AnyRow], last: date | None, day_of: Callable[[AnyRow], date | None]) -> Page[AnyRow]:
    """The page without records dated after that day; then FreshBooks' total may count some of them."""
    if last is None:
        return page
    rows = [row for row in page.items if (day_of(row) or last) <= last]
    return Page(items=rows, next=page.next)


def account_id(api: Api) -> str:
    """The business's id in the accounting family. Raises PermissionDenied when it has no accounts."""
    found = api.business.facts.get("account_id") if api.business else None
    if not isinstance(found, str):
        raise PermissionDenied(
            "This FreshBooks business has no accounting account, so only its time and projects can be used."
        )
    return found


def business_id(api: Api) -> str:
    """The business's id in the time tracking and projects family."""
    if api.business is None:
        raise PermissionDenied(
            "This FreshBooks connection has no business. Reconnect it on the Integrations page."
        )
    return api.business.id


# --- the accounting family ---


def list_accounting(
    api: Api,
    path: str,
    kind: str,
    *,
    page: int,
    per_page: int = 50,
    search: Query | None = None,
    include: str | None = None,
    sort: str | None = None,
) -> RecordPage:
    """One page of `A/<path>`. FreshBooks ignores unknown filters in `search` silently: use proven ones."""
    params: dict[str, Any] = {f"search[{key}]": _text(value) for key, value in given(search or {}).items()}
    params |= given({"page": page, "per_page": per_page, "include[]": include, "sort": sort})
    result = _result(api.get(_accounting(path), parts={"account": account_id(api)}, params=params))
    records = result.get(kind)
    if not isinstance(records, list):
        raise unreadable()
    return RecordPage(records, *_next_and_total(result, page), meta=result)


def all_accounting(api: Api, path: str, kind: str, **options: Any) -> Iterator[Any]:
    """Every record of `A/<path>`, page by page. Raises InvalidArguments above the page limit."""
    page: int | None = 1
    while page is not None:
        if page > _MOST_PAGES:
            raise InvalidArguments(
                f"There are more than {_MOST_PAGES * _FULL_PAGE} records to read. Choose a shorter range."
            )
        listed = list_accounting(api, path, kind, page=page, per_page=_FULL_PAGE, **options)
        yield from listed.records
        if listed.next is not None:
            api.progress(page, None, f"Read {page * _FULL_PAGE} records")
        page = listed.next


def get_accounting(api: Api, path: str, kind: str, id_: int, *, include: str | None = None) -> Any:
    """One record of `A/<path>/<id>`."""
    params = {"include[]": include} if include else None
    body = api.get(_accounting(path) + "/{id}", parts={"account": account_id(api), "id": id_}, params=params)
    return _one(body, kind, wrote=False)


def create_accounting(
    api: Api, path: str, kind: str, fields: Mapping[str, Any], *, include: str | None = None
) -> Any:
    """Creates a record and returns it. FreshBooks has no idempotency key, so this is sent once.

    Without `include` the answer lacks the same parts as that of a GET.
    """
    body = api.post(
        _accounting(path),
        parts={"account": account_id(api)},
        params={"include[]": include} if include else None,
        json={kind: given(fields)},
    )
    return _one(body, kind, wrote=True)


def change_accounting(api: Api, path: str, kind: str, id_: int, fields: Mapping[str, Any]) -> Any:
    """Changes a record and returns it."""
    body = api.put(
        _accounting(path) + "/{id}",
        parts={"account": account_id(api), "id": id_},
        json={kind: given(fields)},
    )
    return _one(body, kind, wrote=True)


def get_report(api: Api, name: str, **params: Any) -> Mapping[str, Any]:
    """One report of the accounting family."""
    path = _accounting(f"reports/accounting/{name}")
    result = _result(
        api.get(
            path,
            parts={"account": account_id(api)},
            params={k: _text(v) for k, v in given(params).items()},
        )
    )
    report = result.get(name)
    if not isinstance(report, Mapping):
        raise unreadable()
    return report


def _accounting(path: str) -> str:
    return "/accounting/account/{account}/" + path


def _result(body: Any, *, wrote: bool = False) -> Mapping[str, Any]:
    response = body.get("response") if isinstance(body, Mapping) else None
    result = response.get("result") if isinstance(response, Mapping) else None
    if not isinstance(result, Mapping):
        raise unreadable(wrote=wrote)
    return result


def _one(body: Any, kind: str, *, wrote: bool) -> Any:
    result = _result(body, wrote=wrote)
    if kind not in result:
        raise unreadable(wrote=wrote)
    return result[kind]


# --- the business family ---


def list_business(api: Api, path: str, kind: str, *, page: int, filters: Query) -> RecordPage:
    """One page of a path such as `/projects/business/{business}/projects`; its filters are plain."""
    params = {key: _text(value) for key, value in given(filters).items()}
    body = api.get(
        path, parts={"business": business_id(api)}, params={**params, "page": page, "per_page": 50}
    )
    records = body.get(kind) if isinstance(body, Mapping) else None
    meta = body.get("meta") if isinstance(body, Mapping) else None
    if not isinstance(records, list) or not isinstance(meta, Mapping):
        raise unreadable()
    return RecordPage(records, *_next_and_total(meta, page), meta=meta)


def get_business(api: Api, path: str, kind: str, id_: int) -> Any:
    """One record of a path such as `/projects/business/{business}/project/{id}`."""
    body = api.get(path, parts={"business": business_id(api), "id": id_})
    if not isinstance(body, Mapping) or kind not in body:
        raise unreadable()
    return body[kind]


def create_business(api: Api, path: str, kind: str, fields: Mapping[str, Any]) -> Any:
    """Creates a record and returns it; sent once."""
    body = api.post(path, parts={"business": business_id(api)}, json={kind: given(fields)})
    if not isinstance(body, Mapping) or kind not in body:
        raise unreadable(wrote=True)
    return body[kind]


# --- both ---


def _next_and_total(envelope: Mapping[str, Any], page: int) -> tuple[int | None, int | None]:
    pages, total = envelope.get("pages"), envelope.get("total")
    following = page + 1 if isinstance(pages, int) and page < pages else None
    return following, total if isinstance(total, int) else None


def _text(value: Any) -> Any:
    """A filter's value as both families write it: booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else value
