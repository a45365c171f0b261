"""Labels: Gmail's folders and marks."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.gmail import mime, scopes
from app.connectors.gmail.errors import UnknownLabel
from app.connectors.gmail.shapes import MessageId, PageNumber, page_of
from app.connectors.gmail.wire import MESSAGES, label_ids, text, write
from app.connectors.google import an_object, objects, read
from app.connectors.lookups import mailbox, named
from app.connectors.preview import Preview, facts, listed, quoted
from app.connectors.rows import Page, Row
from app.errors import InvalidArguments

_LABELS = "/gmail/v1/users/me/labels"
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
    found = objects(read(api, _LABELS).get("labels"))
    labels = [
        Label(
            id=text(entry, "id"),
            name=text(entry, "name")[:225],
            type="system" if entry.get("type") == "system" else "user",
        )
        for entry in found
    ]
    return page_of(labels, page, _A_PAGE)


def preview_labels(
    api: Api, message_id: str, add_label_ids: list[str] | None, remove_label_ids: list[str] | None
) -> Preview:
    """Preview of `modify_labels`, with the names of the labels. Raises what Gmail would for unknown ids."""
    _check(add_label_ids, remove_label_ids)
    params = [("format", "metadata"), *(("metadataHeaders", name) for name in ("From", "Subject"))]
    message = read(api, MESSAGES + "/{id}", parts={"id": message_id}, params=params)
    payload = an_object(message.get("payload"))
    subject, sender = mime.header(payload, "Subject"), mime.header(payload, "From")
    whose = mailbox(*parseaddr(sender)) or quoted(sender)
    names = {text(entry, "id"): _name_of(entry) for entry in objects(read(api, _LABELS).get("labels"))}
    if names and not {*(add_label_ids or ()), *(remove_label_ids or ())} <= names.keys():
        raise UnknownLabel()
    changes = [
        f"{word} {listed((named(names.get(id_, id_)) for id_ in ids), most=10)}"
        for word, ids in (("add", add_label_ids), ("remove", remove_label_ids))
        if ids
    ]
    return Preview(
        f"Change labels of {quoted(subject) if subject else 'the message without a subject'} from {whose}: "
        + "; ".join(changes),
        "Change labels",
        facts=facts(
            ("Subject", subject or "(no subject)"),
            ("From", sender),
            ("Labels now", ", ".join(names.get(id_, id_) for id_ in label_ids(message))),
        ),
    )


@tool(title="Change labels", idempotent=True, needs_scopes=scopes.TO_LABEL, preview=preview_labels)
def modify_labels(
    api: Api,
    message_id: MessageId,
    add_label_ids: Annotated[LabelIds | None, Field(max_length=100, description="To put on.")] = None,
    remove_label_ids: Annotated[LabelIds | None, Field(max_length=100, description="To take off.")] = None,
) -> Labelled:
    """Put labels on a message or take them off: file it, mark it read (remove UNREAD), archive it (remove
    INBOX). Label ids come from gmail_list_labels.
    """
    _check(add_label_ids, remove_label_ids)
    changed = write(
        api,
        MESSAGES + "/{id}/modify",
        proof=("id", "labelIds"),
        parts={"id": message_id},
        json={"addLabelIds": add_label_ids or [], "removeLabelIds": remove_label_ids or []},
        safe=True,  # repeating the change has no effect
    )
    return Labelled(id=message_id, thread_id=text(changed, "threadId"), labels=label_ids(changed))


def _check(add: list[str] | None, remove: list[str] | None) -> None:
    if not add and not remove:
        raise InvalidArguments("Give label ids to add or to remove.")
    if both := sorted(set(add or ()) & set(remove or ())):
        raise InvalidArguments(f"{both[0]} can't be both added and removed.")


def _name_of(entry: Mapping[str, Any]) -> str:
    """A label's name; of Gmail's own labels, which are in capitals, as a word."""
    name = text(entry, "name")
    return name.replace("_", " ").capitalize() if entry.get("type") == "system" else name
