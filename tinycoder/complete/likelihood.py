"""The probability of each of some given names at the cursor.

The names are tokenized as in training and form a trie of ids. The search follows only likely branches, all branches of
one depth in one step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinycoder.complete.healing import Healer
from tinycoder.complete.predict import PredictionCache
from tinycoder.transformer.decode import Ids, Poll
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer

MAX_DEPTH = 7  # tokens of a name that the model scores
WIDTH = 6  # branches that are followed in a step
MIN_BRANCH = 1e-4  # probability of a branch that is followed
MIN_SHARE = 0.01  # of the likeliest name's probability so far, for a branch that is followed
ENDS = 0.5  # guessed probability that a name ends at its end
GOES_ON = 0.1  # guessed probability of each further token
MAX_SPELLINGS = 10_000  # that are kept


class Speller:
    """Tokenizes names after prefix bytes; keeps the results."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[tuple[str, str], Ids] = {}

    def spell(self, prefix_bytes: bytes, typed: str, names: Iterable[str]) -> list[Ids]:
        """The ids of each name from the first prefix byte on; all names begin with ``typed``."""
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
    """A branch of the trie: the ids up to it, and the numbers of the names that end at it or continue below it."""

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
    joint = np.zeros(len(spelled))
    live = [_extended((), 1.0, range(len(spelled)), spelled)]
    for _ in range(MAX_DEPTH):
        best = float(joint.max(initial=0.0))
        live.sort(key=lambda node: -node.probability)
        chosen = [node for node in live if node.probability > max(MIN_BRANCH, MIN_SHARE * best)][:WIDTH]
        for node in live:
            if node not in chosen:
                _guess(node, spelled, joint)
        if not chosen:
            return joint
        live = []
        for node, p in zip(chosen, predictions.after([node.ids for node in chosen], poll), strict=True):
            for number in node.ends:
                mask = followed_by[number]
                joint[number] = node.probability * float(p @ (healer.ends_word if mask is None else mask))
            for token, numbers in node.below.items():
                live.append(_extended((*node.ids, token), node.probability * float(p[token]), numbers, spelled))
    for node in live:
        _guess(node, spelled, joint)
    return joint


def _extended(ids: Ids, probability: float, numbers: Iterable[int], spelled: Sequence[Ids]) -> _Node:
    node, depth = _Node(ids, probability), len(ids)
    for number in numbers:
        rest = spelled[number][depth : depth + 1]
        if rest:
            node.below.setdefault(rest[0], []).append(number)
        else:
            node.ends.append(number)
    return node


def _guess(node: _Node, spelled: Sequence[Ids], joint: Array) -> None:
    """Fill in guesses for the names at and below a branch that is not followed."""
    for number in node.ends:
        joint[number] = node.probability * ENDS
    for numbers in node.below.values():
        for number in numbers:
            joint[number] = node.probability * ENDS * GOES_ON ** (len(spelled[number]) - len(node.ids))
