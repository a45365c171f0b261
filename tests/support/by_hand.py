"""The smallest AI client there can be: registered, with a listener, and a URL to send its person to."""

import base64
import hashlib
import json
import secrets
import urllib.request
from urllib.parse import urlencode

from tests.support.browser import Loopback
from tests.support.waiting import AT_MOST_SECONDS


class ByHand:
    def __init__(self, url: str, loopback: Loopback) -> None:
        self.url, self.loopback = url, loopback
        self.state, self.verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        request = {
            "client_name": "Notebook",
            "redirect_uris": [loopback.url],
            "token_endpoint_auth_method": "none",
        }
        request = urllib.request.Request(
            url + "/oauth/register", json.dumps(request).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=AT_MOST_SECONDS) as answer:
            self.client_id = json.load(answer)["client_id"]

    def authorize_url(self) -> str:
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        )
        request = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.loopback.url,
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.url + "/mcp",
        }
        return f"{self.url}/oauth/authorize?{urlencode(request)}"
