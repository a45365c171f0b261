"""HTML mail as readable text.

Not the standard library's `HTMLParser`: it takes half a minute of processor time for 60 kB of unclosed tags,
and anyone may send us those. Here every step moves forward, so the time grows linearly. Text that a reader
would not see is left out, as it is a favourite place for words aimed at an AI.
"""

import html
import re

_LONGEST = 400_000
_CUT = "\n\n[This mail is too long: its end is left out here.]"
_QUOTE_SEARCH = 2_000
_ATTRIBUTES_READ = 4_000
_BLOCKS = frozenset([
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "tr", "ul",
])  # fmt: skip
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed"})
_SKIPPED = frozenset({"head", "template", "object", "svg", "math", "select", "datalist", "noscript"})
_TAG_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9:-]*")
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(href|style|alt|hidden)(?![\w-])(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""", re.IGNORECASE
)
_INVISIBLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_SPACE = re.compile(r"[ \t\r\n\f\v\xa0]+")


def html_to_text(source: str) -> str:
    """The visible text of an HTML document: blocks on lines of their own, link targets in brackets."""
    is_cut, source = len(source) > _LONGEST, source[:_LONGEST]
    reader = _TextCollector()
    at = 0
    while at < len(source):
        opening = source.find("<", at)
        if opening < 0:
            reader.text(source[at:])
            break
        reader.text(source[at:opening])
        at = _markup(source, opening, reader)
    return reader.result() + (_CUT if is_cut else "")


def _markup(source: str, opening: int, reader: "_TextCollector") -> int:
    """Reads the markup at the `<` at `opening`; returns the position after it, always further on."""
    if source.startswith("<!--", opening):
        return _after(source, "-->", opening + 4)
    if source.startswith(("<!", "<?"), opening):
        return _after(source, ">", opening + 2)
    closes = source.startswith("</", opening)
    name = _TAG_NAME.match(source, opening + (2 if closes else 1))
    if not name:
        reader.text("<")
        return opening + 1
    end = _end_of_tag(source, name.end())
    tag = name.group().lower()
    if closes:
        reader.close(tag)
        return end + 1
    reader.open(tag, source[name.end() : end])
    if tag in _RAW:
        closing = re.compile(f"</{tag}", re.IGNORECASE).search(source, end)
        return closing.start() if closing else len(source)
    return end + 1


def _after(source: str, mark: str, start: int) -> int:
    found = source.find(mark, start)
    return len(source) if found < 0 else found + len(mark)


def _end_of_tag(source: str, start: int) -> int:
    """The position of the tag's `>`, outside quoted attributes; the end of the text without one."""
    end = source.find(">", start)
    if end < 0:
        return len(source)
    for quote in "\"'":
        if source.count(quote, start, min(end, start + _ATTRIBUTES_READ)) % 2:
            closing = source.find(quote, end, end + _QUOTE_SEARCH)
            further = source.find(">", closing, closing + _QUOTE_SEARCH) if closing >= 0 else -1
            return further if further >= 0 else end
    return end


class _TextCollector:
    """Collects visible text. `_hidden_in` is the hidden element, `_depth` how deep it nests in itself."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._hidden_in: str | None = None
        self._depth = 0
        self._link: tuple[str, int] | None = None

    def text(self, source: str) -> None:
        if source and not self._hidden_in:
            self._pieces.append(_SPACE.sub(" ", html.unescape(source)))

    def open(self, tag: str, attributes: str) -> None:
        if self._hidden_in == "head" and tag == "body":
            self._hidden_in = None  # an unclosed <head> must not swallow the mail
        if self._hidden_in:
            self._depth += tag == self._hidden_in
            return
        found = {
            name.lower(): html.unescape(value.strip("\"'"))
            for name, value in _ATTRIBUTE.findall(attributes[:_ATTRIBUTES_READ])
        }
        if tag in _SKIPPED or tag in _RAW or "hidden" in found or _INVISIBLE.search(found.get("style", "")):
            if tag not in _VOID and not attributes.endswith("/"):
                self._hidden_in, self._depth = tag, 1
            return
        if tag == "br" or tag in _BLOCKS:
            self._pieces.append("\n")
        if tag == "li":
            self._pieces.append("- ")
        elif tag in {"td", "th"}:
            self._pieces.append(" ")
        elif tag == "img" and found.get("alt"):
            self._pieces.append(f"[{_SPACE.sub(' ', found['alt'])}]")
        elif tag == "a":
            self._link = (found.get("href", "").strip(), len(self._pieces))

    def close(self, tag: str) -> None:
        if self._hidden_in:
            self._depth -= tag == self._hidden_in
            if self._depth <= 0:
                self._hidden_in = None
            return
        if tag == "a" and self._link:
            address, start = self._link
            text = "".join(self._pieces[start:]).strip()
            if address.lower().startswith(("http://", "https://", "mailto:")) and text not in {
                address,
                address.removeprefix("mailto:"),
            }:
                self._pieces.append(f" ({address})")
            self._link = None
        elif tag in _BLOCKS:
            self._pieces.append("\n")

    def result(self) -> str:
        lines = [_SPACE.sub(" ", line).strip() for line in "".join(self._pieces).split("\n")]
        single_spaced = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
        return "\n".join(single_spaced).strip()
