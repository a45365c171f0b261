"""What Xano answers to many records at once: a list of ids, an object with successes and errors, or nothing.

https://docs.xano.com/api-reference/table-content/create-multiple-records-in-a-single-batch-operation shows a
list of ids. Instances are also seen to send counts with errors, and an empty body.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.connectors.xano.errors import reason_of
from app.connectors.xano.values import unreadable

_MISSING = re.compile(r"Missing param: ([A-Za-z0-9_]{1,100})")
_UNNAMED = "Xano did not name it."
_PLACE_NAMES = ("index", "position", "item_index")
_ECHO_NAMES = ("item", "record", "input", "data")


@dataclass(frozen=True)
class BatchFailure:
    """One record that was not taken. `position`: its place in the batch, from 0, if that can be told."""

    position: int | None
    record_id: str | None
    reason: str


@dataclass
class BatchAnswer:
    """How many of a batch were done, as far as the answer says."""

    size: int
    done: int
    ids: list[str] = field(default_factory=list)
    failures: list[BatchFailure] = field(default_factory=list)

    @classmethod
    def of(cls, body: Any, batch: Sequence[Any]) -> "BatchAnswer":
        """Reads an answer. Raises OutcomeUnknown for one that confirms nothing and refuses nothing."""
        if body is None:
            return cls(len(batch), len(batch))
        if isinstance(body, list):
            ids = _ids(body)
            if not ids:
                raise unreadable(wrote=True)
            return cls(len(batch), min(len(ids), len(batch)), ids, _not_made(body, len(batch), len(ids)))
        if not isinstance(body, Mapping) or not body.keys() & {"success", "error", "success_total"}:
            raise unreadable(wrote=True)
        return cls._of_counts(body, batch)

    @classmethod
    def _of_counts(cls, body: Mapping[str, Any], batch: Sequence[Any]) -> "BatchAnswer":
        ids, errors = _ids(body.get("success")), body.get("error")
        entries = errors if isinstance(errors, list) else [errors] if errors else []
        total = body.get("success_total")
        counted = total if isinstance(total, int) and not isinstance(total, bool) else len(ids)
        done = max(0, min(counted, len(batch)))
        if not done and not entries:
            raise unreadable(wrote=True)
        failures = _failures(entries, batch, all_failed=done == 0)
        return cls(len(batch), done, ids, failures + _unnamed(len(batch) - done - len(failures)))


def _unnamed(count: int) -> list[BatchFailure]:
    """Records that an answer does not name, neither as done nor as failed."""
    return [BatchFailure(None, None, _UNNAMED)] * max(0, count)


def _not_made(entries: Sequence[Any], size: int, done: int) -> list[BatchFailure]:
    """What is no id in a list of ids: with an entry per record, its place is the record's."""
    refused = [(n, entry) for n, entry in enumerate(entries) if not _ids([entry])]
    if len(entries) != size or len(refused) != size - done:
        return _unnamed(size - done)
    return [BatchFailure(n, None, reason_of(entry) or _UNNAMED) for n, entry in refused]


def _ids(entries: Any) -> list[str]:
    """The ids in a list of ids or of records."""
    if not isinstance(entries, list):
        return []
    found = [entry.get("id") if isinstance(entry, Mapping) else entry for entry in entries]
    return [str(id_) for id_ in found if isinstance(id_, int | str) and not isinstance(id_, bool)]


def _failures(entries: Sequence[Any], batch: Sequence[Any], *, all_failed: bool) -> list[BatchFailure]:
    in_order = all_failed and len(entries) == len(batch)
    found = [
        BatchFailure(number if in_order else _position(entry, batch), _id_in(entry), reason_of(entry))
        for number, entry in enumerate(entries)
    ]
    return _by_missing_field(found, batch)


def _position(entry: Any, batch: Sequence[Any]) -> int | None:
    """The place of the record an error is about: said, or found by its id or by the record sent back."""
    if not isinstance(entry, Mapping):
        return None
    for name in _PLACE_NAMES:
        place = entry.get(name)
        if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < len(batch):
            return place
    if (id_ := _id_in(entry)) is not None:
        return _only(n for n, sent in enumerate(batch) if str(sent.get("row_id", sent.get("id"))) == id_)
    echo = next((entry[name] for name in _ECHO_NAMES if isinstance(entry.get(name), Mapping)), None)
    return None if echo is None else _only(n for n, sent in enumerate(batch) if sent == echo)


def _by_missing_field(failures: list[BatchFailure], batch: Sequence[Any]) -> list[BatchFailure]:
    """Finds the records that lack a field Xano misses, where as many errors name that field."""
    missed: dict[str, list[int]] = {}
    for number, failure in enumerate(failures):
        named = _MISSING.match(failure.reason)
        if failure.position is None and named:
            missed.setdefault(named[1], []).append(number)
    found = list(failures)
    for name, numbers in missed.items():
        lacking = [n for n, sent in enumerate(batch) if sent.get("updates", sent).get(name) is None]
        if len(lacking) == len(numbers):
            for number, place in zip(numbers, lacking, strict=True):
                failure = failures[number]
                found[number] = BatchFailure(place, failure.record_id, failure.reason)
    return found


def _only(places: Any) -> int | None:
    found = list(places)
    return found[0] if len(found) == 1 else None


def _id_in(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return None
    named = next((entry[name] for name in ("row_id", "id") if entry.get(name) is not None), None)
    return str(named) if isinstance(named, int | str) and not isinstance(named, bool) else None
