"""What goes into a completion and what comes out of it. Offsets count characters (code points) of the text."""

from __future__ import annotations

from dataclasses import dataclass

FROM_MODEL = "model"  # the source of what no known text says


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text under its path: relative to its workspace, with forward slashes."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Text to put in place of ``text[start:end]`` of the document."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Text to put in place of ``text[start:end]`` of the document, how likely it is, and where it came from.

    ``kind`` is one of ``KINDS``; a callable has a ``signature``. ``replace_end`` is the end of the word that the cursor
    is in. ``edits`` are made elsewhere in the document, to import the name. ``path`` and ``line`` (from 1) say where
    the name is defined.
    """

    text: str
    start: int
    end: int
    probability: float
    source: str
    kind: str = "text"
    signature: str = ""
    replace_end: int | None = None
    edits: tuple[Edit, ...] = ()
    path: str = ""
    line: int = 0


KINDS = (
    *("module", "class", "enum", "function", "method", "property", "field", "enum member"),
    *("variable", "constant", "parameter", "keyword", "text"),
)
