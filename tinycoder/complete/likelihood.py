"""How likely each of some given names is at the cursor: the mixture orders names, and makes none.

The names are spelled in tokens as training would spell them, and lie in a trie of ids; only branches that are likely
are followed, all of one depth in one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinycoder.complete.healing import Healer
from tinycoder.complete.predict import PredictionCache
from tinycoder.transformer.decode import Ids, Poll
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer

MAX_DEPTH = 7  # tokens of a name that are looked at
WIDTH = 6  # branches that are followed in a step
MIN_BRANCH = 1e-4  # probability of a branch that is worth following
MIN_SHARE = 0.01  # of the likeliest name so far
ENDS = 0.5  # probability that a name ends where it was not looked at
GOES_ON = 0.1  # probability of a token that was not looked at
MAX_SPELLINGS = 20_000  # that are remembered


class Speller:
    """The tokens of names behind what is pending; keeps what it spelled."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[tuple[str, str], Ids] = {}

    def spell(self, prefix_bytes: bytes, typed: str, names: Iterable[str]) -> list[Ids]:
        """The ids of each name, which begins with ``typed``, from the first ``prefix_bytes`` byte on."""
        piece = prefix_bytes.decode("utf-8", "ignore")
        lead = piece[: len(piece) - len(typed)] if piece.endswith(typed) else ""
        skip = 0 if piece.endswith(typed) else len(typed) - len(piece)
        names = list(names)
        missing = [name for name in names if (lead, name[skip:]) not in self._known]
        if missing:
            if len(self._known) + len(missing) > MAX_SPELLINGS:
                self._known.clear()
                missing = names
            for name, ids in zip(missing, self._tokenizer.encode_all([lead + n[skip:] for n in missing]), strict=True):
                self._known[lead, name[skip:]] = tuple(ids)
        return [self._known[lead, name[skip:]] for name in names]


@dataclass
class _Node:
    """A branch of the trie: the ids up to it, and the names (their numbers) that end or go on below it."""

    ids: Ids
    probability: float
    ends: list[int] = field(default_factory=list)
    below: dict[int, list[int]] = field(default_factory=dict)


def likelihoods(
    predictions: PredictionCache,
    healer: Healer,
    spelled: Sequence[Ids],
    poll: Poll,
    *,
    followed_by: Sequence[Array | None],
) -> Array:
    """The joint probability of each of the ``spelled`` names and of what follows it, (n,).

    ``followed_by`` are masks (V,) of tokens that may follow each; ``None`` for any that ends a word.
    """
    found = np.zeros(len(spelled))
    live = [_extended((), 1.0, range(len(spelled)), spelled)]
    for _ in range(MAX_DEPTH):
        best = float(found.max(initial=0.0))
        live.sort(key=lambda node: -node.probability)
        chosen = [node for node in live if node.probability > max(MIN_BRANCH, MIN_SHARE * best)][:WIDTH]
        for node in live:
            if node not in chosen:
                _guess(node, spelled, found)
        if not chosen:
            return found
        live = []
        for node, p in zip(chosen, predictions.after([node.ids for node in chosen], poll), strict=True):
            for number in node.ends:
                mask = followed_by[number]
                found[number] = node.probability * float(p @ (healer.ends_word if mask is None else mask))
            for token, numbers in node.below.items():
                live.append(_extended((*node.ids, token), node.probability * float(p[token]), numbers, spelled))
    for node in live:
        _guess(node, spelled, found)
    return found


def _extended(ids: Ids, probability: float, numbers: Iterable[int], spelled: Sequence[Ids]) -> _Node:
    node, depth = _Node(ids, probability), len(ids)
    for number in numbers:
        rest = spelled[number][depth : depth + 1]
        if rest:
            node.below.setdefault(rest[0], []).append(number)
        else:
            node.ends.append(number)
    return node


def _guess(node: _Node, spelled: Sequence[Ids], found: Array) -> None:
    """What names below a branch that is not followed may have."""
    for number in node.ends:
        found[number] = node.probability * ENDS
    for numbers in node.below.values():
        for number in numbers:
            found[number] = node.probability * ENDS * GOES_ON ** (len(spelled[number]) - len(node.ids))
