"""Many records at once: sent in batches, with progress, and reported as counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.preview import Preview
from app.connectors.rows import Row
from app.connectors.xano import previews
from app.connectors.xano.auth_methods import WRITES
from app.connectors.xano.bulk_answers import BatchAnswer
from app.connectors.xano.metadata import CONTENT, send
from app.connectors.xano.values import RecordData, RowId, TableId, WorkspaceId
from app.errors import InvalidArguments, OutcomeUnknown, ToolError

_BATCH = 100
_MOST = 1000
_MOST_FAILURES = 50  # listed one by one; all are counted


class Failure(Row):
    """Why one record was not taken."""

    position: int | None = Field(None, description="Its place in what you sent, from 0.")
    among: str | None = Field(None, description="The places it is among, when Xano does not say.")
    record_id: str | None = Field(None, description="Its id, when Xano named it.")
    reason: str = Field("", description="Xano's words.")


class BulkCreated(Row):
    """What came of creating records."""

    created: int
    failed: int
    ids: list[str] = Field(description="Fewer than created when Xano did not name them all.")
    failures: list[Failure] = Field(description=f"At most {_MOST_FAILURES}.")


class BulkUpdated(Row):
    """What came of changing records."""

    updated: int
    failed: int
    ids: list[str] = Field(description="Fewer than updated when Xano did not name them all.")
    failures: list[Failure] = Field(description=f"At most {_MOST_FAILURES}.")


class Update(Row):
    """What to change in one record."""

    row_id: RowId
    updates: RecordData


def _preview_create(
    api: Api,
    workspace_id: str,
    table_id: str,
    records: Sequence[Mapping[str, Any]],
    allow_id_field: bool = False,
) -> Preview:
    _check_ids(records, allow_id_field)
    return previews.bulk_create(api, workspace_id, table_id, records)


@tool(title="Create Xano records in bulk", needs_scopes=WRITES, preview=_preview_create)
def bulk_create_records(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    records: Annotated[
        list[RecordData],
        Field(min_length=1, max_length=_MOST, description="Values by field name, one object per record."),
    ],
    allow_id_field: Annotated[bool, Field(description="The records bring their own id.")] = False,
) -> BulkCreated:
    """Create up to 1000 records of one table; returns how many failed and why.

    Use it after xano_get_table_schema. Repeating the call creates the records twice.
    """
    _check_ids(records, allow_id_field)
    result = _BulkResult(len(records), "created", "create")
    for batch in _batches(records):
        result.take(
            api,
            batch,
            partial(_send, api, workspace_id, table_id, "", batch, {"allow_id_field": allow_id_field}),
        )
    result.conclude(api)
    return BulkCreated(created=result.done, failed=result.failed, ids=result.ids, failures=result.failures)


def _preview_update(api: Api, workspace_id: str, table_id: str, updates: Sequence[Update]) -> Preview:
    _check_unique(updates)
    changes = [(update.row_id, update.updates) for update in updates]
    return previews.bulk_update(api, workspace_id, table_id, changes)


@tool(title="Update Xano records in bulk", idempotent=True, needs_scopes=WRITES, preview=_preview_update)
def bulk_update_records(
    api: Api,
    workspace_id: WorkspaceId,
    table_id: TableId,
    updates: Annotated[
        list[Update],
        Field(min_length=1, max_length=_MOST, description="Per record its row_id and the fields to change."),
    ],
) -> BulkUpdated:
    """Change up to 1000 records of one table, each with its own values; returns how many failed and why.

    Use it when the ids are known. Omitted fields keep their values.
    """
    _check_unique(updates)
    items = [{"row_id": _id_for_xano(update.row_id), "updates": update.updates} for update in updates]
    result = _BulkResult(len(items), "updated", "update")
    for batch in _batches(items):
        result.take(api, batch, partial(_send, api, workspace_id, table_id, "/patch", batch, {}))
    result.conclude(api)
    return BulkUpdated(updated=result.done, failed=result.failed, ids=result.ids, failures=result.failures)


def _check_ids(records: Sequence[Mapping[str, Any]], allow_id_field: bool) -> None:
    if not allow_id_field and any("id" in record for record in records):
        raise InvalidArguments(
            "records: some bring an id, which Xano would replace. Set allow_id_field to true to keep it, or "
            "leave it out.",
            details={"fields": ["records", "allow_id_field"]},
        )


def _check_unique(updates: Sequence[Update]) -> None:
    if len({update.row_id for update in updates}) < len(updates):
        raise InvalidArguments("updates: name each row_id once.")


@dataclass
class _BulkResult:
    """The outcome of the batches so far."""

    total: int
    done_word: str
    verb: str
    done: int = 0
    failed: int = 0
    ids: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def take(self, api: Api, batch: Sequence[Any], send: Callable[[], Any]) -> None:
        """Sends a batch and counts its answer. An error after an earlier success reports that success too."""
        try:
            if self.total > _BATCH:
                api.progress(
                    self.done + self.failed,
                    self.total,
                    f"{self.done} of {self.total} records {self.done_word}",
                )
            self._count(BatchAnswer.of(send(), batch))
        except ToolError as error:
            if self.done + self.failed:
                error.message = f"{self._sentence()} Then it stopped: {error.message}"
                error.args = (error.message,)
                error.details |= {
                    self.done_word: self.done,
                    "failed": self.failed,
                    "unconfirmed": len(batch) if isinstance(error, OutcomeUnknown) else 0,
                    "total": self.total,
                    "ids": self.ids,
                }
            raise

    def conclude(self, api: Api) -> None:
        """Notes what was done. Raises InvalidArguments when nothing was."""
        if self.total > _BATCH:
            api.progress(self.total, self.total, f"{self.done} of {self.total} records {self.done_word}")
        if not self.done:
            raise InvalidArguments(
                f"Xano took none of the {self.total} records; its reasons are in the details. Compare them "
                "with xano_get_table_schema.",
                details={
                    self.done_word: 0,
                    "failed": self.failed,
                    "failures": [failure.model_dump() for failure in self.failures],
                },
            )
        api.say(self._sentence())

    def _sentence(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {self.total} records {self.done_word}{failed}."

    def _count(self, answer: BatchAnswer) -> None:
        first = self.done + self.failed
        for entry in answer.failures:
            if len(self.failures) == _MOST_FAILURES:
                break
            last = first + answer.size - 1
            self.failures.append(
                Failure(
                    position=None if entry.position is None else first + entry.position,
                    among=f"{first}-{last}" if entry.position is None else None,
                    record_id=entry.record_id,
                    reason=entry.reason or "Xano gave no reason.",
                )
            )
        self.done += answer.done
        self.failed += answer.size - answer.done
        self.ids += answer.ids


def _send(
    api: Api, workspace_id: str, table_id: str, call: str, items: Sequence[Any], more: Mapping[str, Any]
) -> Any:
    path = f"{CONTENT}/bulk{call}"
    return send(
        api,
        "POST",
        path,
        parts={"workspace": workspace_id, "table": table_id},
        json={"items": list(items), **more},
    )


def _batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]


def _id_for_xano(row_id: str) -> int | str:
    return int(row_id) if row_id.isascii() and row_id.isdigit() else row_id
