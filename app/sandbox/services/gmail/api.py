"""The methods of `users.messages`, `threads`, `drafts` and `labels` of the Gmail API.

https://developers.google.com/workspace/gmail/api/reference/rest
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.sandbox.current import here
from app.sandbox.google import GoogleRefusal, add_userinfo
from app.sandbox.google import needs as google_needs
from app.sandbox.refusals import json_object
from app.sandbox.rules import Access
from app.sandbox.services.gmail import mail
from app.sandbox.services.gmail.mailbox import Mailbox, not_found

bp = Blueprint("gmail", __name__)
add_userinfo(bp)

_USER = "/gmail/v1/users/<user>"
_ALL = "https://mail.google.com/"
READ = ("gmail.readonly", "gmail.modify", _ALL)
SEE = (*READ, "gmail.metadata")
DRAFT = ("gmail.compose", "gmail.modify", _ALL)
SEND = ("gmail.send", *DRAFT)
LABEL = ("gmail.modify", _ALL)


def needs(*scopes: str) -> Any:
    """Guard a view for this service."""
    return google_needs(*scopes, service="gmail.googleapis.com")


@bp.get(f"{_USER}/profile")
@needs(*SEE, "gmail.compose")
def profile(access: Access, user: str) -> Response:
    """getProfile."""
    box = Mailbox(access, user, units=1)
    messages = box.messages()
    return jsonify(
        emailAddress=box.owner,
        messagesTotal=len(messages),
        threadsTotal=len({message["threadId"] for message in messages}),
        historyId=max((message["historyId"] for message in messages), default="900000"),
    )


@bp.get(f"{_USER}/messages")
@needs(*SEE)
def list_messages(access: Access, user: str) -> Response:
    """messages.list: ids only."""
    box = Mailbox(access, user, units=5)
    _no_search_with_metadata_only(access)
    return _page(box.search(request.args), "messages", lambda m: {"id": m["id"], "threadId": m["threadId"]})


@bp.get(f"{_USER}/messages/<id_>")
@needs(*SEE)
def get_message(access: Access, user: str, id_: str) -> Response:
    """messages.get."""
    return jsonify(_message(access, Mailbox(access, user, units=5).get("message", id_)))


@bp.get(f"{_USER}/messages/<id_>/attachments/<attachment_id>")
@needs(*READ)
def get_attachment(access: Access, user: str, id_: str, attachment_id: str) -> Response:
    """messages.attachments.get."""
    data = mail.attachment(Mailbox(access, user, units=5).get("message", id_), attachment_id, here().now())
    if data is None:
        raise GoogleRefusal(400, "Invalid attachment token", "invalidArgument", "INVALID_ARGUMENT")
    return jsonify(size=len(data), data=mail.to_base64url(data))


@bp.post(f"{_USER}/messages/send")
@needs(*SEND)
def send_message(access: Access, user: str) -> Response:
    """messages.send."""
    box = Mailbox(access, user, units=100)
    given = _body()
    sent = box.send(box.composed(given))
    return jsonify(id=sent["id"], threadId=sent["threadId"], labelIds=sent["labelIds"])


@bp.post(f"{_USER}/messages/<id_>/modify")
@needs(*LABEL)
def modify_message(access: Access, user: str, id_: str) -> Response:
    """messages.modify."""
    box = Mailbox(access, user, units=5)
    given = _body()
    changed = box.relabel(
        box.get("message", id_), given.get("addLabelIds") or [], given.get("removeLabelIds") or []
    )
    return jsonify(id=changed["id"], threadId=changed["threadId"], labelIds=changed["labelIds"])


@bp.get(f"{_USER}/threads")
@needs(*SEE)
def list_threads(access: Access, user: str) -> Response:
    """threads.list."""
    box = Mailbox(access, user, units=10)
    _no_search_with_metadata_only(access)
    newest = {message["threadId"]: message for message in reversed(box.search(request.args))}
    threads = sorted(newest.values(), key=lambda m: int(m["internalDate"]), reverse=True)
    return _page(
        threads,
        "threads",
        lambda m: {"id": m["threadId"], "snippet": m["snippet"], "historyId": m["historyId"]},
    )


@bp.get(f"{_USER}/threads/<id_>")
@needs(*SEE)
def get_thread(access: Access, user: str, id_: str) -> Response:
    """threads.get: every message, oldest first."""
    box = Mailbox(access, user, units=10)
    messages = box.thread(id_)
    return jsonify(
        id=id_,
        historyId=messages[-1]["historyId"],
        messages=[_message(access, message) for message in messages],
    )


@bp.get(f"{_USER}/labels")
@needs(*SEE, "gmail.labels")
def list_labels(access: Access, user: str) -> Response:
    """labels.list."""
    return jsonify(labels=Mailbox(access, user, units=1).book.all("label"))


@bp.get(f"{_USER}/drafts")
@needs(*READ, "gmail.compose")
def list_drafts(access: Access, user: str) -> Response:
    """drafts.list."""
    box = Mailbox(access, user, units=5)
    return _page(box.book.all("draft"), "drafts", box.draft)


@bp.post(f"{_USER}/drafts")
@needs(*DRAFT)
def create_draft(access: Access, user: str) -> Response:
    """drafts.create."""
    box = Mailbox(access, user, units=10)
    message = _body().get("message")
    return jsonify(box.new_draft(box.composed(message if isinstance(message, dict) else {})))


@bp.get(f"{_USER}/drafts/<id_>")
@needs(*READ, "gmail.compose")
def get_draft(access: Access, user: str, id_: str) -> Response:
    """drafts.get."""
    box = Mailbox(access, user, units=5)
    draft = box.book.find("draft", id_)
    if draft is None:
        raise not_found()
    return jsonify(id=id_, message=_message(access, box.get("message", draft["message"])))


@bp.post(f"{_USER}/drafts/send")
@needs(*DRAFT)
def send_draft(access: Access, user: str) -> Response:
    """drafts.send, which deletes the draft."""
    sent = Mailbox(access, user, units=100).send_draft(str(_body().get("id", "")))
    return jsonify(id=sent["id"], threadId=sent["threadId"], labelIds=sent["labelIds"])


def _body() -> dict[str, Any]:
    return json_object(GoogleRefusal(400, "Parse Error", "parseError", "INVALID_ARGUMENT"))


def _metadata_only(access: Access) -> bool:
    return not any(
        access.scopes & {_ALL, f"https://www.googleapis.com/auth/{name}"}
        for name in ("gmail.readonly", "gmail.modify")
    )


def _no_search_with_metadata_only(access: Access) -> None:
    if request.args.get("q") and _metadata_only(access):
        raise GoogleRefusal(
            403, "Metadata scope does not support 'q' parameter", "forbidden", "PERMISSION_DENIED"
        )


def _message(access: Access, message: dict[str, Any]) -> dict[str, Any]:
    format = request.args.get("format", "full")
    if format not in {"full", "metadata", "minimal", "raw"}:
        raise GoogleRefusal(
            400, f"Invalid value at 'format': {format}", "invalidArgument", "INVALID_ARGUMENT"
        )
    if format in {"full", "raw"} and _metadata_only(access) and request.method == "GET":
        raise GoogleRefusal(
            403, f"Metadata scope doesn't allow format {format.upper()}", "forbidden", "PERMISSION_DENIED"
        )
    return mail.message_resource(message, format, request.args.getlist("metadataHeaders"), here().now())


def _page(found: list[dict[str, Any]], name: str, show: Any) -> Response:
    """A page of a list. Gmail leaves out an empty array, and the token of a last page."""
    most, start = _most(), _start()
    page = found[start : start + most]
    answer: dict[str, Any] = {name: [show(entry) for entry in page]} if page else {}
    if start + most < len(found):
        answer["nextPageToken"] = f"{(start + most) * 7_919 + 10_000_000_000:011d}"
    return jsonify(**answer, resultSizeEstimate=min(len(found), 201))


def _most() -> int:
    given = request.args.get("maxResults", "100")
    if not given.isdigit() or not 1 <= int(given) <= 500:
        raise GoogleRefusal(400, "Invalid value for maxResults", "invalidArgument", "INVALID_ARGUMENT")
    return int(given)


def _start() -> int:
    given = request.args.get("pageToken")
    if given is None:
        return 0
    number = int(given) - 10_000_000_000 if given.isascii() and given.isdigit() else -1
    if number < 0 or number % 7_919:
        raise GoogleRefusal(400, "Invalid pageToken", "invalidArgument", "INVALID_ARGUMENT")
    return number // 7_919
