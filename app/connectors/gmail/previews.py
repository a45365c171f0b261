"""What sending or saving an email would do, for the person who approves it."""

from collections.abc import Sequence
from email.utils import getaddresses
from html import unescape
from typing import Any

from app.connectors.api import Api
from app.connectors.gmail import mime
from app.connectors.gmail.addresses import addresses
from app.connectors.gmail.composing import ReplyContext, compose, find_reply, subject_of
from app.connectors.gmail.shapes import attachment
from app.connectors.gmail.wire import text
from app.connectors.google import an_object, read
from app.connectors.lookups import mailbox
from app.connectors.preview import Preview, facts, listed, quoted
from app.errors import InvalidArguments

_COVERED = frozenset({"to", "cc", "bcc", "subject"})


def create_draft(api: Api, **email: Any) -> Preview:
    """Preview of `create_draft`. Raises what composing the email raises."""
    reply, envelope = _checked(api, **email)
    return Preview(
        f"Save a draft {'reply ' if reply else ''}{envelope}",
        "Save draft",
        facts=_reply_facts(reply),
        covers=_COVERED,
    )


def send_message(api: Api, **email: Any) -> Preview:
    """Preview of `send_message`. Raises what composing the email raises."""
    reply, envelope = _checked(api, **email)
    return Preview(
        f"Send {'a reply' if reply else 'an email'} {envelope}",
        "Send reply" if reply else "Send email",
        facts=_reply_facts(reply),
        covers=_COVERED,
    )


def send_draft(api: Api, draft_id: str) -> Preview:
    """Preview of `send_draft`: what the draft holds now. Raises ObjectNotFound, or InvalidArguments for a
    draft without recipients.
    """
    draft = read(api, "/gmail/v1/users/me/drafts/{id}", parts={"id": draft_id}, params={"format": "full"})
    message = an_object(draft.get("message"))
    payload = an_object(message.get("payload"))
    to, cc, bcc = (mime.header(payload, name) for name in ("To", "Cc", "Bcc"))
    if not (to or cc or bcc):
        raise InvalidArguments("The draft has no recipients. Add one in Gmail, then send it.")
    subject = mime.header(payload, "Subject")
    files = [attachment(part) for part in mime.files(payload)]
    return Preview(
        f"Send draft {_envelope(subject, *(_people_in(header) for header in (to, cc, bcc)))}",
        "Send draft",
        facts=facts(
            ("To", to),
            ("Cc", cc),
            ("Bcc", bcc),
            ("Subject", subject or "(no subject)"),
            ("Text", unescape(text(message, "snippet"))),
            ("Attachments", "\n".join(f"{file.filename} ({_size(file.size)})" for file in files)),
        ),
    )


def _checked(
    api: Api,
    to: Sequence[str],
    body: str,
    subject: str | None,
    cc: Sequence[str] | None,
    bcc: Sequence[str] | None,
    body_type: Any,
    reply_to_message_id: str | None,
) -> tuple[ReplyContext | None, str]:
    """The message it answers, and subject and recipients in words, once the email could be composed."""
    reply = find_reply(api, reply_to_message_id) if reply_to_message_id else None
    compose(to=to, cc=cc or (), bcc=bcc or (), subject=subject, body=body, body_type=body_type, reply=reply)
    return reply, _envelope(
        subject_of(subject, reply), *([str(each) for each in _flat(people)] for people in (to, cc, bcc))
    )


def _flat(people: Sequence[str] | None) -> list[Any]:
    return [address for person in people or () for address in addresses(person)]


def _people_in(header: str) -> list[str]:
    found = getaddresses([header])
    return [mailbox(name, address) for name, address in found]


def _envelope(subject: str, to: Sequence[str], cc: Sequence[str], bcc: Sequence[str]) -> str:
    groups = (("to", to), ("cc", cc), ("bcc", bcc))
    recipients = ", ".join(f"{word} {listed(people)}" for word, people in groups if people)
    return f"{quoted(subject) if subject else 'without a subject'} {recipients}"


def _reply_facts(reply: ReplyContext | None) -> Any:
    return facts(("In reply to", f"{quoted(reply.subject)} from {reply.sender}")) if reply else ()


def _size(count: int) -> str:
    """Bytes as people read them: "340 bytes", "34 KB", "2.1 MB"."""
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
