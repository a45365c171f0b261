"""Companies that got in by API at a running installation, each with a service connected; and their AI
clients, over bare HTTP.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.support.product import Product

Answer = tuple[int, Any, Any]


def ask(url: str, body: Any = None, token: str | None = None, **headers: str) -> Answer:
    """Status, headers and JSON of an answer."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, json.load(answer)


SERVICEFUSION = {"service": "servicefusion", "client_id": "sandbox", "client_secret": "sandbox"}


def company(
    product: Product, name: str, email: str | None = None, service: Mapping[str, str] = SERVICEFUSION
) -> str:
    """A workspace of that name with that service. Gives the token of its owner's AI client."""
    email = email or f"{name}@example.com"
    ask(f"{product.url}/api/register", {"company": name, "email": email})
    letters = ask(f"{product.url}/dev/mailbox?format=json&to={email}")[2]["letters"]
    code = re.search(r"\b\d{6}\b", letters[0]["text"])
    assert code is not None
    setup = ask(f"{product.url}/api/confirm", {"email": email, "code": code[0]})[2]["setup_token"]
    token: str = ask(f"{product.url}/api/activate", service, setup)[2]["access_token"]
    return token


def call(product: Product, token: str, tool: str, **arguments: Any) -> Answer:
    """One call of a tool."""
    params = {"name": tool, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return ask(product.mcp_url, body, token, **{"MCP-Protocol-Version": "2025-06-18"})
