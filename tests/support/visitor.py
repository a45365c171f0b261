"""A person with a browser, without the browser: keeps cookies, sends forms with their token."""

import html
import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Visitor:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        self.page = ""
        self.csrf = ""

    def _keep(self, response: TestResponse) -> TestResponse:
        if response.mimetype == "text/html":
            self.page = html.unescape(response.get_data(as_text=True))
            if found := _TOKEN.search(response.get_data(as_text=True)):
                self.csrf = html.unescape(found.group(1))
        return response

    def get(self, url: str, **options: Any) -> TestResponse:
        return self._keep(self.client.get(url, **options))

    def submit(
        self, url: str, data: dict[str, Any] | None = None, *, htmx: bool = False, **options: Any
    ) -> TestResponse:
        """Post a form, with the token of the page seen last."""
        headers = {
            **options.pop("headers", {}),
            **({"HX-Request": "true", "X-CSRFToken": self.csrf} if htmx else {}),
        }
        return self._keep(
            self.client.post(url, data={"csrf_token": self.csrf, **(data or {})}, headers=headers, **options)
        )

    def follow(self, response: TestResponse) -> TestResponse:
        """Go where a redirect points, on our own site."""
        while response.status_code in {301, 302, 303, 307, 308}:
            response = self.get(response.headers["Location"])
        return response
