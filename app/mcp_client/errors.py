"""What a server's refusals mean. Its own words are data: in `details`, never in our sentence."""

import re
from typing import Any

from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    URL_ELICITATION_REQUIRED,
)

from app.errors import (
    InvalidArguments,
    ObjectNotFound,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    ToolError,
)
from app.outbound import Response
from app.plain_text import plain

_RESOURCE_NOT_FOUND = -32002
_UNKNOWN_TOOL = re.compile(
    r"(unknown|no such|invalid|non-?existent) tool|tool\b.{0,200}\b(not found|unknown|does not exist)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_REASON = 300
_NOT_ACCEPTED = frozenset({"br", "zstd", "compress", "dcb", "dcz"})
_MOST_PAGES = 5


class RpcError(ToolError):
    """A JSON-RPC error of a server: `rpc_code` and `data` as it sent them, its message in `details`."""

    def __init__(self, message: str, *, rpc_code: int, reason: str, data: Any = None) -> None:
        super().__init__(message, details={"rpc_code": rpc_code, "reasons": [reason] if reason else []})
        self.rpc_code = rpc_code
        self.reason = reason
        self.data = data


class ParamsRefused(RpcError, InvalidArguments):
    """The server does not take the arguments (-32602)."""


class RemoteToolMissing(RpcError, ObjectNotFound):
    """The server has no tool of that name, or no longer."""


class ResourceMissing(RpcError, ObjectNotFound):
    """The server has no resource with that address, or no prompt of that name (-32002)."""


class MethodMissing(RpcError):
    """The server does not offer this kind of request (-32601)."""


class PageNeeded(RpcError):
    """The person has to open a page first (-32042): the server did not carry out the call.

    https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-elicitation-required-error
    """

    @property
    def pages(self) -> list[dict[str, Any]]:
        """The questions for the person, as the `params` of a URL elicitation."""
        found = self.data.get("elicitations") if isinstance(self.data, dict) else None
        pages = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        return [{**each, "mode": "url"} for each in pages[:_MOST_PAGES]]


class RevisionUnknown(ProviderError):
    """The server speaks no revision of MCP that we do."""


class HttpRefusal(ProviderError):
    """An HTTP answer without a JSON-RPC message in it; `answer` is that answer."""

    def __init__(self, message: str, answer: Response) -> None:
        super().__init__(message, details={"status": answer.status})
        self.answer = answer


class NotMcp(HttpRefusal):
    """A success that is no answer to an MCP request, such as a web page."""


def rpc_error(name: str, method: str, error: Any) -> RpcError:
    """The error for a server's JSON-RPC error object."""
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    code = code if isinstance(code, int) else 0
    reason = plain_reason(error.get("message"))
    facts: dict[str, Any] = {"rpc_code": code, "reason": reason, "data": error.get("data")}
    if method == "tools/call" and (
        code == METHOD_NOT_FOUND or (code in {INVALID_PARAMS, 0} and _UNKNOWN_TOOL.search(reason))
    ):
        return RemoteToolMissing(
            f"{name} no longer has this tool. List the tools again and use one of those.", **facts
        )
    if code == INVALID_PARAMS:
        sentence = f"{name} refused the arguments. Its reason is in the details. Correct them and try again."
        return ParamsRefused(sentence, **facts)
    if code == _RESOURCE_NOT_FOUND:
        return ResourceMissing(f"{name} doesn't have this. List what it has and choose from there.", **facts)
    if code == METHOD_NOT_FOUND:
        return MethodMissing(f"{name} doesn't support {method}.", **facts)
    if code == MISSING_REQUIRED_CLIENT_CAPABILITY:
        return RpcError(_missing_capability(name, error.get("data")), **facts)
    if code == URL_ELICITATION_REQUIRED and method == "tools/call":
        sentence = f"{name} needs the person to finish on its page first. Call the tool again when they have."
        return PageNeeded(sentence, **facts)
    return RpcError(f"{name} reported an error. Its message is in the details.", **facts)


def _missing_capability(name: str, data: Any) -> str:
    """What a server needs of the AI client, and what to do instead."""
    required = data.get("requiredCapabilities") if isinstance(data, dict) else None
    if isinstance(required, dict) and "elicitation" in required:
        return (
            f"{name} needs to ask the person a question for this, and it can't be shown here. Call the tool "
            f"from an AI client that shows questions (elicitation), or do this at {name} itself."
        )
    return (
        f"{name} needs the AI client's own model or folders for this, and such requests aren't passed on. "
        "Use another of its tools."
    )


def plain_reason(text: Any) -> str:
    """A server's words, bounded and without control characters or text that hides or turns around."""
    return str(plain(text))[:_LONGEST_REASON] if isinstance(text, str) else ""


def http_refusal(name: str, answer: Response) -> HttpRefusal:
    """The error for an HTTP status that says no."""
    status = answer.status
    if status in {404, 410}:
        sentence = (
            f"{name} is no longer at its address (status {status}). An owner or admin can add it again at "
            "its current one."
        )
    elif 300 <= status < 400:
        sentence = (
            f"{name} redirects to another address, and redirects aren't followed. An owner or admin can add "
            "it again at its current one."
        )
    else:
        sentence = f"{name} answered with the unexpected status {status}. Please try again later."
    return HttpRefusal(sentence, answer)


def not_mcp(name: str, answer: Response, *, safe: bool) -> ToolError:
    """The error for a success that cannot be read."""
    if not safe:
        return unreadable(name, safe=False)
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if coding in _NOT_ACCEPTED:
        return NotMcp(
            f"{name} sent an answer compressed with {coding}, which we didn't ask for and can't read. "
            "Contact whoever runs it.",
            answer,
        )
    if _is_json(answer) and answer.json() is None:
        return NotMcp(
            f"{name} sent an answer whose JSON could not be read: it is not valid, or nested too deeply. "
            "Contact whoever runs it.",
            answer,
        )
    return NotMcp(not_mcp_sentence(name), answer)


def not_mcp_sentence(name: str) -> str:
    """What to do about a server whose answers are something else."""
    return (
        f"{name} sent an answer that is not MCP, so its address may have changed. An owner or admin can add "
        "it again at its current one."
    )


def _is_json(answer: Response) -> bool:
    return answer.headers.get("Content-Type", "").split(";")[0].strip().lower() == "application/json"


def unreadable(name: str, *, safe: bool) -> OutcomeUnknown | ProviderUnavailable:
    """The error for a stream that cannot be read. A call that writes may have been carried out."""
    if safe:
        return ProviderUnavailable(f"{name} sent an answer that could not be read. Please try again later.")
    return OutcomeUnknown(
        f"{name} sent an answer that could not be read, so this may or may not have been done. Check at "
        f"{name} before repeating it."
    )
