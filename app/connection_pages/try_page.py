"""The page "Try it" of one tool: its form, and what came of running it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from app import database
from app.approvals.argument_text import visible
from app.config import Settings
from app.connection_pages import fields, form_values, links, lookup, result_view, signed_calls
from app.connection_pages.fields import ToolForm
from app.connection_pages.lookup import ViewedConnection
from app.connection_pages.result_view import ResultView
from app.connectors.preview import Fact, Preview
from app.connectors.rows import plain
from app.connectors.spec import Business
from app.connectors.tool import Tool
from app.errors import InvalidArguments
from app.mcp_server import account_choice, member_caller
from app.mcp_server.calls import browser_call
from app.mcp_server.calls.browser_call import BrowserAnswer, BrowserCall
from app.vault.access import businesses_of
from app.workspaces.guard import Member

_ARGUMENT = "a."  # begins the names of a form's fields that are arguments
_LONGEST_PREFILLED = 2_000
_RECONNECT = frozenset({"RECONNECT_NEEDED", "NOT_CONNECTED"})


@dataclass(frozen=True)
class TryResult:
    """What running it came to: data, or an error, or a preview with the button that runs it."""

    view: ResultView | None = None
    message: str = ""
    next_call: str = ""  # signed, of the next page
    next_cursor: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)
    retry_after_seconds: int | None = None
    preview: Preview | None = None
    call: str = ""  # signed, of the write that was previewed
    approval_id: str = ""

    @property
    def needs_reconnect(self) -> bool:
        """Whether reconnecting is the way on."""
        return self.error.get("code") in _RECONNECT


@dataclass(frozen=True)
class TryPage:
    """The page's view model."""

    viewed: ViewedConnection
    tool: Tool
    name: str  # the tool's full name
    form: ToolForm
    businesses: tuple[Business, ...]
    business_id: str
    refusal: str  # why it can't run on this connection; "" if it can
    added_row: str = ""  # the path of a row that was just added
    result: TryResult | None = None

    @property
    def path(self) -> str:
        """Its own address."""
        return links.tool_path(self.viewed.connector.slug, self.viewed.connection.id, self.name)

    @property
    def connection_path(self) -> str:
        """The address of the connection's page."""
        return links.connection_path(self.viewed.connector.slug, self.viewed.connection.id)

    def pieces(self, text: str) -> list[links.TextPiece]:
        """A description, with the tools it names as links."""
        return links.pieces_of(text, self.viewed.connector, self.viewed.connection.id)

    @property
    def asks(self) -> bool:
        """Whether running it makes a request for approval."""
        return not self.tool.reads_only and self.viewed.connection.permission == "ask"

    @property
    def button(self) -> str:
        """The words of the form's button."""
        return "Run" if self.tool.reads_only else "Request approval" if self.asks else "Preview"

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        if self.form.has_problems:
            return 422
        return 429 if self.result is not None and self.result.retry_after_seconds is not None else 200


class _Trial:
    """One member at one tool of one connection."""

    def __init__(self, settings: Settings, member: Member, slug: str, connection_id: str, name: str) -> None:
        with database.reading() as db:
            self.viewed = lookup.find(db, member, slug, connection_id)
        self.settings, self.member = settings, member
        self.tool, self.name = lookup.find_tool(self.viewed, name), name
        self.without = self._without()
        business = self.viewed.connector.business
        known = businesses_of(self.viewed.connection) if business and self.tool.one_business else []
        self.businesses = tuple(known) if len(known) > 1 else ()

    def _without(self) -> tuple[str, ...]:
        """Arguments without a field: what a button sets, and the service's own token of a page."""
        declared = form_values.properties_of(self.tool.input_schema)
        pages_by = self.tool.pages_by
        is_token = pages_by is not None and form_values.kind_of(declared[pages_by]) == "text"
        confirms = not self.tool.reads_only and form_values.CONFIRM in declared
        return (*([str(pages_by)] if is_token else []), *([form_values.CONFIRM] if confirms else []))

    def page(
        self,
        raw: form_values.Raw,
        business_id: str = "",
        *,
        problems: Mapping[str, str] | None = None,
        general: Sequence[str] = (),
        added_row: str = "",
        result: TryResult | None = None,
    ) -> TryPage:
        """The page with these values in its form."""
        viewed = self.viewed
        refusal = account_choice.refusal(
            viewed.connector, self.tool, viewed.connection, f"{self.settings.public_url}/integrations"
        )
        form = fields.form_of(self.tool, raw, self.without, problems or {}, general)
        chosen = business_id if business_id in {b.id for b in self.businesses} else self._default_business()
        return TryPage(
            viewed,
            self.tool,
            self.name,
            form,
            self.businesses,
            chosen,
            refusal.message if refusal else "",
            added_row,
            result,
        )

    def _default_business(self) -> str:
        default = next((b for b in self.businesses if b.facts.get("is_default") is True), None)
        return (default or self.businesses[0]).id if self.businesses else ""

    def call(self, arguments: Mapping[str, Any], business_id: str) -> BrowserCall:
        """The call with these arguments. Pressing the button of a write confirms it."""
        declared = form_values.properties_of(self.tool.input_schema)
        given = dict(arguments)
        if not self.tool.reads_only and form_values.CONFIRM in declared:
            given[form_values.CONFIRM] = True
        return BrowserCall(
            member_caller.of_member(self.settings, self.member),
            self.viewed.connection,
            self.viewed.connector,
            self.name,
            given,
            business_id or None,
        )

    @property
    def bound_to(self) -> tuple[str, ...]:
        """Who and what a signed call is for."""
        return self.member.user.id, self.member.workspace.id, self.viewed.connection.id, self.name

    def sign(self, arguments: Mapping[str, Any], business_id: str) -> str:
        """The arguments as a button carries them."""
        return signed_calls.issue(self.settings, arguments, business_id, *self.bound_to)

    def result_of(self, answer: BrowserAnswer, arguments: Mapping[str, Any], business_id: str) -> TryResult:
        """What a page displays of an answer."""
        if answer.approval_id:
            return TryResult(approval_id=answer.approval_id)
        if answer.error:
            return TryResult(error=answer.error, retry_after_seconds=answer.retry_after_seconds)
        if answer.preview is not None:
            return TryResult(preview=_displayed(answer.preview), call=self.sign(arguments, business_id))
        data = answer.envelope["data"]
        uses = links.uses_of(self.viewed.connector, self.viewed.connection.id, self.tool)
        cursor = (data.get("next_cursor") if isinstance(data, Mapping) else None) or ""
        return TryResult(
            result_view.view_of(data, uses),
            answer.envelope["message"],
            next_call=self.sign(arguments, business_id) if cursor else "",
            next_cursor=cursor,
        )


def blank(
    settings: Settings, member: Member, slug: str, connection_id: str, name: str, query: MultiDict[str, str]
) -> TryPage:
    """The form; arguments in the query are filled in. Raises NotFound."""
    trial = _Trial(settings, member, slug, connection_id, name)
    schema = trial.tool.input_schema
    raw = form_values.fill(schema, {})
    for argument in form_values.properties_of(schema):
        if argument in query:
            raw[argument] = [value[:_LONGEST_PREFILLED] for value in query.getlist(argument)]
    return trial.page(raw, query.get("business", ""))


def submit(
    settings: Settings, member: Member, slug: str, connection_id: str, name: str, form: MultiDict[str, str]
) -> TryPage:
    """Runs, previews, or adds a line. Raises NotFound, CallExpired, AlreadyRun, Unavailable."""
    trial = _Trial(settings, member, slug, connection_id, name)
    if text := form.get("call"):
        return _run_signed(trial, text, form.get("cursor", ""))
    business_id = form.get("business", "")
    raw = {key.removeprefix(_ARGUMENT): form.getlist(key) for key in form if key.startswith(_ARGUMENT)}
    if path := form.get("more"):
        return _add_row(trial, raw, path, business_id)
    reading = form_values.read(trial.tool.input_schema, raw, trial.without)
    if reading.problems:
        return trial.page(raw, business_id, problems=reading.problems)
    call = trial.call(reading.arguments, business_id)
    try:
        runs_now = trial.tool.reads_only or trial.viewed.connection.permission == "ask"
        answer = browser_call.current().run(call) if runs_now else browser_call.current().preview(call)
    except InvalidArguments as refused:
        return _misfit(trial, raw, business_id, refused)
    return trial.page(raw, business_id, result=trial.result_of(answer, reading.arguments, business_id))


def _run_signed(trial: _Trial, text: str, cursor: str) -> TryPage:
    """The write that was previewed, once; or another page of a list."""
    signed = signed_calls.read(trial.settings, text, *trial.bound_to)
    if not trial.tool.reads_only:
        signed_calls.use_up(trial.settings, signed)
    more = {"cursor": cursor} if cursor and trial.tool.reads_only else {}
    raw = form_values.fill(trial.tool.input_schema, signed.arguments)
    call = trial.call({**signed.arguments, **more}, signed.business_id)
    try:
        answer = browser_call.current().run(call, key=signed.key)
    except InvalidArguments as refused:
        return _misfit(trial, raw, signed.business_id, refused)
    result = trial.result_of(answer, signed.arguments, signed.business_id)
    return trial.page(raw, signed.business_id, result=result)


def _displayed(preview: Preview) -> Preview:
    """The preview with what cannot be seen drawn as its code point, as a request for approval has it."""
    return replace(
        preview,
        headline=visible(preview.headline),
        button=visible(preview.button),
        facts=tuple(Fact(visible(fact.label), visible(fact.value)) for fact in preview.facts),
        warning=visible(preview.warning),
    )


def _misfit(trial: _Trial, raw: form_values.Raw, business_id: str, refused: InvalidArguments) -> TryPage:
    """The form with what does not fit beside its field."""
    stated = refused.details.get("problems")
    if isinstance(stated, list):
        return trial.page(raw, business_id, problems=fields.by_path(stated))
    return trial.page(raw, business_id, general=[str(plain(refused.message))])


def _add_row(trial: _Trial, raw: dict[str, list[str]], path: str, business_id: str) -> TryPage:
    count = form_values.rows_in(raw, path)
    raw[f"{path}.{form_values.COUNT}"] = [str(count + 1)]
    return trial.page(raw, business_id, added_row=f"{path}.{count}.")
