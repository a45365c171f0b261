"""One mailbox during one request: access, quota, reads and changes."""

import base64
import re
from collections import deque
from collections.abc import Iterable
from email import message_from_bytes
from email.message import Message
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, make_msgid
from typing import Any

from flask import current_app
from werkzeug.datastructures import MultiDict

from app.sandbox.current import Here, here
from app.sandbox.google import GoogleRefusal, throttled
from app.sandbox.rules import Access
from app.sandbox.services.gmail import mail, search
from app.sandbox.store import Book, Record

_UNITS_PER_MINUTE = 15_000  # a classic project's quota per person: https://developers.google.com/workspace/gmail/api/reference/quota
_MOST_BYTES = 36_700_160
_FIXED_LABELS = {"SENT", "DRAFT"}
_ID = re.compile(r"[0-9a-f]{6,16}")


def not_found() -> GoogleRefusal:
    """404 for an id that the mailbox does not have."""
    return GoogleRefusal(404, "Requested entity was not found.", "notFound", "NOT_FOUND")


def _invalid(sentence: str) -> GoogleRefusal:
    return GoogleRefusal(400, sentence, "invalidArgument", "INVALID_ARGUMENT")


class Mailbox:
    """The mailbox of the token's owner. Opening it counts `units` against their quota."""

    def __init__(self, access: Access, user: str, *, units: int) -> None:
        self.here: Here = here()
        account = self.here.service.company(access.company)
        self.owner = account.person
        if user not in {"me", self.owner}:
            raise GoogleRefusal(403, f"Delegation denied for {self.owner}", "forbidden", "PERMISSION_DENIED")
        if not account.facts["mail"]:
            raise GoogleRefusal(400, "Mail service not enabled", "failedPrecondition", "FAILED_PRECONDITION")
        self._spend(units)
        self.book: Book = self.here.book(account.key)

    def _spend(self, units: int) -> None:
        now = self.here.now()
        spent: dict[str, deque[tuple[float, int]]] = current_app.extensions.setdefault("gmail_quota", {})
        mine = spent.setdefault(self.owner, deque())
        while mine and mine[0][0] <= now.timestamp() - 60:
            mine.popleft()
        if mine and mine[0][0] > now.timestamp():
            mine.clear()  # a lever has put the clock back
        if sum(each for _, each in mine) + units > _UNITS_PER_MINUTE:
            raise throttled(now, max(1, round(mine[0][0] + 60 - now.timestamp())))
        mine.append((now.timestamp(), units))

    # --- reading ---

    def messages(self) -> list[Record]:
        """Every message, newest first."""
        return sorted(self.book.all("message"), key=lambda m: int(m["internalDate"]), reverse=True)

    def get(self, kind: str, id_: str) -> Record:
        """The record of that id. Raises Gmail's 400 for an invalid id and 404 for an unknown one."""
        if not _ID.fullmatch(id_):
            raise _invalid("Invalid id value")
        record = self.book.find(kind, id_)
        if record is None:
            raise not_found()
        return record

    def thread(self, id_: str) -> list[Record]:
        """A conversation, oldest first."""
        if not _ID.fullmatch(id_):
            raise _invalid("Invalid id value")
        messages = [message for message in reversed(self.messages()) if message["threadId"] == id_]
        if not messages:
            raise not_found()
        return messages

    def search(self, filters: "MultiDict[str, str]") -> list[Record]:
        """Messages that match `q` and have all of `labelIds`. Spam and Trash only on request."""
        query, labels = filters.get("q", ""), set(filters.getlist("labelIds"))
        for label in labels:
            if self.book.find("label", label) is None:
                raise _invalid(f"Invalid label: {label}")
        names = {
            record["name"].lower().replace(" ", "-").replace("/", "-"): record["id"]
            for record in self.book.all("label")
        }
        matches = search.matcher(query, self.here.now(), names)
        hidden = {"SPAM", "TRASH"} - labels
        if filters.get("includeSpamTrash", "").lower() == "true" or search.names_spam_or_trash(query):
            hidden = set()
        return [
            m
            for m in self.messages()
            if not hidden & {*m["labelIds"]} and labels <= {*m["labelIds"]} and matches(m)
        ]

    # --- changing ---

    def relabel(self, message: Record, add: Iterable[Any], remove: Iterable[Any]) -> Record:
        """Change labels; all or nothing."""
        for label in (*add, *remove):
            if self.book.find("label", label) is None or label in _FIXED_LABELS:
                raise _invalid(f"Invalid label: {label}")
        remaining = [label for label in message["labelIds"] if label not in set(remove)]
        labels = list(dict.fromkeys([*remaining, *add]))
        history = str(900_000 + self.book.new_id("history"))
        return self.book.put("message", message["id"], {**message, "labelIds": labels, "historyId": history})

    def composed(self, given: dict[str, Any]) -> tuple[Message, str | None]:
        """The mail of a Message resource and its thread. `From` is always the account's address."""
        try:
            raw = mail.from_base64url(str(given.get("raw") or ""))
        except ValueError:
            raise _invalid("Invalid value for ByteString") from None
        if not raw or len(raw) > _MOST_BYTES:
            raise _invalid(
                "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
            )
        made = message_from_bytes(raw, policy=SMTP.clone(max_line_length=998))
        del made["From"], made["Date"]
        made["From"] = self.owner
        if not made["Message-ID"]:
            made["Message-ID"] = make_msgid(domain="mail.gmail.com")
        made["Date"] = format_datetime(self.here.now())
        thread = given.get("threadId")
        if thread is not None:
            self.thread(str(thread))
        return made, thread

    def new_draft(self, composed: tuple[Message, str | None]) -> dict[str, Any]:
        """Store a draft."""
        made, thread = composed
        message = mail.store(self.book, made.as_bytes(), self.here.now(), ["DRAFT"], thread)
        draft_id = f"r-{self.book.new_id('draft', first=55_121)}"
        return self.draft(self.book.put("draft", draft_id, {"id": draft_id, "message": message["id"]}))

    def draft(self, record: Record) -> dict[str, Any]:
        """A draft in the shape of lists and `create`."""
        message = self.get("message", record["message"])
        return {
            "id": record["id"],
            "message": {name: message[name] for name in ("id", "threadId", "labelIds")},
        }

    def send(self, composed: tuple[Message, str | None]) -> Record:
        """Send a mail: to Sent, to the demo mailboxes among its recipients, and to the log."""
        made, thread = composed
        people = [
            address
            for _, address in getaddresses(
                [str(h) for name in ("To", "Cc", "Bcc") for h in made.get_all(name, [])]
            )
        ]
        if not people or not all(re.fullmatch(r"[^@\s]+@[^@\s]+", address) for address in people):
            raise _invalid("Recipient address required" if not people else "Invalid To header")
        sent = mail.store(self.book, made.as_bytes(), self.here.now(), ["SENT"], thread)
        self.here.mailed(
            to=people, subject=mail.decoded(str(made.get("Subject", ""))), thread=sent["threadId"]
        )
        del made["Bcc"]
        for account in self.here.service.companies:
            if account.facts["mail"] and account.person in people:
                own = thread if account.person == self.owner else None
                mail.store(
                    self.here.book(account.key), made.as_bytes(), self.here.now(), ["INBOX", "UNREAD"], own
                )
        return sent

    def send_draft(self, draft_id: str) -> Record:
        """Send and delete a draft."""
        draft = self.book.find("draft", draft_id)
        if draft is None:
            raise not_found()
        message = self.get("message", draft["message"])
        thread = message["threadId"] if message["threadId"] != message["id"] else None
        raw = mail.to_base64url(base64.b64decode(message["raw"]))
        sent = self.send(self.composed({"raw": raw, **({"threadId": thread} if thread else {})}))
        self.book.remove("draft", draft_id)
        self.book.remove("message", message["id"])
        return sent
