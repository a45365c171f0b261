"""Gmail for the connector's tests, over HTTP: authorized at the imitation, tools called as a caller does."""

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import requests

from app.connectors import endpoints
from app.connectors.api import Api
from app.connectors.gmail import CONNECTOR
from app.vault import token_endpoint
from tests.support.processes import Levers
from tests.support.signed_in import check_data
from tests.support.waiting import AT_MOST_SECONDS

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Google:
    """The imitated Gmail, and our connector's way to it."""

    def __init__(self, url, settings):
        self.url = url
        self.where = endpoints.resolve(CONNECTOR, settings)
        self.lever = Levers(url, "gmail")
        self.log = self.lever.log

    def sign_in(self, account="northwind", scopes=CONNECTOR.auth.write_scopes, untick=()):
        authorization = {
            **CONNECTOR.auth.authorize_params,
            "response_type": "code",
            "client_id": self.where.client_id,
            "redirect_uri": self.where.redirect_uri,
            "scope": " ".join(scopes),
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        form = {"company": account, "decision": "approve", "granted": [s for s in scopes if s not in untick]}
        answer = requests.post(
            self.where.authorize_url,
            params=authorization,
            data=form,
            allow_redirects=False,
            timeout=AT_MOST_SECONDS,
        )
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        return token_endpoint.exchange_code(CONNECTOR, self.where, code=code, verifier=VERIFIER)

    def mailbox(self, **how):
        return self.open(self.sign_in(**how))

    def open(self, tokens, facts=None):
        return Api(CONNECTOR, self.where.base_url, Tokens(self.where, tokens), facts=facts or {})


class Tokens:
    """A TokenSource that renews as the vault would."""

    def __init__(self, where, tokens):
        self.where = where
        self.tokens = tokens
        self.renewals = 0

    def bearer(self):
        return self.tokens.access_token

    def refreshed(self, rejected):
        self.renewals += 1
        refresh_token = self.tokens.refresh_token
        self.tokens = replace(
            token_endpoint.refresh(CONNECTOR, self.where, refresh_token), refresh_token=refresh_token
        )
        return self.tokens.access_token


def call(api, verb, **arguments):
    """A tool as the caller calls it: checked arguments in, plain data out."""
    tool = CONNECTOR.find_tool(f"gmail_{verb}")
    data = tool.call(api, tool.parse(arguments))
    check_data(tool, data)
    return data


def find(api, query):
    return call(api, "search_messages", query=query)["items"][0]["id"]


def read(api, query):
    return call(api, "get_message", message_id=find(api, query))
