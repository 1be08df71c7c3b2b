"""The probability of given names: the trie of their tokens compared with a plain product over each name."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.complete.candidate import Document
from tinycoder.complete.context import CursorContext, make_context
from tinycoder.complete.healing import Healer
from tinycoder.complete.likelihood import ENDS, MIN_BRANCH, MIN_SHARE, WIDTH, Speller, likelihoods
from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import PredictionCache, Predictor
from tinycoder.errors import Cancelled
from tinycoder.memory.mixer import Mixer
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.tokenizer import train_character_tokenizer

TEXT = """\
import os


class Counter:
    def __init__(self, start):
        self.total = start

    def add(self, amount):
"""
NAMES = ["total", "totals", "start", "self", "amount", "Counter", "add", "os", "__init__", "tot", "größe", "x"]


def poll() -> None:
    pass


def context_and_predictions(model: Model, text: str) -> tuple[CursorContext, PredictionCache]:
    memory = Memory(model.tokenizer)
    predictor = Predictor(model.tokenizer, model, memory, Mixer(), Parts())
    document = Document(path="counter.py", text=text)
    lines = TokenLines(model.tokenizer, text)
    context = make_context(document, len(text), lines, model=model, memory=memory, healing=True)
    return context, predictor.predictions(context)


def one_by_one(predictions: PredictionCache, healer: Healer, ids: tuple[int, ...]) -> tuple[float, list[float]]:
    """The joint probability of the ids and the end of the word, and that of each beginning."""
    p, beginnings = 1.0, []
    for depth, token in enumerate(ids):
        p *= float(predictions.after([ids[:depth]], poll)[0][token])
        beginnings.append(p)
    return p * float(predictions.after([ids], poll)[0] @ healer.ends_word), beginnings


@pytest.mark.parametrize("typed", ["", "t", "tot", "total", "s"])
@pytest.mark.parametrize("line", ["        ", "        self.", "        return self.", "        x = f("])
def test_the_probability_of_a_name_is_the_product_over_its_tokens(model: Model, line: str, typed: str) -> None:
    context, predictions = context_and_predictions(model, TEXT + line + typed)
    healer, names = Healer(model.tokenizer), [name for name in NAMES if name.startswith(typed)]
    spelled = Speller(model.tokenizer).spell(context.prefix_bytes, typed, names)
    found = likelihoods(predictions, healer, spelled, poll, followed_by=[None] * len(names))
    exact = [one_by_one(predictions, healer, ids) for ids in spelled]
    best = max(p for p, _ in exact)
    for name, p, (expected, beginnings) in zip(names, found, exact, strict=True):
        if min(beginnings[:-1], default=1.0) > max(MIN_BRANCH, MIN_SHARE) and beginnings[-1] > max(MIN_BRANCH, best):
            assert p == pytest.approx(expected), name
        else:  # it may not have been followed to its end
            most = max(beginnings[-1], ENDS * max(MIN_BRANCH, MIN_SHARE * best))
            assert 0 <= p <= most or p == pytest.approx(expected)
    if best > MIN_BRANCH:
        assert names[int(np.argmax(found))] == names[int(np.argmax([p for p, _ in exact]))]


def test_probabilities_of_different_names_add_up_to_one_at_most(model: Model) -> None:
    context, predictions = context_and_predictions(model, TEXT + "        self.")
    healer, spelled = Healer(model.tokenizer), Speller(model.tokenizer).spell(context.prefix_bytes, "", NAMES)
    assert sum(likelihoods(predictions, healer, spelled, poll, followed_by=[None] * len(NAMES))) <= 1.0001
    assert len(likelihoods(predictions, healer, [], poll, followed_by=[])) == 0


def test_the_mask_of_the_next_token_counts(model: Model) -> None:
    context, predictions = context_and_predictions(model, TEXT + "        self.")
    healer = Healer(model.tokenizer)
    spelled = Speller(model.tokenizer).spell(context.prefix_bytes, "", ["total", "total"])
    never = np.zeros(model.tokenizer.vocab_size, np.float32)
    whole, with_nothing = likelihoods(predictions, healer, spelled, poll, followed_by=[None, never])
    assert whole > 0.5
    assert with_nothing == 0


def test_scoring_can_be_cancelled(model: Model) -> None:
    context, predictions = context_and_predictions(model, TEXT + "        self.")
    spelled = Speller(model.tokenizer).spell(context.prefix_bytes, "", NAMES)

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        likelihoods(predictions, Healer(model.tokenizer), spelled, stop, followed_by=[None] * len(NAMES))


CHANCES = dict(zip("abcdefgh", (0.4, 0.2, 0.1, 0.05, 0.02, 0.015, 0.01, 0.005), strict=True))


class Certain:
    """Gives each character a fixed probability; one in five words ends."""

    tokenizer = train_character_tokenizer(["abcdefgh \n"])

    def __init__(self) -> None:
        self.p = np.zeros(self.tokenizer.vocab_size)
        for letter, chance in {**CHANCES, " ": 0.2}.items():
            self.p[self.tokenizer.encode(letter)[0]] = chance
        self.asked = 0

    def after(self, rows: list[tuple[int, ...]], poll: object) -> list[np.ndarray]:
        self.asked += len(rows)
        return [self.p] * len(rows)


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=40, unique=True)


@given(words=WORDS)
@settings(deadline=None)
def test_the_likeliest_of_a_few_names_is_found(words: list[str]) -> None:
    predictions, healer = Certain(), Healer(Certain.tokenizer)
    spelled = Speller(predictions.tokenizer).spell(b"", "", words)
    found = likelihoods(predictions, healer, spelled, poll, followed_by=[None] * len(words))  # type: ignore[arg-type]
    exact = [float(np.prod([CHANCES[letter] for letter in word])) * 0.2 for word in words]
    best = int(np.argmax(exact))
    if exact[best] > MIN_BRANCH and len(words) <= WIDTH:  # of more, some are guessed
        assert found[best] == pytest.approx(exact[best])
    assert predictions.asked <= 6 * 7
    assert all(0 <= p <= 1 for p in found)


@pytest.mark.parametrize(
    ("text", "typed"),
    [("x = to", "to"), ("x = ", ""), ("self.", ""), ("self.to", "to"), ("f(to", "to"), ("\n\nto", "to")],
)
def test_names_have_the_tokens_of_the_text_with_them(model: Model, text: str, typed: str) -> None:
    context, _ = context_and_predictions(model, TEXT + text)
    raw = context.prefix_bytes.removesuffix(typed.encode())
    names = ["total", "toes", "to", "tos_é"]
    for name, ids in zip(names, Speller(model.tokenizer).spell(context.prefix_bytes, typed, names), strict=True):
        assert model.tokenizer.decode_bytes(ids) == raw + name.encode()
        assert list(ids) == model.tokenizer.encode((raw + name.encode()).decode())


def test_cached_tokens_equal_fresh_ones(model: Model) -> None:
    warm = Speller(model.tokenizer)
    for prefix_bytes, typed in itertools.product([b" to", b"to", b"", b"."], ["to", ""]):
        if prefix_bytes.endswith(typed.encode()):
            for names in (NAMES, NAMES[::-1], []):
                fitting = [name for name in names if name.startswith(typed)]
                assert warm.spell(prefix_bytes, typed, fitting) == Speller(model.tokenizer).spell(
                    prefix_bytes, typed, fitting
                )
