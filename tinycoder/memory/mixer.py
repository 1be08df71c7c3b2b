"""One distribution from the transformer and the memory, with weights that learn from every token that was typed.

Two steps. First the levels of the memory are laid over the model's distribution, from short contexts to long ones:
``p <- (1 - w) p + w counts / total``, where the weight ``w`` is a logistic function of what is known about the level:
tier and order, how often it was seen and how much those agree, how confident the model is, and how likely the level's
favourite is already. A level that is new with a short context escapes to what lies below it, as in PPM (Cleary and
Witten 1984), but the escape is learnt, not fixed. Then the outcome and the model's own distribution are multiplied with
learnt exponents, as in the logistic mixing of PAQ (Mahoney 2005). All weights follow the gradient of the code length
(Adagrad, Duchi et al. 2011).
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated

import numpy as np

from tinycoder.errors import CheckpointError
from tinycoder.memory.ngrams import ORDERS, NgramMatch
from tinycoder.transformer.layers import Array
from tinycoder.validate import Range, read

N_SOURCES, N_TOTALS, N_KINDS, N_AGREE, N_CONFIDENCE, N_LIKELY = 3, 8, 4, 3, 10, 6
RATE = 0.15  # of Adagrad
POWER_RATE = 0.03  # of the exponents: each of them moves the whole distribution
CAUTION = 5.0  # squared gradients that count as seen before the first one
MIN_PROBABILITY = 1e-9  # probability of what nobody expects
MIN_SCALE = 1e-6  # by which a distribution is multiplied later rather than now
MAX_WEIGHT = 1e9  # of a weight or a sum that is read back
_Weight = Annotated[float, Range(-MAX_WEIGHT, MAX_WEIGHT)]
FORMAT = 2

_ORDER_AT = {order: i for i, order in enumerate(ORDERS)}
_SHAPES = {  # tables of weights, by what chooses a weight
    "order": (N_SOURCES, len(ORDERS), 4),
    "counts": (N_SOURCES, N_TOTALS, N_AGREE, N_KINDS),
    "model": (N_SOURCES, 2, N_AGREE, N_CONFIDENCE),
    "likely": (N_SOURCES, N_AGREE, 2, N_LIKELY),
    "power": (len(ORDERS) + 1, N_CONFIDENCE, 2),
}
_N = {name: math.prod(shape) for name, shape in _SHAPES.items()}
_START = dict(zip(_N, np.cumsum([0, *_N.values()]).tolist(), strict=False))


@dataclass(frozen=True)
class Mixture:
    """A distribution ``p`` (V,) and what it was made of, so that the mixer can learn from what came."""

    p: Array
    base: Array
    interpolated: Array
    matches: Sequence[NgramMatch]
    rows: Sequence[tuple[int, ...]]
    match_weights: Sequence[float]
    power_at: int


class Mixer:
    """The weights; ``weights`` and ``steps`` (n,) are their values and their sums of squared gradients.

    ``n_learnt`` says how often they have changed.
    """

    def __init__(self, weights: Array | None = None, steps: Array | None = None) -> None:
        self.weights: list[float] = (default_weights() if weights is None else weights).tolist()
        self.n_learnt = 0
        self.steps: list[float] = (np.full(n_weights(), CAUTION) if steps is None else steps).tolist()

    def mix(self, base: Array, matches: Sequence[NgramMatch]) -> Mixture:
        """Lay ``matches`` over the distribution ``base`` (V,)."""
        weights = self.weights
        matches = sorted(matches, key=lambda match: (match.order, match.source))
        confidence = min(N_CONFIDENCE - 1, int(float(base.max()) * N_CONFIDENCE))
        interpolated = base.astype(np.float32, copy=True)
        scale = 1.0  # of ``interpolated``: a level touches its own ids only, and all are scaled at the end
        rows, match_weights = [], []
        for match in matches:
            row = _row(match, interpolated, scale, confidence)
            share = _logistic(weights[row[0]] + weights[row[1]] + weights[row[2]] + weights[row[3]])
            scale *= 1 - share
            if scale < MIN_SCALE:
                interpolated *= scale
                scale = 1.0
            interpolated[match.ids] += share / (match.total * scale) * match.counts
            rows.append(row)
            match_weights.append(share)
        interpolated *= scale
        longest = _ORDER_AT[matches[-1].order] + 1 if matches else 0
        at = _START["power"] + (longest * N_CONFIDENCE + confidence) * 2
        p = interpolated
        if matches:
            z = weights[at] * np.log(base + MIN_PROBABILITY) + (1 + weights[at + 1]) * np.log(
                interpolated + MIN_PROBABILITY
            )
            z -= z.max()
            p = np.exp(z, out=z)
            p *= 1 / p.sum()
        return Mixture(p, base, interpolated, matches, rows, match_weights, at)

    def learn(self, mixture: Mixture, token: int) -> None:
        """Move the weights so that ``token`` would have been more likely."""
        if not mixture.matches:
            return
        self.n_learnt += 1
        before = [float(mixture.base[token])]
        said = []
        for match, share in zip(mixture.matches, mixture.match_weights, strict=True):
            found = np.flatnonzero(match.ids == token)
            said.append(float(match.counts[found[0]]) / match.total if len(found) else 0.0)
            before.append((1 - share) * before[-1] + share * said[-1])
        slope = 1 / max(before[-1], MIN_PROBABILITY)
        for row, share, ours, theirs in zip(
            reversed(mixture.rows), reversed(mixture.match_weights), reversed(said), reversed(before[:-1]), strict=True
        ):
            self._step(row, slope * (ours - theirs) * share * (1 - share))
            slope *= 1 - share
        for i, part in enumerate((mixture.base, mixture.interpolated)):
            logs = np.log(part + MIN_PROBABILITY)
            self._step((mixture.power_at + i,), float(logs[token]) - float(mixture.p @ logs), rate=POWER_RATE)

    def _step(self, row: Sequence[int], gradient: float, *, rate: float = RATE) -> None:
        # The gradient is not cut: rare surprises are steep, and without them the exponents grow too sure.
        for i in row:
            self.steps[i] += gradient * gradient
            self.weights[i] += rate * gradient / math.sqrt(self.steps[i])


def n_weights() -> int:
    """How many weights a mixer has."""
    return sum(_N.values())


@cache
def default_weights() -> Array:
    """The weights to begin with, learnt on other repositories (``benchmarks/fit.py``)."""
    text = resources.files("tinycoder.memory").joinpath("mixer.json").read_text("utf-8")
    tables = json.loads(text)
    return np.concatenate([np.zeros(n) + np.array(tables.get(name, 0.0)) for name, n in _N.items()])


def to_tables(mixer: Mixer) -> dict[str, object]:
    """A mixer as plain data."""
    return {
        "format": FORMAT,
        **{name: [round(w, 3) for w in mixer.weights[s : s + _N[name]]] for name, s in _START.items()},
        "steps": [round(step, 3) for step in mixer.steps],
    }


def from_tables(data: object) -> Mixer:
    """The mixer that ``to_tables`` described. Raises ``CheckpointError`` for anything else."""
    try:
        tables = read(dict[str, int | tuple[_Weight, ...]], data)
        weights = np.concatenate([np.array(tables[name], np.float64).reshape(n) for name, n in _N.items()])
        steps = np.array(tables["steps"], np.float64).reshape(n_weights())
        if tables["format"] != FORMAT or not (steps > 0).all():
            raise ValueError("another format, or a sum of squares that is not above 0")
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"the mixture's weights cannot be read ({error}); they are learnt again") from None
    return Mixer(weights, steps)


def _row(match: NgramMatch, interpolated: Array, scale: float, confidence: int) -> tuple[int, ...]:
    """Where the weights of a level are in the tables; the distribution so far is ``scale`` times ``interpolated``."""
    best = int(match.counts.argmax())
    most, total = float(match.counts[best]), match.total
    agree = 2 if most == total else 1 if most * 2 > total else 0
    n = min(N_TOTALS - 1, int(math.log2(total)))
    kinds = min(N_KINDS, len(match.ids)) - 1
    likely = min(N_LIKELY - 1, int(-1.5 * math.log10(scale * float(interpolated[match.ids[best]]) + MIN_PROBABILITY)))
    source, order = match.source, _ORDER_AT[match.order]
    return (
        _START["order"] + (source * len(ORDERS) + order) * 4 + min(n, 3),
        _START["counts"] + ((source * N_TOTALS + n) * N_AGREE + agree) * N_KINDS + kinds,
        _START["model"] + ((source * 2 + (match.order >= 4)) * N_AGREE + agree) * N_CONFIDENCE + confidence,
        _START["likely"] + ((source * N_AGREE + agree) * 2 + (n > 0)) * N_LIKELY + likely,
    )


def _logistic(z: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))
