"""The two API families: accounting addresses a business by its account id, time tracking by its number.

Each has its own envelope, paging and way to filter. The wrong kind of id is a 404.
https://www.freshbooks.com/api/parameters
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.connectors.api import Api
from app.connectors.freshbooks.values import unreadable
from app.errors import InvalidArguments, PermissionDenied

_FULL_PAGE = 100  # FreshBooks cuts larger wishes without a word
_MOST_PAGES = 50

Query = Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """One page of records as FreshBooks sent them. `next` is the number of the next page, or None."""

    records: list[Any]
    next: int | None
    total: int | None
    meta: Mapping[str, Any]


def account_id(api: Api) -> str:
    """What the accounting family calls the business. Raises PermissionDenied when it has no books."""
    found = api.business.facts.get("account_id") if api.business else None
    if not isinstance(found, str):
        raise PermissionDenied(
            "This FreshBooks business has no accounting account, so only its time and projects can be used."
        )
    return found


def business_id(api: Api) -> str:
    """What the time tracking and project family calls the business."""
    if api.business is None:
        raise PermissionDenied("This FreshBooks connection has no business. Reconnect it in the hub.")
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
) -> Listed:
    """One page of `A/<path>`. `search` holds filters known to work: unknown ones are silently ignored by
    FreshBooks.
    """
    params: dict[str, Any] = {
        f"search[{key}]": _text(value) for key, value in (search or {}).items() if value is not None
    }
    params |= {"page": page, "per_page": per_page}
    if include:
        params["include[]"] = include
    if sort:
        params["sort"] = sort
    result = _result(api.get(_accounting(path), parts={"account": account_id(api)}, params=params))
    records = result.get(kind)
    if not isinstance(records, list):
        raise unreadable(wrote=False)
    return Listed(records, *_next_and_total(result, page), meta=result)


def all_accounting(api: Api, path: str, kind: str, **how: Any) -> Iterator[Any]:
    """Every record of `A/<path>`, page by page. Raises InvalidArguments when there are too many to read in
    one call.
    """
    page: int | None = 1
    while page is not None:
        if page > _MOST_PAGES:
            raise InvalidArguments(
                f"There are more than {_MOST_PAGES * _FULL_PAGE} records to read. Choose a shorter range."
            )
        listed = list_accounting(api, path, kind, page=page, per_page=_FULL_PAGE, **how)
        yield from listed.records
        if listed.next is not None:
            api.progress(page, None, f"Read {page * _FULL_PAGE} records")
        page = listed.next


def get_accounting(api: Api, path: str, kind: str, id_: int, *, include: str | None = None) -> Any:
    """One record of `A/<path>/<id>`."""
    params = {"include[]": include} if include else None
    body = api.get(_accounting(path) + "/{id}", parts={"account": account_id(api), "id": id_}, params=params)
    return _one(body, kind, wrote=False)


def create_accounting(api: Api, path: str, kind: str, fields: Mapping[str, Any]) -> Any:
    """Make a record and return it. FreshBooks has no idempotency key, so this is sent once."""
    body = api.post(_accounting(path), parts={"account": account_id(api)}, json={kind: _given(fields)})
    return _one(body, kind, wrote=True)


def change_accounting(api: Api, path: str, kind: str, id_: int, fields: Mapping[str, Any]) -> Any:
    """Change a record and return it."""
    body = api.put(
        _accounting(path) + "/{id}",
        parts={"account": account_id(api), "id": id_},
        json={kind: _given(fields)},
    )
    return _one(body, kind, wrote=True)


def get_report(api: Api, name: str, **params: Any) -> Mapping[str, Any]:
    """One report of the accounting family."""
    path = _accounting(f"reports/accounting/{name}")
    result = _result(
        api.get(
            path,
            parts={"account": account_id(api)},
            params={k: _text(v) for k, v in params.items() if v is not None},
        )
    )
    report = result.get(name)
    if not isinstance(report, Mapping):
        raise unreadable(wrote=False)
    return report


def _accounting(path: str) -> str:
    return "/accounting/account/{account}/" + path


def _result(body: Any) -> Mapping[str, Any]:
    response = body.get("response") if isinstance(body, Mapping) else None
    result = response.get("result") if isinstance(response, Mapping) else None
    if not isinstance(result, Mapping):
        raise unreadable(wrote=False)
    return result


def _one(body: Any, kind: str, *, wrote: bool) -> Any:
    response = body.get("response") if isinstance(body, Mapping) else None
    result = response.get("result") if isinstance(response, Mapping) else None
    if not isinstance(result, Mapping) or kind not in result:
        raise unreadable(wrote=wrote)
    return result[kind]


# --- the business family ---


def list_business(api: Api, path: str, kind: str, *, page: int, filters: Query) -> Listed:
    """One page of a path such as `/projects/business/{business}/projects`; filters are plain here."""
    params = {key: _text(value) for key, value in filters.items() if value is not None}
    body = api.get(
        path, parts={"business": business_id(api)}, params={**params, "page": page, "per_page": 50}
    )
    records = body.get(kind) if isinstance(body, Mapping) else None
    meta = body.get("meta") if isinstance(body, Mapping) else None
    if not isinstance(records, list) or not isinstance(meta, Mapping):
        raise unreadable(wrote=False)
    return Listed(records, *_next_and_total(meta, page), meta=meta)


def create_business(api: Api, path: str, kind: str, fields: Mapping[str, Any]) -> Any:
    """Make a record and return it; sent once."""
    body = api.post(path, parts={"business": business_id(api)}, json={kind: _given(fields)})
    if not isinstance(body, Mapping) or kind not in body:
        raise unreadable(wrote=True)
    return body[kind]


# --- both ---


def _next_and_total(envelope: Mapping[str, Any], page: int) -> tuple[int | None, int | None]:
    pages, total = envelope.get("pages"), envelope.get("total")
    return page + 1 if isinstance(pages, int) and page < pages else None, total if isinstance(
        total, int
    ) else None


def _text(value: Any) -> Any:
    """A filter's value as both families write it."""
    return str(value).lower() if isinstance(value, bool) else value


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was said: a null would empty a field."""
    return {key: value for key, value in fields.items() if value is not None}
