"""Markdown to a page: HTML without raw HTML, headings that can be linked to, and a table of contents."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from app.config import PRODUCT_NAME


@dataclass(frozen=True)
class ContentsEntry:
    """A heading of the second level, and the anchor it is found by."""

    anchor: str
    title: str


@dataclass(frozen=True)
class RenderedPage:
    """A page. `title` is its first heading; `heading` is its HTML where the page begins with it, else ""."""

    title: str
    heading: Markup
    body: Markup
    contents: tuple[ContentsEntry, ...]


class _Renderer(RendererHTML):
    """Wide tables and long lines scroll in a frame of their own, which the keyboard reaches."""

    def table_open(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        label = Markup.escape(tokens[index].meta["label"])
        return f'<div class="card table-frame" role="region" aria-label="{label}" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return f'<pre tabindex="0"><code>{Markup.escape(tokens[index].content)}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return self.fence(tokens, index, options, env)


_parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def render(text: str, *, brand: str, link: Callable[[str], str] = lambda target: target) -> RenderedPage:
    """Return Markdown as a page, with the brand in the place of our own name. `link` rewrites link targets.

    Raw HTML is displayed as the text it is, and links with a scheme that runs code are not links.
    """
    tokens = _parser.parse(text)
    title, contents, taken, labels = "", [], set[str](), set[str]()
    heading = ""
    for index, (token, following) in enumerate(zip(tokens, [*tokens[1:], None], strict=True)):
        for part in (token, *(token.children or ())):
            if part.type in {"text", "code_inline", "fence", "code_block"}:
                part.content = part.content.replace(PRODUCT_NAME, brand)
            elif part.type == "link_open":
                part.attrSet("href", link(str(part.attrGet("href"))))
        if token.type == "heading_open" and following is not None:
            words = "".join(part.content for part in following.children or ()).replace(PRODUCT_NAME, brand)
            anchor = _free(slug_of(following.content), taken)
            token.attrSet("id", anchor)
            title, heading = title or words, words
            if token.tag == "h2":
                contents.append(ContentsEntry(anchor, words))
        elif token.type == "table_open":
            token.meta["label"] = _free(f"Table: {heading}", labels)
        elif token.type == "th_open" and following is not None and not following.content:
            token.tag = tokens[index + 2].tag = "td"  # a heading without words names nothing
    after = 3 if tokens and tokens[0].type == "heading_open" else 0
    return RenderedPage(title, _html(tokens[:after]), _html(tokens[after:]), tuple(contents))


def _html(tokens: Sequence[Token]) -> Markup:
    return Markup(_parser.renderer.render(tokens, _parser.options, {}))  # noqa: S704


def slug_of(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it: links between the files work there and here."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _free(anchor: str, taken: set[str]) -> str:
    number, free = 0, anchor
    while free in taken:
        number += 1
        free = f"{anchor}-{number}"
    taken.add(free)
    return free
