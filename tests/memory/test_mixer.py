"""The mixture: a distribution whatever it is given, and in the long run no worse than the best of what it mixes."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.errors import CheckpointError
from tinycoder.memory.mixer import Mixer, default_weights, from_tables, n_weights, to_tables
from tinycoder.memory.ngrams import HERE, ORDERS, WORKSPACE, NgramMatch
from tinycoder.transformer.layers import Array

V = 64
UNIFORM = np.full(V, 1 / V, np.float32)
LONG_RUN = 2_000  # tokens

BASES = st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1)), min_size=V, max_size=V).filter(any)
LEVELS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(ORDERS),
        st.dictionaries(st.integers(0, V - 1), st.integers(1, 100_000), min_size=1, max_size=6),
    ),
    max_size=6,
)


def match(counts: dict[int, int], *, source: int = WORKSPACE, order: int = 4) -> NgramMatch:
    n = np.array(list(counts.values()), np.float32)
    return NgramMatch(source, order, np.array(list(counts)), n, float(n.sum()))


def normal(base: list[float]) -> Array:
    p = np.array(base, np.float64)
    return (p / p.sum()).astype(np.float32)


@given(base=BASES.map(normal), matches=LEVELS, came=st.lists(st.integers(0, V - 1), max_size=5))
@settings(max_examples=150)
def test_always_a_distribution(base: Array, matches: list[tuple[int, int, dict[int, int]]], came: list[int]) -> None:
    known = [match(counts, source=source, order=order) for source, order, counts in matches]
    mixer = Mixer()
    untouched = base.copy()
    for token in [*came, 0]:
        mixture = mixer.mix(base, known)
        assert mixture.p.shape == (V,)
        assert (mixture.p >= 0).all()  # NaN is not
        assert mixture.p.sum(dtype=np.float64) == pytest.approx(1, abs=1e-4)
        mixer.learn(mixture, token)
    assert np.isfinite(mixer.weights).all()
    np.testing.assert_array_equal(base, untouched)


@given(base=BASES.map(normal), matches=LEVELS, data=st.data())
@settings(max_examples=50)
def test_the_order_of_levels_does_not_matter(
    base: Array, matches: list[tuple[int, int, dict[int, int]]], data: st.DataObject
) -> None:
    unique = {(source, order): match(counts, source=source, order=order) for source, order, counts in matches}
    known = list(unique.values())
    shuffled = data.draw(st.permutations(known))
    np.testing.assert_array_equal(Mixer().mix(base, known).p, Mixer().mix(base, shuffled).p)


def test_without_memory_the_model_is_believed_and_nothing_learnt() -> None:
    mixer = Mixer()
    before = copy.deepcopy((mixer.weights, mixer.steps))
    base = normal(list(range(V)))
    mixture = mixer.mix(base, [])
    np.testing.assert_array_equal(mixture.p, base)
    mixer.learn(mixture, 3)
    assert (mixer.weights, mixer.steps, mixer.n_learnt) == (*before, 0)


def test_learning_makes_what_came_likelier() -> None:
    mixer, known = Mixer(), [match({5: 3, 6: 1}), match({7: 2}, source=HERE, order=8)]
    for token in (5, 6, 7, 50):
        before = mixer.mix(UNIFORM, known)
        mixer.learn(before, token)
        assert mixer.mix(UNIFORM, known).p[token] > before.p[token]
    assert mixer.n_learnt == 4


Step = tuple[Array, list[NgramMatch], int]


def stream(right: list[bool], model_sure: float, seed: int = 0) -> Iterator[Step]:
    """A model's distribution, the memory's counts (3 to 1 for two ids), and the token that came.

    The token is drawn from the counts where the memory is ``right``, and from the model's distribution elsewhere.
    """
    rng = np.random.default_rng(seed)
    for memory_is_right in right:
        ids = rng.permutation(V)
        base = np.full(V, (1 - model_sure) / (V - 8))
        base[ids[:8]] = model_sure * np.array([0.36, 0.24, 0.12, 0.06, 0.06, 0.06, 0.05, 0.05])
        first, second = int(ids[20]), int(ids[21])
        if memory_is_right:
            token = first if rng.random() < 0.75 else second
        else:
            token = int(rng.choice(V, p=base / base.sum()))
        yield base.astype(np.float32), [match({first: 6, second: 2})], token


def bits(steps: list[Step], *, with_model: bool = True) -> list[float]:
    """What each token costs a mixer that learns, with the model or with an even distribution in its place."""
    mixer, costs = Mixer(), []
    for base, known, token in steps:
        mixture = mixer.mix(base if with_model else UNIFORM, known)
        costs.append(-math.log2(float(mixture.p[token])))
        mixer.learn(mixture, token)
    return costs


SIDES = {
    "right": [True] * LONG_RUN,
    "wrong": [False] * LONG_RUN,
    "changes once": [True] * (LONG_RUN // 2) + [False] * (LONG_RUN // 2),
    "changes often": [(t // 100) % 2 == 0 for t in range(LONG_RUN)],
    "mostly wrong": [t % 10 == 0 for t in range(LONG_RUN)],
}


@pytest.mark.parametrize("model_sure", [0.5, 0.95])
@pytest.mark.parametrize("side", SIDES)
def test_never_much_worse_than_the_best_expert(side: str, model_sure: float) -> None:
    steps = list(stream(SIDES[side], model_sure))
    mixed = sum(bits(steps))
    model_alone = sum(-math.log2(float(base[token])) for base, _, token in steps)
    memory_alone = sum(bits(steps, with_model=False))
    assert mixed <= 1.01 * min(model_alone, memory_alone)


@pytest.mark.parametrize("model_sure", [0.5, 0.95])
def test_what_it_costs_to_learn_that_the_memory_is_right(model_sure: float) -> None:
    """An expert that knew from the start to trust the counts is no more than a few dozen bits ahead, and they do not
    grow: 3 % after 2,000 tokens, less than 1 % after 8,000.
    """
    steps = list(stream([True] * 2 * LONG_RUN, model_sure))
    mixed = np.array(bits(steps))
    knowing = np.array([-math.log2(float(k.counts[list(k.ids).index(token)]) / k.total) for _, (k,), token in steps])
    excess = np.cumsum(mixed - knowing)
    assert excess[LONG_RUN - 1] < 0.04 * knowing[:LONG_RUN].sum()
    assert excess[-1] - excess[LONG_RUN - 1] < 0.01 * knowing[LONG_RUN:].sum()


@pytest.mark.parametrize("model_sure", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("right", [0.8, 0.9, 0.97])
def test_what_is_said_comes_true_as_often_as_it_is_said(right: float, model_sure: float) -> None:
    """However sure the model is, also where both experts are wrong now and then, and nobody expects what comes."""
    mixer, rng, said, came = Mixer(), np.random.default_rng(0), [], []
    for _ in range(2 * LONG_RUN):
        ids = rng.permutation(V)
        base = np.full(V, (1 - model_sure) / (V - 1), np.float32)
        base[ids[0]] = model_sure
        token = int(ids[0] if rng.random() < right else ids[1])
        mixture = mixer.mix(base, [match({int(ids[0]): 4})])
        said.append(float(mixture.p[ids[0]]))
        came.append(token == ids[0])
        mixer.learn(mixture, token)
    assert np.mean(said[LONG_RUN:]) == pytest.approx(np.mean(came[LONG_RUN:]), abs=0.01)


def test_a_memory_that_is_always_sure_and_right_is_trusted() -> None:
    mixer, rng = Mixer(), np.random.default_rng(0)
    for _ in range(500):
        token = int(rng.integers(V))
        mixture = mixer.mix(UNIFORM, [match({token: 2})])
        mixer.learn(mixture, token)
    assert mixture.p[token] > 0.97


def test_default_weights() -> None:
    weights = default_weights()
    assert weights.shape == (n_weights(),)
    assert np.isfinite(weights).all()
    assert Mixer().weights == weights.tolist()


def test_a_mixer_that_learns_leaves_the_default_weights_alone() -> None:
    before = default_weights().copy()
    bits(list(stream([True] * 20, 0.5)))
    np.testing.assert_array_equal(default_weights(), before)


def test_tables_there_and_back() -> None:
    mixer = Mixer()
    for base, known, token in stream([True] * 50, 0.5):
        mixer.learn(mixer.mix(base, known), token)
    again = from_tables(to_tables(mixer))
    np.testing.assert_allclose(again.weights, mixer.weights, atol=1e-3)
    np.testing.assert_allclose(again.steps, mixer.steps, atol=1e-3)
    assert to_tables(again) == to_tables(mixer)


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 1},
        {"format": None},
        {"order": [0.0]},
        {"order": None},
        {"counts": "many"},
        {"model": [[1.0], [2.0, 3.0]]},
        {"likely": {"a": 1}},
        {"power": [math.nan] * 280},
        {"steps": []},
        {"steps": [0.0] * n_weights()},
        {"steps": [-1.0] * n_weights()},
        {"steps": [math.inf] * n_weights()},
    ],
)
def test_damaged_tables_are_refused(damage: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="learnt again"):
        from_tables({**to_tables(Mixer()), **damage})


@pytest.mark.parametrize("missing", ["format", "order", "counts", "model", "likely", "power", "steps"])
def test_a_missing_table_is_refused(missing: str) -> None:
    tables = to_tables(Mixer())
    del tables[missing]
    with pytest.raises(CheckpointError):
        from_tables(tables)
