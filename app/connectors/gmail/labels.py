"""Labels: Gmail's folders and marks."""

from typing import Annotated, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.gmail import scopes
from app.connectors.gmail.shapes import MessageId, PageNumber, page_of
from app.connectors.gmail.wire import MESSAGES, label_ids, text, write
from app.connectors.google import objects, read
from app.connectors.rows import Page, Row
from app.errors import InvalidArguments

_A_PAGE = 200

LabelIds = list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_^-]{1,100}$")]]


class Label(Row):
    """A label of the mailbox."""

    id: str = Field(description="Pass where a label id is asked for.")
    name: str
    type: Literal["system", "user"]


class Labelled(Row):
    """A message after its labels changed."""

    id: str
    thread_id: str
    labels: list[str] = Field(description="The label ids it has now.")


@tool(title="List labels", reads_only=True, pages_by="page", needs_scopes=scopes.TO_READ)
def list_labels(api: Api, page: PageNumber = 1) -> Page[Label]:
    """List the mailbox's labels with the ids that searching and changing labels take."""
    found = objects(read(api, "/gmail/v1/users/me/labels").get("labels"))
    labels = [
        Label(
            id=text(entry, "id"),
            name=text(entry, "name")[:225],
            type="system" if entry.get("type") == "system" else "user",
        )
        for entry in found
    ]
    return page_of(labels, page, _A_PAGE)


@tool(title="Change labels", idempotent=True, needs_scopes=scopes.TO_LABEL)
def modify_labels(
    api: Api,
    message_id: MessageId,
    add_label_ids: Annotated[LabelIds | None, Field(max_length=100, description="To put on.")] = None,
    remove_label_ids: Annotated[LabelIds | None, Field(max_length=100, description="To take off.")] = None,
) -> Labelled:
    """Put labels on a message or take them off: file it, mark it read (remove UNREAD), archive it (remove
    INBOX). Label ids come from gmail_list_labels.
    """
    if not add_label_ids and not remove_label_ids:
        raise InvalidArguments("Give label ids to add or to remove.")
    if both := sorted(set(add_label_ids or ()) & set(remove_label_ids or ())):
        raise InvalidArguments(f"{both[0]} is to be added and removed. Give it once.")
    changed = write(
        api,
        MESSAGES + "/{id}/modify",
        proof=("id", "labelIds"),
        parts={"id": message_id},
        json={"addLabelIds": add_label_ids or [], "removeLabelIds": remove_label_ids or []},
        safe=True,  # repeating the change has no effect
    )
    return Labelled(id=message_id, thread_id=text(changed, "threadId"), labels=label_ids(changed))
