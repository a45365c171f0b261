"""The suite's tools that ask the client something. Written once, multi-round-trip style, for both
revisions.
"""

import json
from collections.abc import Callable
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    GetPromptResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

from app.mcp_server.protocol.elicitation import missing_capability
from tests.mcp_server.conformance_content import text, tool, user

Answer = CallToolResult | InputRequiredResult


def form(message: str, properties: dict[str, Any], required: list[str] | None = None) -> ElicitRequest:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
    }
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(prompt: str, most: int = 100) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=most))


def one_round(
    questions: Callable[[Any], dict[str, InputRequest]],
    finish: Callable[[dict[str, Any]], str],
    state: str | None = None,
):  # type: ignore[no-untyped-def]
    """A tool that asks, and finishes when every question has an answer that fits."""

    def handler(ctx: Any, params: Any) -> Answer:
        requests = questions(params.arguments or {})
        given = params.input_responses or {}
        if all(_fits(given.get(name), question) for name, question in requests.items()) and (
            state is None or params.request_state == state
        ):
            return text(finish(given))
        return InputRequiredResult(input_requests=requests, request_state=state)

    return handler


def _fits(answer: Any, question: InputRequest) -> bool:
    if answer is None:
        return False
    if (
        isinstance(question, ElicitRequest)
        and isinstance(question.params, ElicitRequestFormParams)
        and answer.action == "accept"
    ):
        types = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list}
        schema, filled = question.params.requested_schema, answer.content or {}
        if any(name not in filled for name in schema.get("required", ())):
            return False
        return all(
            isinstance(filled[name], types[part["type"]])
            for name, part in schema["properties"].items()
            if name in filled
        )
    return True


def summary_of(answer: Any) -> str:
    return json.dumps(answer.model_dump(mode="json", by_alias=True, exclude_none=True))


def _outcome(answer: Any) -> str:
    return f"action={answer.action}, content={json.dumps(answer.content)}"


def multi_round(ctx: Any, params: Any) -> Answer:
    state = json.loads(params.request_state or '{"round": 0}')
    given = params.input_responses or {}
    if state["round"] == 1 and "step1" in given:
        name = (given["step1"].content or {}).get("name")
        ask: dict[str, InputRequest] = {
            "step2": form("Step 2: What is your favorite color?", {"color": {"type": "string"}}, ["color"])
        }
        return InputRequiredResult(input_requests=ask, request_state=json.dumps({"round": 2, "name": name}))
    if state["round"] == 2 and "step2" in given:
        return text(f"{state['name']} likes {(given['step2'].content or {}).get('color')}.")
    ask = {"step1": form("Step 1: What is your name?", {"name": {"type": "string"}}, ["name"])}
    return InputRequiredResult(input_requests=ask, request_state=json.dumps({"round": 1}))


def by_capability(ctx: Any, params: Any) -> Answer:
    wanted: dict[str, InputRequest] = {
        "user_name": _NAME,
        "greeting": sample("Generate a greeting", 50),
        "client_roots": ListRootsRequest(),
    }
    possible = {
        k: q for k, q in wanted.items() if missing_capability(ctx.session.client_capabilities, q) is None
    }
    if not possible or (params.input_responses and not set(possible) - set(params.input_responses)):
        return text("Nothing more to ask.")
    return InputRequiredResult(input_requests=possible)


def needs_sampling(ctx: Any, params: Any) -> Answer:
    if missing_capability(ctx.session.client_capabilities, sample("?")):
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs sampling.",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return text("The client can sample.")


def prompt(params: Any) -> GetPromptResult | InputRequiredResult:
    answer = (params.input_responses or {}).get("user_context")
    if answer is None:
        ask: dict[str, InputRequest] = {
            "user_context": form(
                "What context should the prompt use?", {"context": {"type": "string"}}, ["context"]
            )
        }
        return InputRequiredResult(input_requests=ask)
    return GetPromptResult(messages=[user(f"Prompt with context: {(answer.content or {}).get('context')}")])


_NAME = form("What is your name?", {"name": {"type": "string"}}, ["name"])
_CONFIRM = form("Please confirm", {"ok": {"type": "boolean"}}, ["ok"])
_DEFAULTS = {
    "name": {"type": "string", "description": "User name", "default": "John Doe"},
    "age": {"type": "integer", "description": "User age", "default": 30},
    "score": {"type": "number", "description": "User score", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
_ONE_TO_THREE = ["option1", "option2", "option3"]
_ENUMS = {
    "untitledSingle": {"type": "string", "enum": _ONE_TO_THREE},
    "titledSingle": {
        "type": "string",
        "oneOf": [
            {"const": f"value{n}", "title": f"{word} Option"}
            for n, word in enumerate(("First", "Second", "Third"), 1)
        ],
    },
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _ONE_TO_THREE}},
    "titledMulti": {
        "type": "array",
        "items": {
            "anyOf": [
                {"const": f"value{n}", "title": f"{word} Choice"}
                for n, word in enumerate(("First", "Second", "Third"), 1)
            ]
        },
    },
}
_USER = {
    "username": {"type": "string", "description": "User's response"},
    "email": {"type": "string", "description": "User's email address"},
}

HANDLERS: dict[str, Callable[[Any, Any], Answer]] = {
    "test_sampling": one_round(
        lambda a: {"sample": sample(a.get("prompt", ""))},
        lambda g: f"LLM response: {summary_of(g['sample'])}",
    ),
    "test_elicitation": one_round(
        lambda a: {"user": form(a.get("message", ""), _USER, ["username", "email"])},
        lambda g: f"User response: {_outcome(g['user'])}",
    ),
    "test_elicitation_sep1034_defaults": one_round(
        lambda a: {"form": form("Please review", _DEFAULTS)},
        lambda g: f"Elicitation completed: {_outcome(g['form'])}",
    ),
    "test_elicitation_sep1330_enums": one_round(
        lambda a: {"form": form("Please choose", _ENUMS)},
        lambda g: f"Elicitation completed: {_outcome(g['form'])}",
    ),
    "test_input_required_result_elicitation": one_round(
        lambda a: {"user_name": _NAME}, lambda g: f"Hello, {(g['user_name'].content or {}).get('name')}!"
    ),
    "test_input_required_result_sampling": one_round(
        lambda a: {"capital_question": sample("What is the capital of France?")},
        lambda g: summary_of(g["capital_question"]),
    ),
    "test_input_required_result_list_roots": one_round(
        lambda a: {"client_roots": ListRootsRequest()}, lambda g: f"Roots: {summary_of(g['client_roots'])}"
    ),
    "test_input_required_result_request_state": one_round(
        lambda a: {"confirm": _CONFIRM}, lambda g: "state-ok", "confirming"
    ),
    "test_input_required_result_tampered_state": one_round(
        lambda a: {"confirm": _CONFIRM}, lambda g: "state-ok", "confirming"
    ),
    "test_input_required_result_multiple_inputs": one_round(
        lambda a: {
            "user_name": _NAME,
            "greeting": sample("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        },
        lambda g: "; ".join(summary_of(part) for part in g.values()),
        "several",
    ),
    "test_input_required_result_multi_round": multi_round,
    "test_input_required_result_capabilities": by_capability,
    "test_missing_capability": needs_sampling,
    "test_streaming_elicitation": one_round(
        lambda a: {"user_name": _NAME}, lambda g: f"Hello, {_outcome(g['user_name'])}"
    ),
}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "test_sampling": {"prompt": {"type": "string", "description": "The prompt to send", "required": True}},
    "test_elicitation": {
        "message": {"type": "string", "description": "The message to show", "required": True}
    },
}
TOOLS = [tool(name, "Asks the client something.", **_ARGUMENTS.get(name, {})) for name in HANDLERS]
