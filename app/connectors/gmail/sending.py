"""Writing email: drafts first, sending on its own.

Gmail takes no idempotency key, so no request here is repeated: when the answer is lost, the call ends as
"may or may not have been done".
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.gmail import previews, scopes
from app.connectors.gmail.composing import compose, find_reply, sent_ids
from app.connectors.gmail.wire import MESSAGES, text, write
from app.connectors.google import an_object
from app.connectors.rows import Row

_DRAFTS = "/gmail/v1/users/me/drafts"

Person = Annotated[str, Field(min_length=3, max_length=20_000)]
To = Annotated[
    list[Person],
    Field(min_length=1, max_length=500, description="a@b.example or Name <a@b.example>."),
]
More = list[Person] | None
Cc = Annotated[More, Field(max_length=500, description="Copies.")]
Bcc = Annotated[More, Field(max_length=500, description="Hidden copies.")]
Subject = Annotated[str | None, Field(max_length=900, description='One line. Left out in a reply: "Re: …".')]
Body = Annotated[str, Field(max_length=100_000, description="The text.")]
BodyType = Annotated[Literal["text", "html"], Field(description="Of body.")]
ReplyTo = Annotated[
    str | None,
    Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="The message this answers; keeps the conversation together.",
    ),
]


class SavedDraft(Row):
    """A draft in the mailbox."""

    draft_id: str = Field(description="Pass to gmail_send_draft.")
    message_id: str
    thread_id: str


class SentMessage(Row):
    """An email that was sent."""

    message_id: str
    thread_id: str


def _composed(deliver: Callable[[Api, dict[str, Any]], Any]) -> Callable[..., Any]:
    """Turns a function that takes a composed message into one that takes the arguments of an email."""

    def with_mail(
        api: Api,
        to: To,
        body: Body,
        subject: Subject = None,
        cc: Cc = None,
        bcc: Bcc = None,
        body_type: BodyType = "text",
        reply_to_message_id: ReplyTo = None,
    ) -> Any:
        reply = find_reply(api, reply_to_message_id) if reply_to_message_id else None
        copies = {"cc": cc or (), "bcc": bcc or ()}
        mail = compose(to=to, **copies, subject=subject, body=body, body_type=body_type, reply=reply)
        return deliver(api, mail)

    with_mail.__name__, with_mail.__doc__ = deliver.__name__, deliver.__doc__
    with_mail.__annotations__["return"] = deliver.__annotations__["return"]
    return with_mail


@tool(title="Save a draft", needs_scopes=scopes.TO_DRAFT, preview=previews.create_draft)
@_composed
def create_draft(api: Api, message: dict[str, Any]) -> SavedDraft:
    """Save an email as a draft, so that the person can check it before it is sent.

    Prefer this to gmail_send_message unless the person asked to send. gmail_send_draft sends it later.
    """
    made = write(api, _DRAFTS, json={"message": message})
    api.say("Draft saved, not sent.")
    return SavedDraft(draft_id=text(made, "id"), **sent_ids(an_object(made.get("message"))))


@tool(
    title="Send an email",
    destructive=True,
    needs_scopes=scopes.TO_SEND,
    preview=previews.send_message,
)
@_composed
def send_message(api: Api, message: dict[str, Any]) -> SentMessage:
    """Send an email now. Can't be undone.

    Only when the person asked to send; otherwise gmail_create_draft. After a TIMEOUT search in:sent before
    sending again.
    """
    sent = write(api, MESSAGES + "/send", json=message)
    api.say("Sent.")
    return SentMessage(**sent_ids(sent))


@tool(title="Send a draft", destructive=True, needs_scopes=scopes.TO_DRAFT, preview=previews.send_draft)
def send_draft(
    api: Api,
    draft_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="From gmail_create_draft.")],
) -> SentMessage:
    """Send a draft as it is, once the person agreed. Can't be undone.

    After a TIMEOUT search in:sent before sending again.
    """
    sent = write(api, _DRAFTS + "/send", json={"id": draft_id})
    api.say("Sent.")
    return SentMessage(**sent_ids(sent))
