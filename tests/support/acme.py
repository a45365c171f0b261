"""Acme, a service that exists only here."""

import threading
import time
from typing import Annotated, Any

from pydantic import Field

from app.connectors.connector import Connector
from app.connectors.function_tool import tool
from app.connectors.preview import Fact, Preview, quoted
from app.connectors.request import UpstreamCall
from app.connectors.rows import Page, Row
from app.connectors.spec import Account, Business, BusinessArgument, OAuth2
from app.errors import ObjectNotFound, ProviderRateLimited, ProviderUnavailable, ReconnectNeeded, Unavailable
from app.vault.token_endpoint import TokenSet

TOKENS = TokenSet(
    access_token="acme-access",
    refresh_token="acme-refresh",
    expires_in=3600,
    scopes=None,
    refresh_expires_in=None,
    raw={},
)
EVERYTHING = [f"thing {n}" for n in range(30)]
written: list[str] = []
quiet_is_over = threading.Event()


class Thing(Row):
    """A thing."""

    id: str
    text: str
    business: str | None = None


@tool(title="Get a thing", reads_only=True, needs_scopes=("things.read",))
def get_thing(api: Any, id: Annotated[str, Field(description="Id of the thing", max_length=20)]) -> Thing:
    """Get one thing by its id."""
    errors = {
        "missing": ObjectNotFound("Acme has no record with that id."),
        "busy": ProviderRateLimited("Acme is rate limiting us.", retry_after_seconds=7),
        "down": ProviderUnavailable("Acme is having trouble right now."),
        "bug": ZeroDivisionError("secret detail"),
        "dead": ReconnectNeeded("Acme ended the sign-in."),
    }
    if id in errors:
        raise errors[id]
    if id == "slow":
        for step in range(3):
            api.progress(step, 3, f"step {step}")
            time.sleep(0.05)
    if id == "quiet":
        quiet_is_over.wait(60)
    if id == "waits":
        for step in range(2_000):  # a hundred seconds
            api.progress(0, None, "waiting") if step % 40 == 0 else api.stop_if_cancelled()
            time.sleep(0.05)
    if id == "long":
        return Thing(id=id, text="word " * 100_000)
    api.say(f"Thing {len(id)}.")
    return Thing(id=id, text="plain\u202etext", business=api.business.id if api.business else None)


@tool(title="List things", reads_only=True, pages_by="page")
def list_things(
    api: Any,
    page: Annotated[int, Field(description="Page number", ge=1)] = 1,
    size: Annotated[int, Field(description="Length of each text", ge=1)] = 5,
    word: Annotated[str | None, Field(description="Only things with this word")] = None,
) -> Page[Thing]:
    """List things."""
    rows = [
        Thing(id=str(n), text="x" * size) for n in range((page - 1) * 10, min(page * 10, len(EVERYTHING)))
    ]
    return Page(items=rows, next=page + 1 if page * 10 < len(EVERYTHING) else None, total=len(EVERYTHING))


previews: list[str] = []  # the texts of things that were looked up before they were created
shelf = "Shelf"  # what a preview finds, and what it meets instead
trouble: Exception | None = None


def preview_thing(api: Any, text: str) -> Preview:
    previews.append(text)
    api.calls.append(UpstreamCall("GET /things", 200, 1.0))
    if trouble is not None:
        raise trouble
    if text == "a thing that exists":
        raise ObjectNotFound("Acme has no room for that thing.")
    if text == "after the access ended":
        raise ReconnectNeeded("Acme ended our access.")
    return Preview(
        f"Create a thing: {quoted(text)}",
        "Create thing",
        facts=(Fact("Shelf", f"{shelf} of {api.business.name}" if api.business else f"{shelf} A"),),
        covers=frozenset({"text"}),
    )


@tool(title="Create a thing", needs_scopes=("things.write",), preview=preview_thing)
def create_thing(api: Any, text: Annotated[str, Field(description="Its text", max_length=200)]) -> Thing:
    """Create a thing."""
    written.append(text)
    api.calls.append(UpstreamCall("POST /things", 201, 1.0))
    if text == "then the database goes":
        raise Unavailable()
    return Thing(id="new", text=text, business=api.business.id if api.business else None)


@tool(title="List businesses", reads_only=True, one_business=False)
def list_businesses(api: Any) -> Page[Thing]:
    """List the businesses."""
    return Page(items=[Thing(id="b", text="b")])


def account(name: str, businesses: int = 1) -> Account:
    return Account(
        key=name,
        name=name,
        businesses=tuple(Business(id=f"b{n}", name=f"Business {n}") for n in range(1, businesses + 1)),
    )


CONNECTOR = Connector(
    slug="acme",
    name="Acme",
    summary="Things",
    base_url="https://api.acme.example",
    auth=OAuth2(
        authorize_url="https://acme.example/authorize",
        token_url="https://acme.example/token",
        read_scopes=("things.read",),
        write_scopes=("things.read", "things.write"),
    ),
    identify=lambda api, raw: account("Main"),
    tools=(get_thing, list_things, create_thing, list_businesses),
    business=BusinessArgument("unit_id", "business"),
)
