"""What a recipe learns from: texts for training and for validation, and what was left out, and why."""

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


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Training and validation texts never come from one file, but for a corpus of a single file."""

    recipe: str
    train: tuple[Text, ...]
    validation: tuple[Text, ...]
    skipped: tuple[Skipped, ...] = ()
    secrets: tuple[Replaced, ...] = ()

    @property
    def n_secrets(self) -> int:
        """How many secrets were replaced."""
        return len(self.secrets)
