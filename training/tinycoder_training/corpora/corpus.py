"""What a recipe learns from: texts for training and for validation, and what was left out, and why."""

from __future__ import annotations

from dataclasses import dataclass

from tinycoder.workspace.text import Replaced, Skipped, Text


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
