"""Ghost text that begins with a name: how likely the name is, by the rules of the completion list.

A small model spells names badly. The completion list knows which names exist at the cursor and where they were used
last, and its order is fitted (``ranking.py``). So the first name of a ghost text has the probability that the list
gives it, and the list's first name is written on as a ghost text of its own.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tinycoder.complete.context import CursorContext
from tinycoder.complete.ghost import MIN_PROBABILITY, Ghost
from tinycoder.complete.healing import Healer
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.name import NEEDS_IMPORT
from tinycoder.complete.predict import Predictor
from tinycoder.complete.ranking import Row
from tinycoder.complete.text import is_word_character
from tinycoder.transformer.decode import Poll

MIN_LEAD = 0.1  # probability of a name that is written on


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The names that could come first, best first, each with its probability; ``typed`` is the part that is there."""

    typed: str
    probabilities: dict[str, float]

    def best(self) -> tuple[str, float] | None:
        """The likeliest name that continues what is typed, and its probability."""
        return next(
            ((text, p) for text, p in self.probabilities.items() if text.startswith(self.typed) and text != self.typed),
            None,
        )

    def first_name(self, text: str) -> str | None:
        """The name that a ghost text begins with or completes, as the list writes it; None if that is no name."""
        name = self.typed + "".join(itertools.takewhile(is_word_character, text))
        if not name.isidentifier():
            return None
        after = text[len(name) - len(self.typed) :]
        keyword = f"{name}="
        return keyword if after.startswith("=") and after[1:2] != "=" and keyword in self.probabilities else name

    def judged(self, ghost: Ghost) -> Ghost:
        """The ghost text with the list's probability of its first name in place of the mixture's."""
        name = self.first_name(ghost.text)
        listed = self.probabilities.get(name or "")
        if name is None or listed is None:
            return ghost
        n = len(name) - len(self.typed)
        spelled = next((p for end, p in zip(ghost.ends, ghost.confidences, strict=True) if end >= n), 0.0)
        if not spelled:
            return ghost
        factor = listed / spelled
        return dataclasses.replace(
            ghost,
            confidences=tuple(min(1.0, p * factor) for p in ghost.confidences),
            ended=min(1.0, ghost.ended * factor),
        )


def lead(order: Sequence[tuple[Row, float]], cursor: Cursor, named: float) -> Lead:
    """The list's ``order`` as leads, where a name comes with the probability ``named``.

    What needs an import leads nowhere.
    """
    shares = {row.name.text: share for row, share in order if row.name.group != NEEDS_IMPORT}
    total = sum(shares.values())
    return Lead(typed=cursor.typed, probabilities={text: named * share / total for text, share in shares.items()})


def probability_of_a_name(
    predictor: Predictor, healer: Healer, context: CursorContext, typed: str, poll: Poll
) -> float:
    """The probability that a name comes at the cursor, where ``typed`` is the part of it that is there."""
    if typed:
        return 1.0
    first, prefix = predictor.after(context, (), poll), context.prefix_bytes
    if not prefix:
        return float(first[healer.starts_name(0)].sum())
    ids = healer.allowed(prefix)
    names = healer.starts_name(len(prefix))[ids]
    named = float(first[ids][names].sum())
    for token in ids[~names].tolist():
        if predictor.tokenizer.raw[token] == prefix:
            named += float(first[token]) * float(predictor.after(context, (token,), poll)[healer.starts_name(0)].sum())
    return named / max(float(first[ids].sum()), MIN_PROBABILITY)
