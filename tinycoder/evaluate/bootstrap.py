"""Whether a difference between two completers is more than chance: paired bootstrap over files (Efron 1979)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinycoder.evaluate.quality import Outcomes
from tinycoder.transformer.layers import Array

N_RESAMPLED = 2_000
MIN_FILES = 3  # fewer say nothing about others

Sums = Mapping[str, tuple[float, float]]  # of each file: a sum, and what it is divided by


@dataclass(frozen=True, kw_only=True)
class Difference:
    """From the first completer's figure, and where 95% of the resampled differences lie; None for a few files."""

    value: float
    low: float | None
    high: float | None


def bootstrap(outcomes: Outcomes, first: Outcomes, *, seed: int) -> dict[str, Difference]:
    """This completer's figures less the first one's, by measure; both were asked the same."""
    ours, theirs = _sums(outcomes), _sums(first)
    return {name: _difference(ours[name], theirs[name], seed) for name in ours if ours[name]}


def _sums(outcomes: Outcomes) -> dict[str, Sums]:
    words = [word for word in outcomes.words if word.typed == 1 and word.kind != "binding"]
    parts: dict[str, list[tuple[str, float, float]]] = {
        "first k=1": [(word.path, word.rank == 1, 1) for word in words],
        "exact": [(line.path, line.exact, 1) for line in outcomes.lines],
        "best keys": [(typed.path, typed.users["best"].keys, typed.n_characters) for typed in outcomes.stretches],
    }
    sums: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in parts}
    for name, rows in parts.items():
        for path, part, whole in rows:
            before = sums[name].get(path, (0.0, 0.0))
            sums[name][path] = (before[0] + part, before[1] + whole)
    return {**sums}


def _difference(ours: Sums, theirs: Sums, seed: int) -> Difference:
    paths = sorted(ours)
    a, b = (np.array([sums[path] for path in paths], float) for sums in (ours, theirs))  # (files, 2)
    value = round(float(_ratios(a.sum(0)) - _ratios(b.sum(0))), 4)
    if len(paths) < MIN_FILES:
        return Difference(value=value, low=None, high=None)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(paths), np.full(len(paths), 1 / len(paths)), N_RESAMPLED)
    low, high = np.quantile(_ratios(times @ a) - _ratios(times @ b), [0.025, 0.975])
    return Difference(value=value, low=round(float(low), 4), high=round(float(high), 4))


def _ratios(sums: Array) -> Array:  # (..., 2) -> (...)
    ratios: Array = sums[..., 0] / sums[..., 1]
    return ratios
