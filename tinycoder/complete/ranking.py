"""The order of the completion list: a logistic regression over the names that match.

Its features are the mixture's probability of a name, where the name was used last and what it is; a small model alone
predicts names badly. ``benchmarks/fit.py`` fits the weights on other repositories.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

from tinycoder.complete.names import name as group
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.name import Name
from tinycoder.complete.names.position import SELF, Position

MIN_PROBABILITY = 1e-7  # of a name; the mixture may say less
DISTANCES = (0, 2, 5, 10, 20, 50, 9999)  # lines since a name was used; more means outside the file
USES = (0, 1, 2, 4, 8, 20)  # lines of the file that use a name
MAX_SCORES = 8192  # of traits that are kept
LEVELS = (-13.0, -9.0, -6.0, -3.0, -1.0)  # of the logarithm of the probability

_OF_ALL = ("object", "type")  # classes whose members every receiver has
_MEMBERS = (group.MEMBER, group.INHERITED, group.SEEN)
_PRIOR = {"enum member": 3.0}  # by kind, where there is too little data
_MARKED = frozenset({"raise", "except", "class", "import", "from", "with", "for", "return", "assert", "def", "del"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """A name in the list, the joint probability of its tokens, and whether workspace and file have the word.

    ``whole``: the name is exactly the typed word.
    """

    name: Name
    probability: float
    in_workspace: bool
    in_file: bool
    whole: bool = False


class Traits(NamedTuple):
    """What the features of a row are made of: few values of each, so that most rows of a list share theirs."""

    n_typed: int
    letters: int  # typed
    group: str
    kind: str
    place: str
    near: str
    receiver: str
    shape: str
    distance: int
    likely: int
    uses: int
    in_function: int
    n_imports: int
    depth: int
    echo: str
    of_all: bool
    own: bool  # named like the function around it
    case: bool
    in_workspace: bool
    in_file: bool
    passing: bool
    whole: bool


def ranked(rows: Sequence[Row], cursor: Cursor) -> list[tuple[Row, float]]:
    """The rows with their probabilities among all of them, best first."""
    weight = default_weights()["log"]
    scores = [weight * log_probability(row) + _score(of) for row, of in zip(rows, traits(rows, cursor), strict=True)]
    most = max(scores, default=0.0)
    shares = [math.exp(score - most) for score in scores]
    total = sum(shares)
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], rows[i].name.text))
    return [(rows[i], shares[i] / total) for i in order]


def log_probability(row: Row) -> float:
    """The natural logarithm of the row's probability."""
    return math.log(max(row.probability, MIN_PROBABILITY))


def traits(rows: Sequence[Row], cursor: Cursor) -> Iterator[Traits]:
    """The traits of each row."""
    typed, position, scopes = cursor.typed, cursor.position, cursor.scopes
    n_typed, letters, place = min(len(typed), 2), min(len(typed), 6), _place(position)
    receiver = (
        position.receiver if position.receiver in SELF else ("super" if position.receiver == "super()" else "other")
    )
    counts, in_function, function = scopes.counts, scopes.counts_in(cursor.indent), cursor.function
    for row in rows:
        name = row.name
        word, of = name.word, name.group
        yield Traits(  # in the order of the fields: by name it takes twice as long
            n_typed,
            letters,
            of,
            name.kind or type(name.symbol).__name__,
            place,
            "attribute" if of in _MEMBERS else "name",
            receiver,
            _shape(word),
            bisect_left(DISTANCES, name.distance),
            bisect_left(LEVELS, log_probability(row)),
            bisect_left(USES, counts[word]),
            bisect_left(USES, in_function[word]),
            bisect_left(USES, name.n_imports),
            min(name.depth, 3),
            name.echo,
            name.owner in _OF_ALL,
            name.text == function,
            word.startswith(typed),
            row.in_workspace,
            row.in_file,
            name.is_passing,
            row.whole,
        )


@lru_cache(maxsize=MAX_SCORES)
def _score(of: Traits) -> float:
    weights = default_weights()
    return sum(weights.get(feature, 0.0) for feature in features(of)) + _PRIOR.get(of.kind, 0.0)


def features(of: Traits) -> list[str]:
    """The features of a row, as names of weights."""
    n_typed, place, near = of.n_typed, of.place, of.near
    active = [
        f"group {of.group} {n_typed}",
        f"group {of.group} in {place}",
        f"distance {of.distance} {near} {n_typed}",
        f"known {of.in_workspace} {of.in_file} {of.group in (group.SEEN, group.NEW, group.USED)}",
        f"shape {of.shape} {place}",
        f"kind {of.kind} {place}",
        f"likely {of.likely} {n_typed}",
        f"uses {of.uses} {near} {n_typed}",
        f"uses {of.uses} {of.group}",
        f"in function {of.in_function} {of.group}",
    ]
    if of.passing:
        active.append(f"passing {of.whole}")
    if of.echo:
        active.append(f"echo {of.echo} {n_typed}")
    if of.group in (group.IMPORTED, group.MODULE):
        active.append(f"imports {of.n_imports} {n_typed}")
    if near == "attribute":
        active.append(f"object {of.of_all} {n_typed}")
        active.append(f"kind {of.kind} of {'other' if of.receiver == 'super' else of.receiver}")
    if of.depth:
        active.append(f"depth {of.depth}")
    if near == "attribute" and of.own:
        active.append(f"same as the function {of.receiver == 'super'}")
    if n_typed:
        active.append(f"case {of.case}")
        active.append(f"letters {min(of.letters, 4)} {of.group == group.NEEDS_IMPORT}")
    if of.whole:
        active += ["whole", f"whole {of.letters}", f"whole {of.group}"]
    return active


def _place(position: Position) -> str:
    if position.annotation:
        return "annotation"
    if position.statement in _MARKED:
        return f"{position.kind} {position.statement}"
    return "call" if position.call is not None else position.kind


@lru_cache(maxsize=MAX_SCORES)
def _shape(word: str) -> str:
    if word.endswith(("Error", "Exception", "Warning")):
        return "error"
    if word.startswith("__"):
        return "dunder"
    if word.startswith("_"):
        return "private"
    if word[:1].isupper():
        return "constant" if word.isupper() and len(word) > 1 else "class"
    return "plain"


@cache
def default_weights() -> dict[str, float]:
    """The fitted weights by feature; ``log`` is the weight of the logarithm of the probability."""
    text = resources.files("tinycoder.complete").joinpath("ranking.json").read_text("utf-8")
    return {str(name): float(weight) for name, weight in json.loads(text).items()}
