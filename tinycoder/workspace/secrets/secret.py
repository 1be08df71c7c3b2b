"""A secret that stands in a text: what kind it is, and where. Knows no text, and never holds what it found."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int]  # characters, from and up to


@dataclass(frozen=True)
class Secret:
    """Something to hide: ``spans`` (at least one, rising) are its pieces; a private key has one for each line."""

    kind: str
    spans: tuple[Span, ...]

    def moved(self, by: int) -> Secret:
        """The same secret in a text in which it stands ``by`` characters further on."""
        return Secret(self.kind, tuple((start + by, end + by) for start, end in self.spans))
