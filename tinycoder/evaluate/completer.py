"""What is evaluated: anything that answers as the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tinycoder.complete.candidate import Completer, Document
from tinycoder.stop import Stop


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


class PredictingCompleter(Completer, Protocol):
    """Completes documents, and predicts a text token by token."""

    def costs(self, document: Document, *, stop: Stop) -> Iterator[Cost]:
        """The cost of each token from the top of the document on; nothing if it predicts no tokens."""
