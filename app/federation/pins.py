"""The definitions of an MCP server's tools: pinned as somebody approved them, held when they change.

A server can change what its tools say, or add one, after people agreed to it. So what it lists is compared
with what is pinned, by digest. What is the same goes on; what is new or different waits for an owner or
admin, and until then a changed tool cannot be called at all: its old text no longer describes it.

Each function but those that judge runs in the caller's transaction, and locks the server's row first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from app import clock, database
from app.federation import built_in, hygiene, naming, pinned_rows, schema_gate
from app.federation.definitions import digest_of, may_only_read, pinned_part
from app.federation.models import McpServer, McpServerTool
from app.federation.pinned_rows import APPROVED, HELD, OFF

Findings = Mapping[str, Sequence[hygiene.SuspectText]]  # by the tools' names

NEW = "This tool is new."
CHANGED = "The server changed this tool."


@dataclass
class ListChanges:
    """What a list changed."""

    new: list[McpServerTool] = field(
        default_factory=list
    )  # held, or approved at once by who added the server
    changed: list[McpServerTool] = field(default_factory=list)  # held
    restored: list[McpServerTool] = field(default_factory=list)  # listed again as they are pinned
    gone: list[McpServerTool] = field(default_factory=list)  # no longer listed

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.new or self.changed or self.restored or self.gone)


def take_list(
    db: Session,
    server: McpServer,
    definitions: Sequence[Any],
    *,
    approve_by: str | None = None,
    reads_only: Collection[str] = (),
    connection_id: str | None = None,
    findings: Findings | None = None,
) -> ListChanges:
    """Compare a list from the server with the pinned definitions, and hold what is new or different.

    `approve_by` is the owner or admin who saw exactly these definitions: new ones without findings are
    approved at once, and only read if they are among `reads_only`. `connection_id` is whose list it is: a
    tool is gone once no other connection's list has it, or may have it. `findings` are what `judge` found
    before the transaction.
    """
    pinned_rows.lock(db, server)
    rows, given = (
        pinned_rows.load(db, server),
        pinned_rows.by_name(definitions, built_in.names_known_to(server)),
    )
    elsewhere = pinned_rows.digests_elsewhere(db, server, connection_id)
    changes = ListChanges()
    missing = rows.keys() - given.keys() - elsewhere.keys()
    if missing and not pinned_rows.is_some_list_unread(db, server, connection_id):
        for name in missing:
            _miss(db, rows[name], changes)
    digests = {name: digest_of(definition) for name, definition in given.items()}
    unknown = [name for name in given if not _is_known(rows.get(name), digests[name])]
    for name in given.keys() - set(unknown):
        _recognize(rows[name], digests[name], elsewhere.get(name, set()), changes)
    if unknown:
        foreign = pinned_rows.foreign_names(db, server)
        verbs = naming.choose(server.slug, given, {row.name: row.verb for row in rows.values()})
        if findings is None:
            findings = hygiene.inspect(list(given.values()), foreign)
        for name in unknown:
            row = rows.get(name) or pinned_rows.new(server, name, verbs[name])
            (changes.new if row.definition is None else changes.changed).append(row)
            problem = pinned_rows.problem_with(server, given[name], row.verb, foreign)
            reasons = [each.sentence for each in findings.get(name, ()) if each.is_hard]
            _hold(row, given[name], digests[name], problem, reasons)
            if approve_by is not None and row.definition is None and is_clean(row):
                _approve(row, approve_by, name in reads_only)
            db.add(row)
    _record(db, server, changes, approve_by)
    return changes


def judge_of(server_id: str, definitions: Sequence[Any]) -> Findings | None:
    """As `judge`, of a server that is stored."""
    with database.reading() as db:
        server = db.get(McpServer, server_id)
    return judge(server, definitions) if server is not None else None


def judge(server: McpServer, definitions: Sequence[Any]) -> Findings | None:
    """The findings that `take_list` needs. That may take seconds, so it is done before the transaction, which
    others wait for. None if every definition is known.
    """
    given = pinned_rows.by_name(definitions, built_in.names_known_to(server))
    with database.reading() as db:
        rows, foreign = pinned_rows.load(db, server), pinned_rows.foreign_names(db, server)
    unknown = [each for name, each in given.items() if not _is_known(rows.get(name), digest_of(each))]
    if not unknown:
        return None
    for each in unknown:
        schema_gate.check(each)  # which remembers what it found
    return hygiene.inspect(list(given.values()), foreign)


def approve(
    db: Session, server: McpServer, names: Collection[str], *, reads_only: Collection[str] = (), by: str
) -> list[str]:
    """Pin what waits of these tools, and turn on what was turned off; returns the names that are now live.

    `reads_only`: whose hint that they only read is accepted. A definition that cannot be used stays held. The
    caller checks that the definitions are those that the person saw.
    """
    chosen, foreign = _chosen(db, server, names), pinned_rows.foreign_names(db, server)
    rows = []
    for row in chosen:
        if row.offered is None and row.offered_digest:
            continue
        if row.offered is not None and pinned_rows.problem_with(server, row.offered, row.verb, foreign):
            continue
        if row.offered is not None or row.state == OFF:
            _approve(row, by, row.name in reads_only)
            rows.append(row)
    return _changed(db, server, "mcp_server.tools_allowed", rows, by)


def turn_off(db: Session, server: McpServer, names: Collection[str], by: str) -> list[str]:
    """Take these tools away from every AI client, whatever the server lists. Returns those it changed."""
    rows = [row for row in _chosen(db, server, names) if row.state != OFF]
    for row in rows:
        _decide(row, OFF, by)
    return _changed(db, server, "mcp_server.tools_turned_off", rows, by)


def is_clean(row: McpServerTool) -> bool:
    """Whether it waits only because it is new or changed, so that it can be allowed together with others."""
    return row.state == HELD and row.offered is not None and len(row.reasons) == 1


def _is_known(row: McpServerTool | None, digest: str) -> bool:
    return row is not None and digest in {row.digest, row.offered_digest}


def _recognize(row: McpServerTool, digest: str, elsewhere: set[str], changes: ListChanges) -> None:
    """The tool is listed as it was before. As it is pinned it is live again, unless others get another."""
    is_back = digest == row.digest and bool(row.offered_digest) and elsewhere <= {digest}
    if is_back:
        row.offered, row.offered_digest, row.reasons = None, "", []
        row.state = APPROVED if row.state == HELD else row.state
    if is_back or not row.listed:
        changes.restored.append(row)
    row.listed = True


def _miss(db: Session, row: McpServerTool, changes: ListChanges) -> None:
    """The tool is not listed. If nobody decided about it, there is nothing to remember."""
    if not row.listed:
        return
    row.listed = False
    changes.gone.append(row)
    if row.definition is None and row.state == HELD:
        db.delete(row)


def _hold(
    row: McpServerTool, definition: Mapping[str, Any], digest: str, problem: str, reasons: list[str]
) -> None:
    row.offered = None if problem else pinned_part(definition)
    row.offered_digest, row.listed = digest, True
    row.reasons = [NEW if row.definition is None else CHANGED, *([problem] if problem else reasons)]
    row.state = HELD if row.state == APPROVED else row.state


def _approve(row: McpServerTool, by: str, is_hint_accepted: bool) -> None:
    if row.offered is not None:
        row.definition, row.digest = row.offered, row.offered_digest
    row.offered, row.offered_digest, row.reasons = None, "", []
    row.reads_only = is_hint_accepted and row.definition is not None and may_only_read(row.definition)
    _decide(row, APPROVED, by)


def _decide(row: McpServerTool, state: str, by: str) -> None:
    row.state, row.decided_by, row.decided_at = state, by, clock.now()


def _chosen(db: Session, server: McpServer, names: Collection[str]) -> list[McpServerTool]:
    pinned_rows.lock(db, server)
    return [row for row in pinned_rows.load(db, server).values() if row.name in names]


def _changed(db: Session, server: McpServer, action: str, rows: list[McpServerTool], by: str) -> list[str]:
    pinned_rows.record(db, server, action, rows, by=by)
    return [row.name for row in rows]


def _record(db: Session, server: McpServer, changes: ListChanges, by: str | None) -> None:
    """What a list changed, in the trail: who allowed tools at once, and what waits."""

    def of(rows: Iterable[McpServerTool], state: str) -> list[McpServerTool]:
        return [row for row in rows if row.state == state]

    pinned_rows.record(db, server, "mcp_server.tools_allowed", of(changes.new, APPROVED), by=by)
    held = [*of(changes.new, HELD), *changes.changed]
    pinned_rows.record(db, server, "mcp_server.tools_held", held, by=None)
    pinned_rows.record(db, server, "mcp_server.tools_restored", changes.restored, by=None)
    pinned_rows.record(db, server, "mcp_server.tools_gone", changes.gone, by=None)
