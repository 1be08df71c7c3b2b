import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.config import GenerationConfig, ModelConfig
from tinycoder.transformer.decode import Session
from tinycoder.transformer.draft import MAX_REPETITION, MIN_REPETITION, N_PLACES, DraftedSession, Lookup
from tinycoder.transformer.model import init_params
from tinycoder.transformer.sampling import sample_ids

CONFIG = ModelConfig(vocab_size=13, width=32, n_layers=2, n_heads=4, n_kv_heads=2, hidden=48, context=48)
few_ids = st.lists(st.integers(0, 2), max_size=40)


def slow_proposal(ids: list[int], n: int) -> tuple[list[int], int]:
    places = [
        p for p in range(MIN_REPETITION, len(ids)) if ids[p - MIN_REPETITION : p] == ids[len(ids) - MIN_REPETITION :]
    ]
    best, length = 0, 0
    for place in places[-N_PLACES:]:
        size = max(k for k in range(1, min(place, MAX_REPETITION) + 1) if ids[place - k : place] == ids[len(ids) - k :])
        if size >= length:
            best, length = place, size
    text = list(ids)
    for i in range(n if length else 0):
        text.append(text[best + i])
    return text[len(ids) :], length


@given(st.lists(few_ids, min_size=1, max_size=8), st.integers(1, 9))
def test_proposals_are_those_of_the_longest_repetition(edits: list[list[int]], n: int) -> None:
    lookup = Lookup()
    for ids in edits:
        lookup.follow(ids)
        assert lookup.propose(ids, n) == slow_proposal(ids, n)


@given(few_ids, few_ids, few_ids)
def test_an_edit_leaves_no_trace(before: list[int], wrong: list[int], right: list[int]) -> None:
    edited, fresh = Lookup(), Lookup()
    edited.follow(before + wrong)
    edited.follow(before + right)
    fresh.follow(before + right)
    text = before + right
    assert edited.propose(text, 5) == fresh.propose(text, 5)


class Counting(Session):
    n_steps = 0

    def logits(self, ids, n, poll=lambda: None):  # type: ignore[no-untyped-def]
        self.n_steps += 1
        return super().logits(ids, n, poll)


def plain(session: Session, prompt: list[int], n: int) -> list[int]:
    ids = list(prompt)
    for _ in range(n):
        ids.append(int(np.argmax(session.next_logits(ids))))
    return ids


def drafted(session: Session, prompt: list[int], n: int) -> list[int]:
    ids = list(prompt)
    ahead = DraftedSession(session)
    for _ in range(n):
        ids.append(int(np.argmax(ahead.next_logits(ids))))
    return ids


@pytest.mark.parametrize("seed", range(12))
def test_drafts_change_nothing_but_the_number_of_steps(seed: int) -> None:
    params = init_params(CONFIG, np.random.default_rng(seed))
    params = {name: p * 8 if "embed" in name else p for name, p in params.items()}
    prompt = [int(i) for i in np.random.default_rng(seed).integers(0, 13, 10)]
    session = Counting(params, CONFIG)
    assert drafted(session, prompt, 100) == plain(Session(params, CONFIG), prompt, 100)
    assert session.n_steps < 80


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=48), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_any_order_of_questions_is_answered_rightly(sequences: list[list[int]]) -> None:
    params = init_params(CONFIG, np.random.default_rng(0))
    session, ahead = Session(params, CONFIG), DraftedSession(Session(params, CONFIG))
    for ids in sequences:
        for n in range(1, len(ids) + 1):
            np.testing.assert_allclose(ahead.next_logits(ids[:n]), session.next_logits(ids[:n]), atol=1e-5)


def test_what_was_made_before_is_guessed_at_once() -> None:
    params = init_params(CONFIG, np.random.default_rng(5))
    params = {name: p * 8 if "embed" in name else p for name, p in params.items()}
    session = Counting(params, CONFIG)
    ahead = DraftedSession(session)
    prompt = [3, 4, 5, 6, 7]

    def made(ids: list[int], n: int) -> list[int]:
        text = list(ids)
        for _ in range(n):
            text.append(int(np.argmax(ahead.next_logits(text))))
        return text

    first = made(prompt, 20)
    session.n_steps = 0
    assert made(first[:7], 14)[:20] == first[:20]  # somebody typed two of the ids
    assert session.n_steps <= 3


def test_sampling_draws_the_same_ids_as_without_drafts() -> None:
    params = {
        name: p * 8 if "embed" in name else p for name, p in init_params(CONFIG, np.random.default_rng(3)).items()
    }
    config = GenerationConfig(max_tokens=80)
    prompt, allowed = [3, 4, 5, 3, 4], np.array([3, 4, 5, 6])
    session = Counting(params, CONFIG)
    made = list(sample_ids(session, prompt, config, end=0, banned=(4,), seed=0, allowed=lambda made: allowed))
    ids, reference = list(prompt), Session(params, CONFIG)
    for chosen in made:
        scores = reference.next_logits(ids)
        assert chosen == max((3, 5, 6), key=lambda i: scores[i])
        ids.append(chosen)
    assert len(made) == 80 > session.n_steps


def test_what_interrupts_a_step_passes_and_nothing_is_lost() -> None:
    params = init_params(CONFIG, np.random.default_rng(0))
    ahead = DraftedSession(Session(params, CONFIG))

    def leave() -> None:
        raise InterruptedError

    ids = [1, 2, 1, 2, 1, 2, 1, 2]
    ahead.next_logits(ids[:4])
    with pytest.raises(InterruptedError):
        ahead.next_logits([3, 1, 2, 1, 2], leave)
    for n in range(5, 9):
        again = [3, *ids[:n]]
        np.testing.assert_allclose(ahead.next_logits(again), Session(params, CONFIG).next_logits(again), atol=1e-5)


def test_text_that_is_gone_takes_no_memory() -> None:
    rng, lookup = np.random.default_rng(0), Lookup()
    texts = rng.integers(0, 4096, (300, 200)).tolist()
    held = []
    tracemalloc.start()
    for n, text in enumerate(texts, 1):
        lookup.follow(text)
        if n in (3, 300):
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[1] < 3 * held[0]
