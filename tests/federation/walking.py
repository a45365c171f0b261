"""A person who adds an MCP server on the real pages and signs in there: every redirect followed by hand.

The server's own consent page must need no press: it answers with a redirect, as those in these tests do.
"""

import html
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from tests.support.visitor import Visitor
from tests.support.waiting import AT_MOST_SECONDS

_INPUT = re.compile(r"<input\b[^>]*>")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


_BROWSER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


@dataclass
class Walk:
    """One person's browser. `consents` are the addresses of consent pages they were sent to."""

    person: Visitor
    base_url: str = "http://localhost"
    consents: list[str] = field(default_factory=list)

    def get(self, path: str) -> TestResponse:
        return self.person.get(path, base_url=self.base_url)

    def post(self, path: str, data: dict[str, Any]) -> TestResponse:
        return self.person.submit(path, data, base_url=self.base_url)

    def look(self, url: str) -> TestResponse:
        """The page that says what is at an address."""
        self.get("/integrations/add")
        return self.post("/integrations/add", {"url": url})

    def add(self, url: str, **fields: Any) -> TestResponse:
        """Look at an address, add what is there and connect. Returns the last page."""
        looked = self.look(url)
        assert looked.status_code == 200, self.sentences()
        form = {"url": url, "found": self.value_of("found"), "name": self.value_of("name"), **fields}
        return self.arrive(self.post("/integrations/add", form))

    def paste(self, slug: str, **values: str) -> TestResponse:
        """Fill in the form of a key or client, and press Connect. A browser drops line breaks in a field."""
        fields = {name: value.replace("\n", "") for name, value in values.items()}
        form = {"state": self.value_of("state"), "way": self.value_of("way"), **fields}
        return self.arrive(self.post(f"/integrations/{slug}/keys", form))

    def connect(self, slug: str, **fields: Any) -> TestResponse:
        """Press Connect or Reconnect on a card."""
        self.get("/integrations")
        return self.arrive(self.post(f"/integrations/{slug}", fields))

    def arrive(self, response: TestResponse) -> TestResponse:
        """Follow redirects, to the server's consent page and back, until a page of ours."""
        for _ in range(12):
            if response.status_code not in {302, 303}:
                return response
            target = response.headers["Location"]
            parts = urlsplit(target)
            if parts.netloc and f"{parts.scheme}://{parts.netloc}" != self.base_url:
                self.consents.append(target)
                target = self._consent(target)
                parts = urlsplit(target)
            response = self.get(parts.path + (f"?{parts.query}" if parts.query else ""))
        raise AssertionError("it never ends")

    def allow_tools(self, slug: str) -> None:
        """Allow every tool that waits on the server's page, and write at the connection."""
        page = self.get(f"/integrations/servers/{slug}").text
        fields = " ".join(re.findall(r'<input form="allow-[^>]*>', page))
        pairs = dict(zip(_values(fields, "tool"), _values(fields, "digest"), strict=True))
        self.post(
            f"/integrations/servers/{slug}/allow", {"tool": list(pairs), "digest": list(pairs.values())}
        )

    def connection_of(self, slug: str) -> str:
        """The id of the first connection on the server's card."""
        page = self.get("/integrations").text
        found = re.search(rf'data-slug="{slug}"[^>]*id="card-(con_\w+)"', page) or re.search(
            rf'id="card-(con_\w+)"[^>]*data-slug="{slug}"', page
        )
        assert found, f"no connection of {slug} on the hub"
        return found[1]

    def value_of(self, name: str) -> str:
        """The value of a field on the page seen last."""
        return next(iter(_values(self.person.page, name)))

    def sentences(self) -> str:
        """What the page says, without its tags: for messages of assertions."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.person.page))[:3000]

    def _consent(self, url: str) -> str:
        """Where the server's consent page sends the browser."""
        try:
            with _BROWSER.open(url, timeout=AT_MOST_SECONDS) as answer:
                raise AssertionError(f"{url} answered {answer.status} instead of a redirect")
        except urllib.error.HTTPError as answer:
            assert answer.code in {302, 303, 307}, f"{url}: {answer.code} {answer.read()[:500]!r}"
            return answer.headers["Location"]


def _values(page: str, name: str) -> list[str]:
    fields = (each for each in _INPUT.findall(page) if f'name="{name}"' in each)
    return [html.unescape(found[1]) for each in fields if (found := re.search(r'value="([^"]*)"', each))]
