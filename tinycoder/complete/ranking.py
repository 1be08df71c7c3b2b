"""The order of the popup: how likely the model and the memory find a word, and what is known about it as a name.

A logistic regression over the words on offer (``benchmarks/fit.py`` learns it from other repositories): small models
say little about names, where they were used last says much. Knows words and probabilities, no tokens.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tinycoder.complete.names.names import Name

LEAST = 1e-5  # probability of a word that the search did not find
DISTANCES = (0, 2, 5, 10, 20, 50, 9999)  # lines since a name was used; more is outside the file
ORIGINS = ("line", "def", "class", "parameter", "builtin", "keyword", "import")
MOST_NAMES = 30  # of those that were not found otherwise


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word on offer: its probability by the search, the name that it is, and whether workspace and file have it."""

    text: str
    probability: float
    name: Name | None
    in_workspace: bool
    in_file: bool


def words_on_offer(
    found: Mapping[str, float],
    names: Iterable[Name],
    typed: str,
    *,
    in_workspace: Callable[[str], bool],
    in_file: Callable[[str], bool],
) -> list[Word]:
    """The words of a search and the names that begin with ``typed``, each once."""
    fitting = {name.text: name for name in names if name.text.startswith(typed) and name.text != typed}
    texts = [*found, *[text for text in list(fitting)[:MOST_NAMES] if text not in found]]
    return [
        Word(
            text=text,
            probability=found.get(text, 0.0),
            name=fitting.get(text),
            in_workspace=in_workspace(text),
            in_file=in_file(text),
        )
        for text in texts
    ]


def is_known(word: Word) -> bool:
    """Whether the word is a name that fits, or stands in the file or the workspace."""
    return word.name is not None or word.in_workspace or word.in_file


def ranked(words: Sequence[Word], *, begun: bool) -> list[tuple[Word, float]]:
    """The words with their probabilities among all of them, best first; ``begun`` when letters are typed already."""
    weights = default_weights()
    scores = [
        weights["log"] * math.log(max(word.probability, LEAST))
        + sum(weights.get(feature, 0.0) for feature in features(word, begun=begun))
        for word in words
    ]
    most = max(scores, default=0.0)
    shares = [math.exp(score - most) for score in scores]
    total = sum(shares)
    order = sorted(range(len(words)), key=lambda i: (-scores[i], words[i].text))
    return [(words[i], shares[i] / total) for i in order]


def features(word: Word, *, begun: bool) -> list[str]:
    """What is known about a word, as names of weights."""
    name = word.name
    distance = bisect_left(DISTANCES, name.distance) if name else -1
    origin = name.origin.split()[0].rstrip(",") if name else "none"
    if name and origin not in ORIGINS:
        origin = "library"
    return [
        f"found {word.probability > 0}",
        f"distance {distance} {begun}",
        f"origin {origin} {begun}",
        f"known {word.in_workspace} {word.in_file} {name is not None}",
    ]


@cache
def default_weights() -> dict[str, float]:
    """The weights as learnt, by feature; ``log`` is that of the logarithm of the probability."""
    text = resources.files("tinycoder.complete").joinpath("ranking.json").read_text("utf-8")
    return {str(name): float(weight) for name, weight in json.loads(text).items()}
