"""What the official suite expects to find: fixed tools, resources and prompts."""

import base64
import struct
import zlib
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    Prompt,
    PromptArgument,
    PromptMessage,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    Tool,
)


def _png() -> str:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    ).decode()


def _wav() -> str:
    """Eight samples of silence."""
    samples = bytes([128] * 8)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    return base64.b64encode(struct.pack("<4sI", b"RIFF", len(body)) + body).decode()


def text(content: str, *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=content)], is_error=is_error)


def tool(name: str, description: str, **properties: Any) -> Tool:
    required = [key for key, schema in properties.items() if schema.pop("required", False)]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
    }
    return Tool(name=name, description=description, input_schema=schema)


_IMAGE = ImageContent(type="image", data=_png(), mime_type="image/png")
_MIXED = TextResourceContents(
    uri="test://mixed-content-resource", mime_type="application/json", text='{"test":"data","value":123}'
)
_EMBEDDED = TextResourceContents(
    uri="test://embedded-resource", mime_type="text/plain", text="This is an embedded resource content."
)

RESULTS = {
    "test_simple_text": text("This is a simple text response for testing."),
    "test_image_content": CallToolResult(content=[_IMAGE]),
    "test_audio_content": CallToolResult(
        content=[AudioContent(type="audio", data=_wav(), mime_type="audio/wav")]
    ),
    "test_embedded_resource": CallToolResult(content=[EmbeddedResource(type="resource", resource=_EMBEDDED)]),
    "test_multiple_content_types": CallToolResult(
        content=[
            TextContent(type="text", text="Multiple content types test:"),
            _IMAGE,
            EmbeddedResource(type="resource", resource=_MIXED),
        ]
    ),
    "test_error_handling": text("This tool intentionally returns an error for testing", is_error=True),
}
TOOLS = [
    *(tool(name, "Returns fixed content.") for name in RESULTS),
    tool("test_tool_with_logging", "Sends three log messages."),
    tool("test_logging_tool", "Sends three log messages."),
    tool("test_tool_with_progress", "Reports progress three times."),
    Tool(
        name="json_schema_2020_12_tool",
        description="Tool with JSON Schema 2020-12 features",
        input_schema={
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {
                "address": {
                    "type": "object",
                    "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
                }
            },
            "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
            "additionalProperties": False,
        },
    ),
]

RESOURCES = [
    Resource(
        uri="test://static-text", name="Static text", description="A fixed text", mime_type="text/plain"
    ),
    Resource(
        uri="test://static-binary", name="Static binary", description="A fixed image", mime_type="image/png"
    ),
    Resource(
        uri="test://watched-resource",
        name="Watched",
        description="A text one can subscribe to",
        mime_type="text/plain",
    ),
]
TEMPLATES = [
    ResourceTemplate(
        uri_template="test://template/{id}/data",
        name="Template",
        description="Data by id",
        mime_type="application/json",
    )
]


def resource(uri: str) -> TextResourceContents | BlobResourceContents | None:
    if uri == "test://static-text":
        return TextResourceContents(
            uri=uri, mime_type="text/plain", text="This is the content of the static text resource."
        )
    if uri == "test://static-binary":
        return BlobResourceContents(uri=uri, mime_type="image/png", blob=_png())
    if uri == "test://watched-resource":
        return TextResourceContents(uri=uri, mime_type="text/plain", text="Watched resource content")
    if uri.startswith("test://template/") and uri.endswith("/data"):
        key = uri.removeprefix("test://template/").removesuffix("/data")
        content = f'{{"id":"{key}","templateTest":true,"data":"Data for ID: {key}"}}'
        return TextResourceContents(uri=uri, mime_type="application/json", text=content)
    return None


def _argument(name: str, description: str) -> PromptArgument:
    return PromptArgument(name=name, description=description, required=True)


PROMPTS = [
    Prompt(name="test_simple_prompt", description="A simple prompt"),
    Prompt(
        name="test_prompt_with_arguments",
        description="A prompt with two arguments",
        arguments=[_argument("arg1", "First test argument"), _argument("arg2", "Second test argument")],
    ),
    Prompt(
        name="test_prompt_with_embedded_resource",
        description="A prompt with a resource",
        arguments=[_argument("resourceUri", "URI of the resource to embed")],
    ),
    Prompt(name="test_prompt_with_image", description="A prompt with an image"),
    Prompt(name="test_input_required_result_prompt", description="A prompt that asks first"),
]


def user(part: Any) -> PromptMessage:
    return PromptMessage(
        role="user", content=part if not isinstance(part, str) else TextContent(type="text", text=part)
    )


def prompt_messages(name: str, arguments: dict[str, str]) -> list[PromptMessage] | None:
    if name == "test_simple_prompt":
        return [user("This is a simple prompt for testing.")]
    if name == "test_prompt_with_arguments":
        return [
            user(f"Prompt with arguments: arg1='{arguments.get('arg1')}', arg2='{arguments.get('arg2')}'")
        ]
    if name == "test_prompt_with_embedded_resource":
        uri = arguments.get("resourceUri", "test://example-resource")
        inside = TextResourceContents(
            uri=uri, mime_type="text/plain", text="Embedded resource content for testing."
        )
        return [
            user(EmbeddedResource(type="resource", resource=inside)),
            user("Please process the embedded resource above."),
        ]
    if name == "test_prompt_with_image":
        return [user(_IMAGE), user("Please analyze the image above.")]
    return None
