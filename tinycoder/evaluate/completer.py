"""What is evaluated: anything that answers as the engine does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from tinycoder.complete.candidate import Candidate, Document


class Cost(Protocol):
    """What it cost to say one token of a text that is known: bits, for bytes."""

    @property
    def n_bytes(self) -> int:
        """UTF-8 bytes of the token."""

    @property
    def bits(self) -> float:
        """Minus the logarithm, to the base of 2, of the probability that it was given."""

    @property
    def rank_is_first(self) -> bool:
        """Whether no other token was thought likelier."""


class LineCompleter(Protocol):
    """Continues lines."""

    def inline(
        self, document: Document, offset: int, *, stop: Callable[[], bool], max_tokens: int = 64, n: int = 1
    ) -> list[Candidate]:
        """Continuations at ``offset``, best first."""


class Completer(LineCompleter, Protocol):
    """Continues lines, offers words, follows documents as they change, and predicts a text token by token."""

    def popup(self, document: Document, offset: int, *, stop: Callable[[], bool], limit: int = 10) -> list[Candidate]:
        """Whole words at ``offset``, best first."""

    def observe(self, document: Document) -> None:
        """The document's text is now this."""

    def forget(self, path: str) -> None:
        """The document was closed, and its file does not exist."""

    def costs(self, document: Document, *, stop: Callable[[], bool]) -> Iterator[Cost]:
        """The cost of each token from the top of the document on; nothing if it predicts no tokens."""
