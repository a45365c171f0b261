"""The part of Gmail's search language that people and the tools use.

Words, "phrases", `operator:value`, `-term`, `OR`, `( )`, `{ }`. Adjacent terms must all match; `OR`
joins its two neighbours. https://support.google.com/mail/answer/7190
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Mail = Mapping[str, Any]  # the search index of a message
Match = Callable[[Mail], bool]

_TOKEN = re.compile(r'\s*(-?)(?:([(){}])|(?:([A-Za-z0-9_]+):)?(?:"([^"]*)"?|\(([^()]*)\)|([^\s(){}"]+)))')
_SIZE = re.compile(r"(\d+)([kKmM]?)$")
_AGE = re.compile(r"(\d+)([dmy])$")
_DAYS = {"d": 1, "m": 30, "y": 365}
_PACIFIC = timedelta(hours=8)  # written dates are midnight Pacific time; winter time is near enough here
_PLACES = {
    "inbox": "INBOX",
    "sent": "SENT",
    "spam": "SPAM",
    "trash": "TRASH",
    "drafts": "DRAFT",
    "draft": "DRAFT",
}
_STATES = {"unread": "UNREAD", "starred": "STARRED", "important": "IMPORTANT"}


def matcher(query: str, now: datetime, labels: Mapping[str, str]) -> Match:
    """A predicate for the query. `labels` maps lower-case label names to ids."""
    return _Query(query, now, labels).everything()


def names_spam_or_trash(query: str) -> bool:
    """Whether the query names Spam or Trash, which are hidden otherwise."""
    return bool(re.search(r"\b(in|label|is):\"?(anywhere|spam|trash)\b", query, re.IGNORECASE))


def words_of(text: str) -> list[str]:
    """A text as the words a search compares."""
    return re.findall(r"\w+", text.lower())


class _Query:
    def __init__(self, query: str, now: datetime, labels: Mapping[str, str]) -> None:
        self.tokens = [found.groups() for found in _TOKEN.finditer(query) if found.group().strip()]
        self.at = 0
        self.now = now
        self.labels = labels

    def everything(self) -> Match:
        """All terms, also after an unmatched bracket."""
        matches = [self.terms(None)]
        while self.at < len(self.tokens):
            self.at += 1
            matches.append(self.terms(None))
        return _all(matches)

    def terms(self, closing: str | None) -> Match:
        """Terms up to the closing bracket."""
        groups: list[list[Match]] = []
        joined = False
        while self.at < len(self.tokens):
            minus, bracket, operator, phrase, inner, word = self.tokens[self.at]
            if bracket and bracket in ")}":
                self.at += bracket == closing
                break
            self.at += 1
            if word == "OR" and not operator:
                joined = True
                continue
            match = (
                self.terms(")" if bracket == "(" else "}")
                if bracket
                else self.term(operator, phrase, inner, word)
            )
            match = _not(match) if minus else match
            if joined and groups:
                groups[-1].append(match)
            else:
                groups.append([match])
            joined = False
        alternatives = [_any(group) for group in groups]
        return (_any if closing == "}" else _all)(alternatives)

    def term(self, operator: str | None, phrase: str | None, inner: str | None, word: str | None) -> Match:
        """One word, phrase or `operator:value`."""
        value = next(v for v in (phrase, inner, word, "") if v is not None)
        if operator is None:
            if inner is not None:
                return matcher(inner, self.now, self.labels)
            return _holds("text", value, exact=phrase is not None)
        if inner is not None:
            alternatives = [self.term(operator, None, None, part) for part in inner.split() if part != "OR"]
            return (_any if " OR " in inner else _all)(alternatives)
        known = getattr(self, f"_{operator.lower()}", None) if operator.lower() in _OPERATORS else None
        if known is None:
            return _holds("text", f"{operator}:{value}", exact=True)
        match: Match = known(value)
        return match

    def _from(self, value: str) -> Match:
        return _holds("from", value, exact=True)

    def _to(self, value: str) -> Match:
        return _holds("to", value, exact=True)

    def _cc(self, value: str) -> Match:
        return _holds("cc", value, exact=True)

    def _subject(self, value: str) -> Match:
        return _holds("subject", value, exact=" " in value)

    def _filename(self, value: str) -> Match:
        wanted = value.lower()
        return lambda mail: any(
            wanted in words_of(name) or name.lower() == wanted for name in mail["filenames"]
        )

    def _has(self, value: str) -> Match:
        return (lambda mail: bool(mail["filenames"])) if value.lower() == "attachment" else _nothing

    def _label(self, value: str) -> Match:
        wanted = self.labels.get(value.lower().replace(" ", "-"), value.upper())
        return lambda mail: wanted in mail["labelIds"]

    def _in(self, value: str) -> Match:
        if value.lower() == "anywhere":
            return _everything
        return self._label(_PLACES.get(value.lower(), value))

    def _is(self, value: str) -> Match:
        if value.lower() == "read":
            return lambda mail: "UNREAD" not in mail["labelIds"]
        return self._label(_STATES.get(value.lower(), value))

    def _after(self, value: str) -> Match:
        moment = _moment(value)
        return _nothing if moment is None else lambda mail: int(mail["internalDate"]) / 1000 >= moment

    def _before(self, value: str) -> Match:
        moment = _moment(value)
        return _nothing if moment is None else lambda mail: int(mail["internalDate"]) / 1000 < moment

    def _newer_than(self, value: str) -> Match:
        moment = self._ago(value)
        return _nothing if moment is None else lambda mail: int(mail["internalDate"]) / 1000 >= moment

    def _older_than(self, value: str) -> Match:
        moment = self._ago(value)
        return _nothing if moment is None else lambda mail: int(mail["internalDate"]) / 1000 < moment

    def _larger(self, value: str) -> Match:
        size = _bytes(value)
        return _nothing if size is None else lambda mail: bool(mail["size"] > size)

    def _smaller(self, value: str) -> Match:
        size = _bytes(value)
        return _nothing if size is None else lambda mail: bool(mail["size"] < size)

    def _rfc822msgid(self, value: str) -> Match:
        return lambda mail: mail["message_id"].strip("<>") == value.strip("<>")

    def _ago(self, value: str) -> float | None:
        found = _AGE.match(value)
        return (self.now - timedelta(days=int(found[1]) * _DAYS[found[2]])).timestamp() if found else None


_OPERATORS = {
    *("from", "to", "cc", "subject", "filename", "has", "label", "in", "is", "after", "before"),
    *("newer_than", "older_than", "larger", "smaller", "rfc822msgid"),
}


def _holds(field: str, value: str, *, exact: bool) -> Match:
    """The words of `value` in sequence. A single word also matches its plural, as at Gmail."""
    wanted = words_of(value)

    def match(mail: Mail) -> bool:
        words = mail["words"][field]
        if not exact and len(wanted) == 1:
            return wanted[0] in words or wanted[0] + "s" in words
        return any(words[n : n + len(wanted)] == wanted for n in range(len(words) - len(wanted) + 1))

    return match


def _moment(value: str) -> float | None:
    """`2026/11/01` or `2026-11-01` at midnight Pacific time, or epoch seconds."""
    if re.fullmatch(r"\d{7,}", value):
        return float(value)
    try:
        day = datetime.strptime(value.replace("-", "/"), "%Y/%m/%d")
    except ValueError:
        return None
    return (day.replace(tzinfo=UTC) + _PACIFIC).timestamp()


def _bytes(value: str) -> int | None:
    found = _SIZE.match(value)
    return int(found[1]) * {"": 1, "k": 1024, "m": 1024 * 1024}[found[2].lower()] if found else None


def _all(matches: list[Match]) -> Match:
    return lambda mail: all(match(mail) for match in matches)


def _any(matches: list[Match]) -> Match:
    return lambda mail: any(match(mail) for match in matches)


def _not(match: Match) -> Match:
    return lambda mail: not match(mail)


def _everything(_mail: Mail) -> bool:
    return True


def _nothing(_mail: Mail) -> bool:
    return False
