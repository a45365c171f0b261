"""Searches for message ids, then loads the messages: Gmail's list returns ids only."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from app import threads
from app.connectors.api import Api
from app.connectors.gmail.wire import MESSAGES, text
from app.connectors.google import objects, read
from app.errors import ObjectNotFound

_AT_ONCE = 4  # Gmail answers 429 to many requests at once for one mailbox


def list_ids(
    api: Api,
    query: str,
    most: int,
    page_token: str | None,
    label_ids: Sequence[str] = (),
    spam_and_trash: bool = False,
) -> tuple[list[str], str | None]:
    """Ids of matching messages, newest first, and the token of the next page."""
    params: list[tuple[str, str]] = [("maxResults", str(most))]
    params += [("q", query)] if query.strip() else []
    params += [("pageToken", page_token)] if page_token else []
    params += [("labelIds", label) for label in label_ids]
    params += [("includeSpamTrash", "true")] if spam_and_trash else []
    found = read(api, MESSAGES, params=params)
    ids = [text(entry, "id") for entry in objects(found.get("messages"))]
    return [id_ for id_ in ids if id_], text(found, "nextPageToken") or None


def load_each(api: Api, ids: Sequence[str], params: Any) -> Iterator[Mapping[str, Any]]:
    """The messages in the order of their ids, a few requests at a time. Skips those deleted meanwhile."""

    def load(message_id: str) -> Mapping[str, Any] | None:
        try:
            return read(api, MESSAGES + "/{id}", parts={"id": message_id}, params=params)
        except ObjectNotFound:
            return None

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="gmail") as pool:
        waiting = [threads.submit(pool, copy_context().run, load, message_id) for message_id in ids]
        try:
            for done, future in enumerate(waiting):
                message = future.result()
                api.progress(done + 1, len(ids), f"{done + 1} of {len(ids)} messages")
                if message is not None:
                    yield message
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
