"""The weights of the completion list's order, learnt from names that an author wrote.

A conditional logit (McFadden 1974): the probability of a row among all that match is the softmax of the sums of its
weights. What is typed already is a row too, so that the list knows when the word is whole.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.complete.names.name import NEW
from tinycoder.complete.ranking import features, log_probability, traits
from tinycoder.evaluate.cursors import survey
from tinycoder.transformer.layers import Array

N_TYPED = 3  # lists that are reported: before the first character, and after 1 and 2
MAX_TYPED = 12  # characters of a name that are typed one by one
WHOLE = -1  # for all characters
SHORTEST = 2  # characters of a name that is asked for
OPENED = 200  # characters of a file in which nothing is asked
LOG = "log"  # the weight of the logarithm of a probability
PADDING = ""  # for no feature
MAX_FEATURES = 20  # of a row
SEARCH_ALONE = {LOG: 1.0}  # weights of the order without what is known of names
EPOCHS = 20
BATCH = 32  # popups
RATE = 0.1  # of Adagrad
DECAY = 3e-3  # of a weight's square, for each popup


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A list after ``typed`` characters: the rows in alphabetical order, and which the author wrote.

    ``logs`` (n,) are logarithms of their probabilities, ``rows`` (n) their features. ``right`` is None if the author's
    word is not among them. ``whole`` is the row of what is typed, ``place`` what can come there.
    """

    typed: int
    logs: Array
    rows: Sequence[Sequence[str]]
    right: int | None
    whole: int | None = None
    exists: bool = False  # what is typed is a name that exists
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Rank:
    """How many words are above the author's in a popup after ``typed`` characters; infinite if it is not there."""

    typed: int
    above: float


def collect(engine: Engine, documents: Sequence[Document], n: int, *, seed: int) -> list[Choice]:
    """The popups at ``n`` names of the documents, each of which is open alone, up to the cursor."""
    texts = {document.path: document.text for document in documents}
    names = [(path, start, end) for path, text in texts.items() for start, end in _names(path, text)]
    chosen = sorted(random.Random(f"names {seed}").sample(sorted(names), min(n, len(names))))
    found = []
    for path, some in groupby(chosen, lambda name: name[0]):
        for _, start, end in some:
            written = texts[path][start:end]
            for typed in range(min(MAX_TYPED, len(written)) + 1):
                shown = Document(path=path, text=texts[path][: start + typed])
                found.append(_choice(engine, shown, typed, written))
        engine.forget(path)
    return found


def fit(choices: Sequence[Choice]) -> dict[str, float]:
    """The weights by feature, and ``LOG``, under which the author's words are likeliest."""
    choices = [choice for choice in choices if choice.right is not None]
    numbers: dict[str, int] = {LOG: 0, PADDING: 1}
    table = [_numbered(choice, numbers) for choice in choices]
    weights = np.zeros(len(numbers))
    weights[0] = SEARCH_ALONE[LOG]
    seen = np.ones(len(numbers))
    order = np.arange(len(choices))
    rng = np.random.default_rng(0)
    for _ in range(EPOCHS):
        rng.shuffle(order)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            gradient = _gradient(weights, [choices[i] for i in batch], [table[i] for i in batch])
            gradient -= DECAY * len(batch) * weights
            seen += gradient * gradient
            weights += RATE * gradient / np.sqrt(seen)
    return {feature: float(weights[i]) for feature, i in numbers.items() if feature != PADDING}


def ranks(choices: Sequence[Choice], weights: Mapping[str, float]) -> list[Rank]:
    """Ranks of the author's words, with these weights by feature."""
    return [Rank(typed=choice.typed, above=_above(choice, weights)) for choice in choices]


def shares(ranks: Sequence[Rank]) -> list[tuple[float, float, int]]:
    """After 0, 1, … characters: how often the author's word is first, and among five; of how many."""
    found = []
    for typed in range(N_TYPED):
        some = [rank.above for rank in ranks if rank.typed == typed]
        n = len(some)
        found.append((sum(above < 1 for above in some) / max(1, n), sum(above < 5 for above in some) / max(1, n), n))
    return found


def wholeness(choices: Sequence[Choice], weights: Mapping[str, float]) -> tuple[Array, Array]:
    """How probable it is that what is typed is the whole word, where it exists: where it is, and where it is not."""
    found: tuple[list[float], list[float]] = ([], [])
    for choice in choices:
        if choice.whole is not None and choice.exists:
            scores = _scores(choice, weights)
            p = np.exp(scores - scores.max())
            found[choice.right != choice.whole].append(float(p[choice.whole] / p.sum()))
    return np.array(found[0]), np.array(found[1])


def _names(path: str, text: str) -> list[tuple[int, int]]:
    """Where the names and keywords of a text start and end."""
    found = survey(Document(path=path, text=text))
    ends = {start: at + 1 for at, start in sorted(found.words.items())}
    return [(start, end) for start, end in ends.items() if end - start >= SHORTEST and start >= OPENED]


def _choice(engine: Engine, shown: Document, typed: int, written: str) -> Choice:
    """The list at the end of what is shown, where ``typed`` characters of the word ``written`` stand."""
    cursor, rows = engine.rows(shown, len(shown.text), stop=lambda: False)
    rows = sorted(rows, key=lambda row: row.name.text)
    words = [row.name.word for row in rows]
    whole = next((i for i, row in enumerate(rows) if row.whole), None)
    right = whole if typed == len(written) else next((i for i, word in enumerate(words) if word == written), None)
    return Choice(
        typed=typed if typed < len(written) else WHOLE,
        logs=np.array([log_probability(row) for row in rows]),
        rows=[features(of) for of in traits(rows, cursor)],
        right=right,
        whole=whole,
        exists=whole is not None and rows[whole].name.group != NEW,
        place=cursor.position.kind,
    )


def _numbered(choice: Choice, numbers: dict[str, int]) -> Array:
    """The features as numbers, (n, MAX_FEATURES), padded with that of no feature; new ones are added to ``numbers``."""
    found = [[numbers.setdefault(feature, len(numbers)) for feature in row] for row in choice.rows]
    return np.array([row + [numbers[PADDING]] * (MAX_FEATURES - len(row)) for row in found])


def _gradient(weights: Array, choices: Sequence[Choice], tables: Sequence[Array]) -> Array:
    """Of the log-likelihood of the author's words, (n weights,)."""
    table, logs = np.concatenate(tables), np.concatenate([choice.logs for choice in choices])
    sizes = [len(choice.logs) for choice in choices]
    starts = np.cumsum([0, *sizes[:-1]])
    z = weights[0] * logs + weights[table].sum(1)
    z = np.exp(z - np.repeat(np.maximum.reduceat(z, starts), sizes))
    missing = -z / np.repeat(np.add.reduceat(z, starts), sizes)
    missing[starts + [choice.right for choice in choices]] += 1
    gradient = np.bincount(table.ravel(), np.repeat(missing, table.shape[1]), len(weights))
    gradient[0], gradient[1] = missing @ logs, 0
    return gradient


def _above(choice: Choice, weights: Mapping[str, float]) -> float:
    """How many words are above the author's, as ``ranking.ranked`` orders them; infinite if it is not there."""
    if choice.right is None:
        return math.inf
    scores = _scores(choice, weights)
    right = scores[choice.right]
    return int((scores > right).sum() + (scores[: choice.right] == right).sum())


def _scores(choice: Choice, weights: Mapping[str, float]) -> Array:
    features = [sum(weights.get(feature, 0.0) for feature in row) for row in choice.rows]
    return np.array(weights[LOG] * choice.logs + features)
