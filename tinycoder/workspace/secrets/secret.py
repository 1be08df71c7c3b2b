"""The position and kind of a secret in a text, never the secret itself."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int]  # characters, from and up to


@dataclass(frozen=True)
class Secret:
    """A secret of one or more pieces at the rising ``spans``; a private key has one for each line."""

    kind: str
    spans: tuple[Span, ...]

    def moved(self, by: int) -> Secret:
        """The same secret ``by`` characters further on."""
        return Secret(self.kind, tuple((start + by, end + by) for start, end in self.spans))
