"""The text of a workspace's file without its secrets, or why it is left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Text:
    """One file's contents after secrets were replaced; ``path`` uses forward slashes."""

    path: str
    text: str
    n_bytes: int


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A file or folder (``path`` ends in ``/``, ``n_bytes`` is 0) that is not read, and why."""

    path: str
    reason: str
    n_bytes: int


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """Where a secret of which kind was replaced: a line of a file, counted from 1. Never the secret."""

    path: str
    line: int
    kind: str
