"""Documentation, privacy, terms and security.txt: for everyone, in the brand's name, safe with any text."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app import clock, config
from app.errors import ConfigError
from app.factory import create_app
from app.pages.documentation import DOCS
from app.pages.markdown import render
from tests.support.visitor import Visitor

PAGES = sorted(path.stem for path in DOCS.glob("*.md") if path.stem != "README")


def visit(environ, **settings):
    return Visitor(create_app(config.load(environ | settings)))


class TestDocumentation:
    def test_the_index_leads_to_every_page(self, visitor):
        index = visitor.get("/docs").text
        assert "<h1" in index and "Documentation" in index
        links = set(re.findall(r'href="/docs/([\w-]+)"', index))
        assert {*PAGES, "security"} <= links

    @pytest.mark.parametrize("name", [*PAGES, "security"])
    def test_every_page_and_every_link_on_it_leads_somewhere(self, visitor, name):
        answer = visitor.get(f"/docs/{name}")
        assert answer.status_code == 200
        body = answer.text.partition("<article>")[2]
        anchors = set(re.findall(r'<h\d id="([^"]+)"', body))
        for target in re.findall(r'<a href="([^"]+)"', body):
            path, _, anchor = target.partition("#")
            if path.startswith(("https://", "http://", "mailto:")):
                continue
            other = visitor.client.get(path).text if path else body
            assert not path or visitor.client.get(path).status_code == 200, target
            assert not anchor or (anchor in anchors if not path else f'id="{anchor}"' in other), target

    def test_a_long_page_has_a_table_of_contents_and_its_tables_are_tables(self, visitor):
        page = visitor.get("/docs/tokens").text
        contents = page.partition('aria-label="On this page"')[2].partition("</nav>")[0]
        assert page.index("<h1") < page.index('aria-label="On this page"') < page.index("<h2")
        assert 'href="#kinds-of-tokens"' in contents and 'id="kinds-of-tokens"' in page
        assert "<table>" in page and "| Token |" not in page
        assert "curl -s $HUB/mcp/token" in page

    def test_links_as_the_files_have_them_work_too(self, visitor):
        assert visitor.get("/docs/usage.md").headers["Location"] == "/docs/usage"
        for index in ("/docs/README.md", "/docs/README"):
            assert visitor.get(index).headers["Location"] == "/docs"

    def test_a_link_has_the_title_of_its_page_where_the_file_has_a_file_name(self, visitor):
        page = visitor.get("/docs/commands").text
        assert "operations.md](" in (DOCS / "commands.md").read_text()
        assert '<a href="/docs/operations">Operations</a>' in page and ".md</a>" not in page

    @pytest.mark.parametrize(
        "name", ["nothing", "..", "%2e%2e%2fREADME", "..%2f..%2f.env", "README.md%00", "usage.txt", ".md"]
    )
    def test_nothing_else_is_served(self, visitor, name):
        answer = visitor.get(f"/docs/{name}")
        assert answer.status_code == 404 and "SECRET" not in answer.text

    def test_it_wears_the_brand(self, environ):
        hub = visit(environ, BRAND_NAME="Acme <Hub>")
        for path in ("/docs", "/docs/administration", "/privacy", "/terms"):
            text = hub.get(path).text
            assert "Patchbay" not in text and "Acme &lt;Hub&gt;" in text and "<Hub>" not in text, path


class TestMarkdown:
    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>",
            'a <img src=x onerror="alert(1)"> b',
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt&colon;alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "<style>body{display:none}</style>",
            "<javascript:alert(1)>",
            '```"><script>alert(1)</script>\n</code></pre><script>\n```',
            '[x](https://e.example/"onclick="alert(1))',
            "# <b>bold</b>",
        ],
    )
    def test_no_text_becomes_markup_of_its_own(self, text):
        page = render(text, brand="B")
        body = page.heading + page.body
        tags = re.findall(r"<[^>]+>", body)
        assert not re.search(r"<(script|img|style|b)\b", body)
        assert not any(re.search(r"""\son\w+=|href=["'](?!https://)""", tag) for tag in tags), tags

    def test_equal_headings_have_anchors_of_their_own(self):
        page = render("# A\n## Same\n## Same\n", brand="B")
        assert [entry.anchor for entry in page.contents] == ["same", "same-1"] and page.title == "A"


class TestPrivacyAndTerms:
    def test_the_default_says_what_the_software_stores(self, environ):
        page = visit(environ, USAGE_RETENTION_DAYS="45").get("/privacy")
        assert page.status_code == 200 and "45 days" in page.text and "encrypted" in page.text
        assert "_DAYS" not in page.text
        assert visit(environ).get("/terms").status_code == 200

    def test_the_default_names_every_cookie_that_a_person_gets(self, app, visitor, people, code_for):
        named = set(re.findall(r"<td><code>(\w+)</code></td>", visitor.get("/privacy").text))
        visitor.get("/login")
        answers = [visitor.submit("/login/code", {"email": "alice@example.com"})]
        visitor.follow(answers[0])
        answers.append(visitor.submit("/confirm", {"code": code_for("alice@example.com")}))
        answers.append(visitor.get("/integrations"))
        assert answers[-1].status_code == 200
        lines = [line for answer in answers for line in answer.headers.getlist("Set-Cookie")]
        assert {line.partition("=")[0] for line in lines} | {"form"} == named

    @pytest.mark.parametrize(("name", "path"), [("PRIVACY", "/privacy"), ("TERMS", "/terms")])
    def test_an_operator_s_own_text_takes_its_place(self, environ, tmp_path, name, path):
        file = tmp_path / "own.md"
        file.write_text("# Our own words\n\nWe are *Acme*. <script>x</script>\n", encoding="utf-8")
        page = visit(environ, **{f"{name}_FILE": str(file)}).get(path).text
        assert "Our own words</h1>" in page and "<em>Acme</em>" in page and "<script>x" not in page
        assert "<title>Our own words" in page
        elsewhere = visit(environ, **{f"{name}_URL": "https://acme.example/legal?v=2"}).get(path)
        assert elsewhere.status_code == 302
        assert elsewhere.headers["Location"] == "https://acme.example/legal?v=2"

    @pytest.mark.parametrize(
        ("settings", "named"),
        [
            ({"PRIVACY_FILE": "/nowhere/at.all"}, "PRIVACY_FILE"),
            ({"TERMS_FILE": "/"}, "TERMS_FILE"),
            ({"TERMS_URL": "javascript:alert(1)"}, "TERMS_URL"),
            ({"PRIVACY_URL": "example.com/privacy"}, "PRIVACY_URL"),
            ({"PRIVACY_URL": "https://e.example", "PRIVACY_FILE": "x.md"}, "PRIVACY_FILE"),
            ({"SECURITY_CONTACT": "nobody"}, "SECURITY_CONTACT"),
            ({"SECURITY_CONTACT": "a@example.com\nExpires: 2000-01-01T00:00:00Z"}, "SECURITY_CONTACT"),
            ({"SECURITY_CONTACT": "https://"}, "SECURITY_CONTACT"),
        ],
    )
    def test_a_wrong_setting_stops_the_start(self, environ, settings, named):
        with pytest.raises(ConfigError, match=named):
            config.load(environ | settings)

    @pytest.mark.parametrize("content", [b"", b"  \n", b"\xff\xfe\x00", b"x" * 300_000])
    def test_a_file_that_is_no_text_stops_the_start(self, environ, tmp_path, content):
        file = tmp_path / "own.md"
        file.write_bytes(content)
        with pytest.raises(ConfigError, match="TERMS_FILE"):
            config.load(environ | {"TERMS_FILE": str(file)})

    def test_people_find_them_where_they_decide(self, app, visitor, people, sign_in):
        from tests.support.ai_client import AiClient

        client = AiClient(app)
        client.register()
        alice = sign_in(people.alice)
        for page in (
            visitor.get("/").text,
            visitor.get("/login").text,
            visitor.get("/register").text,
            alice.get("/integrations").text,
        ):
            assert 'href="/privacy"' in page and 'href="/terms"' in page and 'href="/docs"' in page
        consent = client.ask(alice).get_data(as_text=True)
        assert 'href="/privacy"' in consent and 'href="/terms"' in consent
        form = visitor.get("/register").text.partition("<form")[2].partition("</form>")[0]
        assert 'href="/terms"' in form and 'href="/privacy"' in form


class TestSecurityTxt:
    """RFC 9116."""

    @pytest.mark.parametrize(
        ("given", "contact"),
        [
            ("security@acme.example", "mailto:security@acme.example"),
            ("mailto:security@acme.example", "mailto:security@acme.example"),
            ("https://acme.example/report?to=us", "https://acme.example/report?to=us"),
        ],
    )
    def test_it_says_whom_to_tell_and_until_when(self, environ, given, contact):
        answer = visit(environ, SECURITY_CONTACT=given).get("/.well-known/security.txt")
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
        assert fields["Contact"] == contact
        assert fields["Canonical"] == "http://localhost:8000/.well-known/security.txt"
        assert fields["Policy"] == "http://localhost:8000/docs/security"
        expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        assert timedelta(days=30) < expires - clock.now() < timedelta(days=365)

    def test_it_never_goes_stale(self, environ):
        hub = visit(environ, SECURITY_CONTACT="security@acme.example")
        first = hub.get("/.well-known/security.txt").text
        clock.shift(timedelta(days=400))
        assert hub.get("/.well-known/security.txt").text != first

    def test_without_a_contact_there_is_none(self, visitor):
        assert visitor.get("/.well-known/security.txt").status_code == 404
