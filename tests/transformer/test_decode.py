import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.config import GenerationConfig, ModelConfig, n_cpus
from tinycoder.transformer.decode import Ids, KVCache, Session, decoding_weights, step, window_start
from tinycoder.transformer.model import forward, init_params
from tinycoder.transformer.sampling import beam_search, distribution, sample_ids, softmax

CONFIG = ModelConfig(vocab_size=23, width=32, n_layers=2, n_heads=4, n_kv_heads=2, hidden=48, context=32)
PARAMS = init_params(CONFIG, np.random.default_rng(0))
PARAMS = {name: p * 5 if "embed" in name else p for name, p in PARAMS.items()}
WEIGHTS = decoding_weights(PARAMS, CONFIG)
IDS = [int(i) for i in np.random.default_rng(1).integers(0, 23, 32)]
END, BANNED = 0, (1, 2)


def uncached(ids: list[int]) -> np.ndarray:
    return forward(PARAMS, CONFIG, np.array([ids]))[0, -1]


@pytest.mark.parametrize("split", range(1, 32))
def test_cached_is_uncached_at_every_split(split: int) -> None:
    cache = KVCache(CONFIG)
    step(WEIGHTS, CONFIG, cache, np.array([IDS[:split]]))
    np.testing.assert_allclose(step(WEIGHTS, CONFIG, cache, np.array([IDS[split:]]))[0, -1], uncached(IDS), atol=1e-5)


@given(st.lists(st.lists(st.integers(0, 22), min_size=1, max_size=32), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_a_session_remembers_nothing_that_matters(sequences: list[list[int]]) -> None:
    session = Session(PARAMS, CONFIG)
    for ids in sequences:
        np.testing.assert_allclose(session.next_logits(ids), uncached(ids), atol=1e-5)


def test_a_session_goes_past_the_window() -> None:
    session = Session(PARAMS, CONFIG)
    ids = IDS * 3
    for n in range(1, len(ids)):
        np.testing.assert_allclose(
            session.next_logits(ids[:n]), uncached(ids[window_start(n, CONFIG.context, 0) : n]), atol=1e-5
        )


@given(n=st.integers(1, 5000), context=st.integers(1, 300), room=st.integers(0, 300))
def test_window_start(n: int, context: int, room: int) -> None:
    start = window_start(n, context, min(room, context - 1))
    assert 0 <= start < n
    assert n - start <= context
    assert start == 0 or start == n - 1 or start % max(1, context // 4) == 0


def test_rows_of_a_cache_are_independent() -> None:
    cache = KVCache(CONFIG)
    step(WEIGHTS, CONFIG, cache, np.array([IDS[:5]]))
    both = step(WEIGHTS, CONFIG, cache.rows([0, 0]), np.array([[3], [4]]))
    np.testing.assert_allclose(both[0, -1], uncached([*IDS[:5], 3]), atol=1e-5)
    np.testing.assert_allclose(both[1, -1], uncached([*IDS[:5], 4]), atol=1e-5)
    assert cache.length == 5


def test_beams_of_a_branch_share_what_was_before() -> None:
    session = Session(PARAMS, CONFIG)
    cache, scores = session.branch(IDS[:7], room=4)
    np.testing.assert_allclose(scores[0], uncached(IDS[:7]), atol=1e-5)
    texts = [[3, 5], [3, 6], [4, 5]]
    beams = cache.rows([0, 0])
    step(WEIGHTS, CONFIG, beams, np.array([[3], [4]]))
    beams = beams.rows([0, 0, 1], room=2)
    found = step(WEIGHTS, CONFIG, beams, np.array([text[1:] for text in texts]))[:, -1]
    two = step(WEIGHTS, CONFIG, cache.rows([0, 0, 0], room=2), np.array(texts), n_scored=2)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(found[row], uncached([*IDS[:7], *text]), atol=1e-5)
        np.testing.assert_allclose(two[row, 0], uncached([*IDS[:7], text[0]]), atol=1e-5)
        np.testing.assert_allclose(two[row, 1], uncached([*IDS[:7], *text]), atol=1e-5)
    assert beams.values.shape[3] == 3  # own positions only
    np.testing.assert_allclose(session.next_logits(IDS[:9]), uncached(IDS[:9]), atol=1e-5)


STARTS = [IDS[:6], IDS[:8], [*IDS[:6], 3], [*IDS[:6], 3, 4], [*IDS[:5], 9]]  # some go on as rows of others do


@given(st.lists(st.tuples(st.sampled_from(STARTS), st.lists(st.tuples(st.integers(3, 5), st.integers(3, 5))))))
@settings(max_examples=50, deadline=None)
def test_rows_and_sequences_share_what_was_read_and_nothing_else(asked: list[tuple[list[int], list[Ids]]]) -> None:
    session = Session(PARAMS, CONFIG)
    for ids, rows in asked:
        np.testing.assert_allclose(session.next_logits([*ids, 3]), uncached([*ids, 3]), atol=1e-5)
        for each in ([()], rows):
            for row, scores in zip(each, session.score_branches(ids, each) if each else [], strict=True):
                np.testing.assert_allclose(scores, uncached([*ids, *row]), atol=1e-5)
        for row in rows:
            np.testing.assert_allclose(session.next_logits([*ids, *row]), uncached([*ids, *row]), atol=1e-5)


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_scores_of_the_last_ids_at_once(data: st.DataObject) -> None:
    session = Session(PARAMS, CONFIG)
    for _ in range(3):
        ids = data.draw(st.lists(st.integers(0, 22), min_size=1, max_size=32))
        n = data.draw(st.integers(1, len(ids)))
        found = session.logits(ids, n)
        assert len(found) == n
        for i in range(n):
            np.testing.assert_allclose(found[i], uncached(ids[: len(ids) - n + 1 + i]), atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "most"), [("1", 1), ("2,1", 2), ("9999", 9999), ("0", 9999), ("many", 9999), ("", 9999)]
)
def test_fewer_cores_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, asked: str, most: int) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    found = n_cpus()
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert n_cpus() == min(found, most)


def test_distribution_cuts() -> None:
    z = np.log(np.array([0.5, 0.25, 0.15, 0.1]))

    def support(**settings: float) -> list[int]:
        return list(np.flatnonzero(distribution(z, GenerationConfig(**{"temperature": 1.0, **settings}))))  # type: ignore[arg-type]

    assert support() == [0, 1, 2, 3]
    assert support(temperature=0.0) == [0]
    assert support(top_k=2) == [0, 1]
    assert support(top_k=99) == [0, 1, 2, 3]
    assert support(top_p=0.75) == [0, 1]
    assert support(top_p=0.76) == [0, 1, 2]
    assert support(top_p=1e-9) == [0]
    assert support(top_p=1.0) == [0, 1, 2, 3]
    assert support(min_p=0.3) == [0, 1, 2]
    assert support(min_p=1.0) == [0]
    np.testing.assert_allclose(distribution(z, GenerationConfig(temperature=1.0, top_k=2)), [2 / 3, 1 / 3, 0, 0])


def test_temperature_sharpens() -> None:
    z = np.array([1.0, 0.0])
    cold = distribution(z, GenerationConfig(temperature=0.5))
    np.testing.assert_allclose(cold, softmax(z * 2))
    assert cold[0] > distribution(z, GenerationConfig(temperature=2.0))[0]


def test_repetition_penalty_lowers_what_was_seen() -> None:
    z = np.array([2.0, 1.9, -1.0])
    assert np.argmax(distribution(z, GenerationConfig(repetition_penalty=1.5), [0, 0])) == 1
    p = distribution(z, GenerationConfig(temperature=1.0, repetition_penalty=1.5), [2])
    assert p[2] < softmax(z)[2]


def run(config: GenerationConfig, seed: int = 0) -> list[int]:
    return list(sample_ids(Session(PARAMS, CONFIG), IDS[:4], config, end=END, banned=BANNED, seed=seed))


def test_greedy_takes_the_best_allowed_token_each_time() -> None:
    ids = IDS[:4]
    for chosen in run(GenerationConfig(max_tokens=10)):
        scores = uncached(ids)
        scores[list(BANNED)] = -np.inf
        assert chosen == int(np.argmax(scores))
        ids.append(chosen)
    assert len(ids) > 4


def test_a_seed_repeats_and_another_differs() -> None:
    config = GenerationConfig(max_tokens=25, temperature=1.5)
    assert run(config, 1) == run(config, 1)
    assert len({tuple(run(config, seed)) for seed in range(5)}) > 1


def test_sampling_goes_past_the_window_and_never_bans() -> None:
    lengths = []
    for seed in range(8):
        ids = run(GenerationConfig(max_tokens=100, temperature=1.0), seed)
        lengths.append(len(ids))
        assert not set(BANNED) & set(ids)
    assert max(lengths) > CONFIG.context


def test_a_beam_reads_its_prompt_and_goes_past_the_window() -> None:
    config = GenerationConfig(max_tokens=60, beam=3)

    def found(prompt: list[int]) -> list[int]:
        return list(beam_search(Session(PARAMS, CONFIG), prompt, config, end=END, banned=(*BANNED, END))[0].ids)

    assert len(found(IDS[:20])) == 60
    assert found(IDS[:20]) != found(IDS[19:20])


def test_a_beam_keeps_to_what_is_allowed() -> None:
    config = GenerationConfig(max_tokens=1, beam=3)
    session = Session(PARAMS, CONFIG)
    found = beam_search(session, IDS[:4], config, end=END, banned=BANNED, allowed=lambda made: np.array([1, 5, 7]))
    assert {h.ids for h in found} == {(5,), (7,)}


def test_a_very_low_temperature_is_greedy() -> None:
    p = distribution(np.array([1.0, 3.0, 2.0]), GenerationConfig(temperature=1e-309))
    np.testing.assert_array_equal(p, [0, 1, 0])


def test_a_session_that_was_interrupted_gives_no_stale_scores() -> None:
    session = Session(PARAMS, CONFIG)
    session.next_logits(IDS[:10])

    def leave() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        session.next_logits([*IDS[:5], 3, 4], leave)
    np.testing.assert_allclose(session.next_logits(IDS[:5]), uncached(IDS[:5]), atol=1e-5)


def total_log_probability(ids: tuple[int, ...]) -> float:
    total, past = 0.0, IDS[:4]
    for token in ids:
        scores = uncached(past)
        scores[list(BANNED)] = -np.inf
        total += float(np.log(softmax(scores)[token]))
        past = [*past, token]
    return total


def test_a_wide_beam_finds_the_best_of_all() -> None:
    config = GenerationConfig(max_tokens=2, beam=23)
    found = beam_search(Session(PARAMS, CONFIG), IDS[:4], config, end=END, banned=BANNED)
    allowed = [i for i in range(23) if i not in BANNED]
    every = [pair for pair in itertools.product(allowed, allowed) if END not in pair]
    best = max(every, key=total_log_probability)
    assert best in [h.ids for h in found]
    for hypothesis in found[:5]:
        ids = hypothesis.ids if len(hypothesis.ids) == 2 else (*hypothesis.ids, END)
        assert hypothesis.log_probability == pytest.approx(total_log_probability(ids), abs=1e-4)


def test_beam_of_one_is_greedy() -> None:
    greedy = tuple(run(GenerationConfig(max_tokens=6)))
    found = beam_search(
        Session(PARAMS, CONFIG), IDS[:4], GenerationConfig(max_tokens=6, beam=1), end=END, banned=BANNED
    )
    assert found[0].ids == greedy


def test_beam_ends_where_it_is_told() -> None:
    found = beam_search(
        Session(PARAMS, CONFIG),
        IDS[:4],
        GenerationConfig(max_tokens=8, beam=3),
        end=END,
        banned=BANNED,
        finished=lambda ids: len(ids) == 2,
    )
    assert len(found) == 3
    assert all(len(h.ids) <= 2 for h in found)
