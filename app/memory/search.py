"""Full-text search over notes: SQLite's FTS5 or PostgreSQL's tsvector, with the same words and meaning."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Select, column, func, literal_column, table
from sqlmodel import col

from app import database
from app.memory.models import Note

_WORD = re.compile(r"[^\W_]+")
# Scripts written without spaces: their runs are indexed as overlapping pairs.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]+"
)
_FTS5 = table("memory_notes_fts", column("rowid"), column("memory_notes_fts"))  # made by the migration
# Stop words: the very list that PostgreSQL leaves out.
_SILENT = frozenset(
    _WORD.findall(
        """
        i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her
        hers herself it its
        itself they them their theirs themselves what which who whom this that these those am is are was were
        be been being have
        has had having do does did doing a an the and but if or because as until while of at by for with about
        against between
        into through during before after above below to from up down in out on off over under again further
        then once here there
        when where why how all any both each few more most other some such no nor not only own same so than
        too very s t can
        will just don should now
        """
    )
)
_VOICING = "\u3099\u309a"  # Japanese marks that make another letter rather than an accent
_MOST_TERMS = 16
_TITLE_WEIGHT = 3  # a word in the title counts as often as three in the text
_SNIPPET_CHARACTERS = 180


def words_of(title: str, body: str) -> str:
    """The indexed form of a note."""
    return " ".join([*_terms(title)] * _TITLE_WEIGHT + [*_terms(body)])


def terms_of(query: str) -> list[str]:
    """The words of a query, at most 16, each once. Empty if it has none."""
    return list(dict.fromkeys(_terms(query)))[:_MOST_TERMS]


def matching(found: Select[Any], terms: list[str]) -> Select[Any]:
    """The query limited to notes with any term, or a word that begins with one; the best first."""
    if database.current().is_sqlite:
        found = found.join(_FTS5, _FTS5.c.rowid == col(Note.number))
        found = found.where(
            _FTS5.c.memory_notes_fts.op("MATCH")(
                " OR ".join(f'"{term}"{"*" * _is_open(term)}' for term in terms)
            )
        )
        return found.order_by(func.bm25(literal_column("memory_notes_fts")), col(Note.number).desc())
    query = func.to_tsquery("english", " | ".join(f"'{term}'{':*' * _is_open(term)}" for term in terms))
    vector: Any = literal_column("memory_notes.memory_notes_fts")
    return found.where(vector.op("@@")(query)).order_by(
        func.ts_rank(vector, query).desc(), col(Note.number).desc()
    )


def _is_open(term: str) -> bool:
    """Whether a term matches all words that begin with it. Very short terms would match too much."""
    return len(term) > 2


def snippet(body: str, terms: Iterable[str]) -> str:
    """The part of a note with the most terms, on one line."""
    line = " ".join(body.split())
    if len(line) <= _SNIPPET_CHARACTERS:
        return line
    wanted = [term[:-1] if len(term) > 4 else term for term in terms]  # ignore the ending, as the index does
    hits = [at.start() for at in _WORD.finditer(line) if _fits(_plain(at.group()), wanted)]
    start = max(
        hits, key=lambda hit: sum(hit <= other < hit + _SNIPPET_CHARACTERS for other in hits), default=0
    )
    start = max(0, min(start - 20, len(line) - _SNIPPET_CHARACTERS))
    if start:
        start = line.rfind(" ", 0, start + 1) + 1 or start
    end = start + _SNIPPET_CHARACTERS
    if end < len(line):
        end = max(line.rfind(" ", start + 1, end), start + _SNIPPET_CHARACTERS // 2)
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def _fits(word: str, wanted: Iterable[str]) -> bool:
    return any(word.startswith(term) or (not term.isascii() and term in word) for term in wanted)


def _terms(given: str) -> Iterator[str]:
    for word in _WORD.findall(_plain(given)):
        if word in _SILENT:
            continue
        rest = 0
        for run in _UNSPACED.finditer(word):
            if run.start() > rest:
                yield word[rest : run.start()]
            pairs = [run.group()[i : i + 2] for i in range(len(run.group()) - 1)]
            yield from pairs or [run.group()]
            rest = run.end()
        if rest < len(word):
            yield word[rest:]


def _plain(given: str) -> str:
    """Lower case without accents; full-width and joined forms in their plain form."""
    parts = unicodedata.normalize("NFKD", given.casefold())
    return unicodedata.normalize(
        "NFKC", "".join(c for c in parts if not unicodedata.combining(c) or c in _VOICING)
    )
