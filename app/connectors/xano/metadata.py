"""Requests to the Metadata API of one instance, and the two shapes of its lists."""

from collections.abc import Mapping
from typing import Any

from app.connectors.api import Api
from app.connectors.request import given
from app.connectors.xano.values import unreadable
from app.errors import InvalidArguments, ReconnectNeeded

TABLES = "/workspace/{workspace}/table"
TABLE = TABLES + "/{table}"
CONTENT = TABLE + "/content"
RECORD = CONTENT + "/{record}"
SCHEMA = TABLE + "/schema"
_MOST_PAGES = 50
_OF_ERRORS = frozenset(
    ["code", "error", "errors", "message", "param", "payload", "request_id", "status", "success", "trace"]
)


def at_instance(api: Api) -> str:
    """The instance's address from the account's list; `Api` checks it on every use."""
    found = api.business.facts.get("meta_api") if api.business else None
    if not isinstance(found, str):
        raise ReconnectNeeded("This Xano connection no longer reaches an instance. Reconnect Xano.")
    return found


def send(api: Api, method: str, path: str, *, safe: bool = False, **options: Any) -> Any:
    """One request to the instance. Returns None for an empty answer or null, as after deleting."""
    return api.request(method, path, safe=safe, base_url=at_instance(api), **options)


def check_done(body: Any) -> None:
    """Raises OutcomeUnknown for an answer to a deletion or a change that does not have Xano's shape.

    Documented are null, an empty body and an object; an error sent with status 200 is found by `read_error`.
    An object with nothing but members of an error, such as a message alone, confirms nothing.
    """
    if body is None:
        return
    if not isinstance(body, Mapping) or (body and body.keys() <= _OF_ERRORS):
        raise unreadable(wrote=True)


def table_changes(**changes: Any) -> dict[str, Any]:
    """What a change of a table sets. Raises InvalidArguments when that is nothing."""
    if not (named := given(changes)):
        raise InvalidArguments("Say what to change: name, description, docs, auth or tag.")
    return named


def read_object(api: Api, path: str, **options: Any) -> Mapping[str, Any]:
    """One object."""
    body = send(api, "GET", path, safe=True, **options)
    if not isinstance(body, Mapping):
        raise unreadable()
    return body


def read_page(
    api: Api, path: str, *, page: int, per_page: int, parts: Mapping[str, Any], **filters: Any
) -> "ListPage":
    """One page of a list."""
    params = {"page": page, "per_page": per_page, **given(filters)}
    return ListPage.of(send(api, "GET", path, safe=True, parts=parts, params=params), page, per_page)


class ListPage:
    """A page of a list: Xano sends a bare array or an envelope. `next` is None at the end."""

    def __init__(self, items: list[Any], following: int | None, total: int | None) -> None:
        self.items = items
        self.next = following
        self.total = total

    @classmethod
    def of(cls, body: Any, page: int = 1, per_page: int | None = None) -> "ListPage":
        """The page in an answer, empty for no body. Raises ProviderUnavailable for other shapes."""
        if body is None:
            return cls([], None, None)
        if isinstance(body, list):
            return cls._of_array(body, page, per_page)
        items = body.get("items") if isinstance(body, Mapping) else None
        if isinstance(body, Mapping) and items is None and "items" in body:
            items = []
        if not isinstance(items, list):
            raise unreadable()
        following, total = _number(body.get("nextPage")), _number(body.get("itemsTotal"))
        return cls(items, following if following and following > page else None, total)

    @classmethod
    def _of_array(cls, items: list[Any], page: int, per_page: int | None) -> "ListPage":
        if per_page is None or len(items) < per_page:
            return cls(items, None, None)
        if len(items) == per_page:
            return cls(items, page + 1, None)
        # More than a page: the endpoint does not page and sent everything.
        return cls(
            items[(page - 1) * per_page : page * per_page],
            page + 1 if len(items) > page * per_page else None,
            len(items),
        )


def read_all(
    api: Api, path: str, *, base_url: str | None = None, parts: Mapping[str, Any] | None = None
) -> list[Any]:
    """Every entry of a short list, from all of its pages."""
    found: list[Any] = []
    page: int | None = 1
    for _ in range(_MOST_PAGES):
        params = None if page == 1 else {"page": page}
        answer = ListPage.of(api.get(path, base_url=base_url, parts=parts, params=params), page or 1)
        found += answer.items
        page = answer.next
        if page is None:
            break
    return found


def read_entries(api: Api, workspace_id: str, table_id: str) -> list[Any]:
    """The fields of a table as Xano sends them: a list, or an object that holds it."""
    body = send(api, "GET", SCHEMA, safe=True, parts={"workspace": workspace_id, "table": table_id})
    entries = body.get("schema") if isinstance(body, Mapping) else body
    if not isinstance(entries, list):
        raise unreadable()
    return entries


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
