"""Text is compressed where a browser takes it, static files are cached for good, `/mcp` is left alone."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from app.web import compression

ROOT = Path(__file__).resolve().parents[2]
TAKES_GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def assets(visitor):
    visitor.get("/login")
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', visitor.page)


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere"])
def test_a_page_is_compressed_to_a_browser_that_takes_it(visitor, path):
    small = visitor.client.get(path, headers=TAKES_GZIP)
    whole = visitor.client.get(path)
    assert small.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in whole.headers
    assert b"</html>" in gzip.decompress(small.data) and b"</html>" in whole.data
    assert len(small.data) < len(whole.data) / 2
    assert "Accept-Encoding" in small.headers["Vary"] and "Accept-Encoding" in whole.headers["Vary"]


def test_a_static_file_is_the_same_compressed_and_is_validated_by_its_tag(visitor):
    paths = [path for path in assets(visitor) if path.split("?")[0].endswith((".css", ".js"))]
    assert len(paths) >= 3
    for path in paths:
        small = visitor.client.get(path, headers=TAKES_GZIP)
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.data) == (ROOT / path[1:].split("?")[0]).read_bytes()
        again = visitor.client.get(path, headers={**TAKES_GZIP, "If-None-Match": small.headers["ETag"]})
        assert again.status_code == 304 and again.data == b""
        assert "Accept-Encoding" in again.headers["Vary"]


def test_the_endless_paths_of_one_file_are_compressed_once(visitor):
    visitor.client.get("/static/css/base.css", headers=TAKES_GZIP)
    before = len(compression._static)
    for detour in ("./", "./././", "../css/", ".//"):
        answer = visitor.client.get(f"/static/css/{detour}base.css", headers=TAKES_GZIP)
        assert answer.status_code in {200, 308, 404}
    assert len(compression._static) == before


def test_a_file_of_another_version_than_asked_for_is_not_cached_for_good(visitor):
    [path] = [path for path in assets(visitor) if "/base.css" in path]
    policy = visitor.client.get(f"{path.split('?')[0]}?v=0123456789ab").headers["Cache-Control"]
    assert "immutable" not in policy and "max-age=3600" in policy


def test_every_static_reference_is_cached_for_good(visitor, people, sign_in):
    alice = sign_in(people.alice)
    for page in (visitor, alice):
        page.get("/" if page is visitor else "/integrations")
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.page):
            policy = page.client.get(path).headers["Cache-Control"]
            assert "immutable" in policy and "max-age=31536000" in policy, path


def test_what_style_sheets_refer_to_carries_its_digest_in_its_name(visitor):
    for sheet in (ROOT / "static" / "css").glob("*.css"):
        for reference in re.findall(r'url\("(?!data:)([^"]+)"\)', sheet.read_text()):
            file = (sheet.parent / reference).resolve()
            digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
            assert f".{digest}." in file.name, f"{sheet.name}: run `make assets`, which names {file.name}"
            answer = visitor.client.get(f"/static/{file.relative_to(ROOT / 'static')}")
            assert "immutable" in answer.headers["Cache-Control"]


def test_the_answers_of_tool_calls_are_as_before(client_of, people):
    answer = client_of(people.alice).post(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        MCP_Protocol_Version="2025-06-18",
        Accept_Encoding="gzip",
    )
    assert answer.status_code == 200 and answer.json["result"]["tools"]
    assert "Content-Encoding" not in answer.headers and "Accept-Encoding" not in answer.headers.get(
        "Vary", ""
    )
