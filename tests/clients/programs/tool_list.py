"""Reads a tool list (JSON on standard input) with the libraries of AI clients, as they do before they call a
model. Prints, per library, what it makes of each tool's arguments, or the error that stops it.
"""

import importlib
import json
import logging
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from agents.mcp import MCPServerStreamableHttp
from agents.mcp.util import MCPUtil
from jsonschema import Draft202012Validator
from langchain_core.messages import HumanMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_mcp_adapters.tools import convert_mcp_tool_to_langchain_tool
from mcp.types import Tool
from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer
from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

logging.disable()
# By name: our own environment has other packages in the namespace `google`.
_GENAI = importlib.import_module("google.genai._mcp_utils")
_SERVER = MCPServerStreamableHttp(name="patchbay", params={"url": "https://patchbay.example/mcp"})
_GEMINI = ChatGoogleGenerativeAI(model="gemini-2.5-flash", google_api_key="none")


def google_genai(tool: Tool) -> Any:
    [declaration] = _GENAI.mcp_to_gemini_tool(tool).function_declarations
    return declaration.parameters.model_dump(mode="json", exclude_none=True)


def google_genai_platform(tool: Tool) -> Any:
    [declaration] = _GENAI.agent_platform_to_gemini_tool(tool).function_declarations
    return declaration.parameters_json_schema


def langchain_google_genai(tool: Tool) -> Any:
    connection = {"transport": "streamable_http", "url": "https://patchbay.example/mcp"}
    made = convert_mcp_tool_to_langchain_tool(None, tool, connection=connection)
    bound = _GEMINI.bind_tools([made]).kwargs
    request = _GEMINI._prepare_request([HumanMessage("What is connected?")], **bound)
    [declaration] = request["config"].tools[0].function_declarations
    parameters = declaration.parameters  # None for a tool without arguments
    return parameters.model_dump(mode="json", exclude_none=True) if parameters else {"type": "OBJECT"}


def openai_agents(tool: Tool) -> Any:
    return MCPUtil.to_function_tool(tool, _SERVER, convert_schemas_to_strict=False).params_json_schema


def openai_agents_strict(tool: Tool) -> Any:
    """Where it does not convert, which is where an object has no fixed members, it goes on without strict."""
    made = MCPUtil.to_function_tool(tool, _SERVER, convert_schemas_to_strict=True)
    return {**made.params_json_schema, "x-strict": made.strict_json_schema}


def pydantic_ai_openai(tool: Tool) -> Any:
    return OpenAIJsonSchemaTransformer(tool.inputSchema, strict=None).walk()


def pydantic_ai_google(tool: Tool) -> Any:
    return GoogleJsonSchemaTransformer(tool.inputSchema, strict=None).walk()


def json_schema(tool: Tool) -> Any:
    Draft202012Validator.check_schema(tool.inputSchema)
    Draft202012Validator.check_schema(tool.outputSchema)
    return tool.inputSchema


LIBRARIES: dict[str, tuple[str, Callable[[Tool], Any]]] = {
    "google-genai": ("google-genai", google_genai),
    "google-genai (platform)": ("google-genai", google_genai_platform),
    "langchain-google-genai": ("langchain-google-genai", langchain_google_genai),
    "openai-agents": ("openai-agents", openai_agents),
    "openai-agents (strict)": ("openai-agents", openai_agents_strict),
    "pydantic-ai (OpenAI)": ("pydantic-ai-slim", pydantic_ai_openai),
    "pydantic-ai (Google)": ("pydantic-ai-slim", pydantic_ai_google),
    "jsonschema": ("jsonschema", json_schema),
}


def read(convert: Callable[[Tool], Any], tools: list[Tool]) -> dict[str, Any]:
    made, errors = {}, {}
    for tool in tools:
        try:
            made[tool.name] = convert(tool)
        except Exception as error:
            errors[tool.name] = f"{type(error).__name__}: {error}"[:300]
    return {"made": made, "errors": errors}


if __name__ == "__main__":
    listed = [Tool.model_validate(tool) for tool in json.load(sys.stdin)]
    print(
        json.dumps(
            {
                name: {"version": version(package), **read(convert, listed)}
                for name, (package, convert) in LIBRARIES.items()
            }
        )
    )
