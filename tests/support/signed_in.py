"""A connection to an imitated service, made without the product's pages: consent or form, tokens, account."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import requests

from app import config
from app.connectors import endpoints
from app.connectors.api import Api
from app.connectors.connector import Connector
from app.connectors.credential_forms import OAUTH, Form
from app.connectors.endpoints import in_sandbox
from app.connectors.preview import Preview
from app.connectors.spec import Account, Business
from app.connectors.tool import Tool
from app.errors import ReconnectNeeded
from app.vault import form_exchange
from app.vault.token_endpoint import TokenRefused
from tests.support.keys import SECRET_KEY, VAULT_KEY
from tests.support.processes import Levers
from tests.support.waiting import AT_MOST_SECONDS

CALLBACK = "http://localhost:8000/integrations/{}/callback"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CLIENT = {"client_id": "sandbox", "client_secret": "sandbox"}
_SETTINGS = {
    "ENV": "test",
    "SECRET_KEY": SECRET_KEY,
    "VAULT_KEYS": f"t1:{VAULT_KEY}",
}


class SignedIn:
    """A connection to a service; also the TokenSource of its calls, renewing as the vault would.

    `auth_method` is a form's key or `oauth`; left out, the hub's first. `given` replaces the sandbox's
    values.
    """

    def __init__(
        self,
        connector: Connector,
        sandbox_url: str,
        *,
        company: str | None = None,
        scopes: tuple[str, ...] | None = None,
        auth_method: str | None = None,
        **given: str,
    ) -> None:
        self.where = endpoints.resolve(connector, config.load({**_SETTINGS, "SANDBOX_URL": sandbox_url}))
        assert self.where
        self.form: Form | None = connector.find_form(auth_method or self.where.auth_methods[0])
        self.connector = connector
        self.base_url = in_sandbox(sandbox_url, connector.slug, connector.base_url)
        self.levers = Levers(sandbox_url, connector.slug)
        self.redirect_uri = CALLBACK.format(connector.slug)
        self._auth = connector.auth
        self._sandbox_url = sandbox_url
        self.brought_back: dict[str, str] = {}  # what came beside the code, or was filled in and is no secret
        self.refreshes = 0
        if self.form:
            self.tokens = self.fill_in(self.form, given)
        else:
            self.tokens = self.exchange(self.consent(company, scopes or connector.auth.write_scopes)).json()
        self.account: Account = connector.identify(self.api(None), self.tokens)

    def at(self, url: str) -> str:
        return in_sandbox(self._sandbox_url, self.connector.slug, url)

    def fill_in(self, form: Form, given: dict[str, str]) -> dict[str, Any]:
        """What the person does on our form page; returns what came of it, like a token answer."""
        values = {entry.name: given.get(entry.name, entry.demo) for entry in form.fields}
        self.brought_back = {name: values[name] for name in form.facts}
        made = form_exchange.obtain(self.connector, self.where, form, values)
        self._renewal_values = json.dumps(dict(made.renewal_values))
        return {**made.raw, "access_token": made.access_token, "refresh_token": made.refresh_token}

    @property
    def auth_method(self) -> str:
        return self.form.key if self.form else OAUTH

    @property
    def can_renew(self) -> bool:
        """Whether an access token that ended is replaced without the person."""
        return self.form is None or bool(self.form.renewals)

    def consent(self, company: str | None, scopes: tuple[str, ...]) -> str:
        """What the person does on the consent page; returns the code."""
        query = {
            **self._auth.authorize_params,
            "response_type": "code",
            "client_id": "sandbox",
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(scopes),
            "state": "s",
            **({"code_challenge": CHALLENGE, "code_challenge_method": "S256"} if self._auth.pkce else {}),
        }
        url = self.at(self._auth.authorize_url)
        if company is None:
            page = requests.get(url, params=query, timeout=AT_MOST_SECONDS).text
            company = page.split('name="company"')[1].split('value="')[1].split('"')[0]
        form = {"company": company, "decision": "approve", "granted": list(scopes)}
        answer = requests.post(url, params=query, data=form, allow_redirects=False, timeout=AT_MOST_SECONDS)
        assert answer.status_code == 302, answer.text
        back = {
            name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()
        }
        self.brought_back = {name: back[name] for name in self._auth.callback_facts}
        return back["code"]

    def exchange(self, code: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code}
        if self._auth.exchange_sends_redirect_uri:
            form["redirect_uri"] = self.redirect_uri
        return self._token({**form, "code_verifier": VERIFIER} if self._auth.pkce else form)

    def refresh(self, token: str | None = None, **changed: str) -> requests.Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token or self.tokens["refresh_token"],
            **changed,
        }
        return self._token(
            {"redirect_uri": self.redirect_uri, **form} if self._auth.refresh_sends_redirect_uri else form
        )

    def _token(self, form: dict[str, str]) -> requests.Response:
        url = self.at(self._auth.token_url)
        if self._auth.client_auth != "post":
            return requests.post(
                url,
                data=form,
                auth=("sandbox", "sandbox" if self._auth.client_auth == "basic" else ""),
                timeout=AT_MOST_SECONDS,
            )
        return requests.post(url, data={**CLIENT, **form}, timeout=AT_MOST_SECONDS)

    # --- TokenSource ---

    def bearer(self) -> str:
        return str(self.tokens["access_token"])

    def refreshed(self, rejected: str) -> str:
        if rejected == self.bearer() and self.form:
            self._renew(self.form)
        elif rejected == self.bearer():
            self.refreshes += 1
            answer = self.refresh()
            if answer.status_code != 200:
                raise ReconnectNeeded("The service ended the sign-in. Reconnect it in the hub.")
            self.tokens = {**self.tokens, **answer.json()}
        return self.bearer()

    def _renew(self, form: Form) -> None:
        self.refreshes += bool(form.renewals)
        try:
            made = form_exchange.renew(
                self.connector,
                self.where,
                form,
                renewal_values=self._renewal_values,
                access_token=self.bearer(),
                refresh_token=self.tokens["refresh_token"],
            )
        except TokenRefused:
            raise ReconnectNeeded(
                "The service does not accept it any more. Reconnect it in the hub."
            ) from None
        self.tokens = {**self.tokens, **made.raw, "access_token": made.access_token}
        if made.refresh_token:
            self.tokens["refresh_token"] = made.refresh_token

    # --- calling ---

    @property
    def business(self) -> Business | None:
        return self.account.businesses[0] if self.account.businesses else None

    def api(self, business: Business | None) -> Api:
        account = getattr(self, "account", None)
        return Api(
            self.connector,
            self.base_url,
            self,
            business,
            facts=account.facts if account else self.brought_back,
        )

    def tool(self, verb: str) -> Tool:
        found = self.connector.find_tool(
            next((t.name_in(self.connector.slug) for t in self.connector.tools if t.verb == verb), verb)
        )
        assert found, f"{self.connector.slug} has no tool {verb}"
        return found

    def call(
        self,
        verb: str,
        arguments: dict[str, Any] | None = None,
        *,
        business: Business | None = None,
        **more: Any,
    ) -> Any:
        """Call a tool as the caller would; returns its data."""
        tool = self.tool(verb)
        self.last_api = self.api(business or (self.business if tool.one_business else None))
        return tool.call(self.last_api, tool.parse({**(arguments or {}), **more}))

    def preview(self, verb: str, arguments: dict[str, Any] | None = None, **more: Any) -> Preview:
        """What a call would do, as the person who approves it reads it."""
        tool = self.tool(verb)
        self.last_api = self.api(self.business if tool.one_business else None)
        return tool.preview(self.last_api, tool.parse({**(arguments or {}), **more}))


def check_data(tool: Any, data: Any) -> None:
    """Fails unless a tool's data has the schema it promises; `next` becomes the envelope's cursor."""
    if tool.pages_by:
        following = data["next"]
        data = {**{k: v for k, v in data.items() if k != "next"}, "next_cursor": following and str(following)}
    jsonschema.validate(data, tool.data_schema)


class HeldToSchema(SignedIn):
    """A sign-in whose tools are held to the schemas they promise."""

    def call(self, verb: str, arguments: dict[str, Any] | None = None, **more: Any) -> Any:
        tool = self.tool(verb)
        given = {**(arguments or {}), **{name: value for name, value in more.items() if name != "business"}}
        jsonschema.validate(given, tool.input_schema)
        data = super().call(verb, arguments, **more)
        check_data(tool, data)
        return data

    def requests(self) -> Any:
        """The requests the service saw since the last `clear`."""
        return self.levers.log()["requests"]


def may_change(connector: Connector, line: dict[str, Any]) -> bool:
    """Whether a request in the log of an imitated service may change something there.

    Over MCP every message is a POST: there the tool it calls decides.
    """
    if "rpc" not in line:
        return bool(line["method"] != "GET")
    method, _, name = line["rpc"].partition(" ")
    return method == "tools/call" and name in {tool.verb for tool in connector.tools if not tool.reads_only}


def is_wanted(line: dict[str, Any]) -> bool:
    """Whether a request is for a record or a report, not for the session with an MCP server."""
    return str(line.get("rpc", "tools/call")).startswith("tools/call") and "set_active" not in str(line)
