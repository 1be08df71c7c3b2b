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
class Candidate:
    """Text to put in place of ``text[start:end]`` of the document, how likely it is, and where it came from."""

    text: str
    start: int
    end: int
    probability: float
    source: str
