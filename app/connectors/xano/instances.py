"""The connected Xano person and the instances they reach."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from app.connectors.api import Api
from app.connectors.function_tool import tool
from app.connectors.rows import Row
from app.connectors.spec import Account, Business
from app.connectors.xano.metadata import read_all
from app.connectors.xano.values import Text, XanoRow, read_as, unreadable
from app.errors import NothingReached, ObjectNotFound, ReconnectNeeded


class Instance(XanoRow):
    """A Xano instance."""

    instance_name: str = Field(
        validation_alias="name", min_length=1, description="Pass as `instance_name` to the other tools."
    )
    display: Text = Field("", description="What people call it.")
    xano_domain: Text = ""
    custom_domain: Text = ""
    meta_api: Text = Field("", description="Where its Metadata API is.")


class InstanceDetails(Instance):
    """A Xano instance with what only its own page says."""

    rate_limit: bool | None = Field(None, description="true on the free plan: 10 requests in 20 seconds.")
    meta_swagger: str | None = Field(None, description="Where its API is described.")


class Instances(Row):
    """What the connection reaches."""

    items: list[Instance]


@tool(title="List Xano instances", reads_only=True, one_business=False)
def list_instances(api: Api) -> Instances:
    """List the Xano instances this connection reaches, with the name the other tools take as `instance_name`.

    Use it first when more than one instance may be meant. For the databases inside one use
    xano_list_databases.
    """
    return Instances(items=_reached(api))


@tool(title="Get Xano instance", reads_only=True)
def get_instance_details(api: Api) -> InstanceDetails:
    """Get one instance's domains, the address of its API and whether the free plan's rate limit holds.

    Use it to explain where an instance is or why it is slow. For its data start with xano_list_databases.
    """
    if api.business is None:
        raise ReconnectNeeded("This Xano connection no longer reaches an instance. Reconnect Xano.")
    if api.business.facts.get("alone"):
        return InstanceDetails(**_self_hosted(api).model_dump())
    return read_as(InstanceDetails, api.get("/instance/{name}", parts={"name": api.business.id}))


def identify(api: Api, _token_answer: Mapping[str, Any]) -> Account:
    """The Xano person as the account, and their instances as its businesses.

    The account is named after the first instance, which people recognise. Raises NothingReached without one.
    """
    me = api.get("/auth/me")
    if not isinstance(me, Mapping) or not isinstance(me.get("id"), int | str) or not str(me["id"]):
        raise unreadable()
    reached = _reached(api)
    instances = [instance for instance in reached if api.may_send_to(instance.meta_api)]
    own = _own_instance(me)
    instances.sort(key=lambda instance: instance.instance_name != own)
    if reached and not instances:
        raise NothingReached(
            "This Xano sign-in reaches only instances on domains of their own. Ask your administrator to "
            "allow their hosts (XANO_ALLOWED_HOSTS), then connect Xano again."
        )
    if not instances:
        raise NothingReached("This Xano sign-in reaches no instance. Connect Xano again with another one.")
    email = me.get("email")
    return Account(
        key=str(me["id"]),
        name=_display_name(instances[0]),
        businesses=tuple(_business(api, instance) for instance in instances),
        facts={"email": email} if isinstance(email, str) else {},
    )


def is_known_as(business: Business, name: str) -> bool:
    """Whether an instance has that name, domain or address. A choice only: requests use listed addresses."""
    text = name.strip().casefold()
    if text in {business.name.casefold(), business.id.casefold()}:
        return True
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        return False
    return host is not None and host in set(business.facts.get("hosts") or ())


def _reached(api: Api) -> list[Instance]:
    try:
        return [read_as(Instance, entry) for entry in read_all(api, "/instance")]
    except ObjectNotFound:
        if api.base_url == api.service.base_url:
            raise
        # Self-hosted Xano is an instance without an account above it.
        return [_self_hosted(api)]


def _own_instance(me: Mapping[str, Any]) -> str | None:
    """The instance the token was made in, when Xano names it: it accepts the token for certain."""
    found: Any = me
    for name in ("extras", "instance", "name"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def _self_hosted(api: Api) -> Instance:
    host = urlsplit(api.base_url).hostname or "xano"
    return Instance(instance_name=host, display=host, xano_domain=host, meta_api=api.base_url)


def _display_name(instance: Instance) -> str:
    return instance.display or instance.instance_name


def _business(api: Api, instance: Instance) -> Business:
    domains = (instance.xano_domain, instance.custom_domain, urlsplit(instance.meta_api).hostname)
    facts: dict[str, Any] = {
        "meta_api": instance.meta_api.rstrip("/"),
        "hosts": sorted({d.casefold() for d in domains if d}),
    }
    if instance.meta_api == api.base_url:
        facts["alone"] = True
    return Business(instance.instance_name, _display_name(instance), facts)
