"""The order of the completion list: a logistic regression over the names that match.

Its features are the mixture's probability of a name, where the name was used last and what it is; a small model alone
predicts names badly. ``benchmarks/fit.py`` fits the weights on other repositories.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tinycoder.complete.names import name as group
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.name import Name
from tinycoder.complete.names.position import SELF, Position

MIN_PROBABILITY = 1e-7  # of a name; the mixture may say less
DISTANCES = (0, 2, 5, 10, 20, 50, 9999)  # lines since a name was used; more means outside the file
USES = (0, 1, 2, 4, 8, 20)  # lines of the file that use a name
LEVELS = (-13.0, -9.0, -6.0, -3.0, -1.0)  # of the logarithm of the probability

_OF_ALL = ("object", "type")  # classes whose members every receiver has
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


def ranked(rows: Sequence[Row], cursor: Cursor) -> list[tuple[Row, float]]:
    """The rows with their probabilities among all of them, best first."""
    weights = default_weights()
    scores = [
        weights["log"] * log_probability(row)
        + sum(weights.get(feature, 0.0) for feature in features(row, cursor))
        + _PRIOR.get(row.name.kind, 0.0)
        for row in rows
    ]
    most = max(scores, default=0.0)
    shares = [math.exp(score - most) for score in scores]
    total = sum(shares)
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], rows[i].name.text))
    return [(rows[i], shares[i] / total) for i in order]


def log_probability(row: Row) -> float:
    """The natural logarithm of the row's probability."""
    return math.log(max(row.probability, MIN_PROBABILITY))


def features(row: Row, cursor: Cursor) -> list[str]:
    """The features of a row, as names of weights."""
    name, typed, position = row.name, cursor.typed, cursor.position
    n_typed = min(len(typed), 2)
    distance = bisect_left(DISTANCES, name.distance)
    near = "attribute" if name.group in (group.MEMBER, group.INHERITED, group.SEEN) else "name"
    place, shape = _place(position), _shape(name.word)
    kind = name.kind or type(name.symbol).__name__
    in_function = cursor.scopes.counts_in(cursor.indent)[name.word]
    active = [
        f"group {name.group} {n_typed}",
        f"group {name.group} in {place}",
        f"distance {distance} {near} {n_typed}",
        f"known {row.in_workspace} {row.in_file} {name.group in (group.SEEN, group.NEW, group.USED)}",
        f"shape {shape} {place}",
        f"kind {kind} {place}",
        f"likely {bisect_left(LEVELS, log_probability(row))} {n_typed}",
        f"uses {bisect_left(USES, cursor.scopes.counts[name.word])} {near} {n_typed}",
        f"uses {bisect_left(USES, cursor.scopes.counts[name.word])} {name.group}",
        f"in function {bisect_left(USES, in_function)} {name.group}",
    ]
    if name.is_passing:
        active.append(f"passing {row.whole}")
    if name.echo:
        active.append(f"echo {name.echo} {n_typed}")
    if name.group in (group.IMPORTED, group.MODULE):
        active.append(f"imports {bisect_left(USES, name.n_imports)} {n_typed}")
    if near == "attribute":
        active.append(f"object {name.owner in _OF_ALL} {n_typed}")
        active.append(f"kind {kind} of {position.receiver if position.receiver in SELF else 'other'}")
    if name.depth:
        active.append(f"depth {min(name.depth, 3)}")
    if near == "attribute" and name.text == cursor.function:
        active.append(f"same as the function {position.receiver == 'super()'}")
    if n_typed:
        active.append(f"case {name.word.startswith(typed)}")
        active.append(f"letters {min(len(typed), 4)} {name.group == group.NEEDS_IMPORT}")
    if row.whole:
        active += ["whole", f"whole {min(len(typed), 6)}", f"whole {name.group}"]
    return active


def _place(position: Position) -> str:
    if position.annotation:
        return "annotation"
    if position.statement in _MARKED:
        return f"{position.kind} {position.statement}"
    return "call" if position.call is not None else position.kind


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
