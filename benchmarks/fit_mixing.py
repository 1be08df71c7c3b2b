"""The weights of the mixture, learnt from tokens of texts that the model and the memory have not seen.

What the model says of each token is computed once and kept, so that a pass costs the mixing alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.complete.candidate import Document
from tinycoder.complete.predict import Predictor
from tinycoder.memory.mixer import MIN_PROBABILITY, Mixer, n_weights
from tinycoder.memory.ngrams import NgramMatch
from tinycoder.memory.token_lines import TokenLines
from tinycoder.transformer.layers import Array

MAX_BYTES = 1_000_000_000  # of distributions that are kept
COLUMNS = ("transformer", "memory", "from zero", "as shipped", "left out")


@dataclass(frozen=True, kw_only=True)
class Given:
    """A token and what was expected before it: by the model, logarithms (V,) float16, and by the memory."""

    token: int
    n_bytes: int
    logs: Array
    matches: Sequence[NgramMatch]


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tokens of one repository, and what stands in for a model when the memory is alone, (V,)."""

    given: Sequence[Given]
    unigram: Array


@dataclass
class Score:
    """What some tokens cost, and how many of them were the first choice."""

    bits: float = 0.0
    n_bytes: int = 0
    n_first: int = 0
    n: int = 0

    def count(self, given: Given, p: Array) -> None:
        """Count a token before which ``p`` (V,) was expected."""
        self.bits -= math.log2(max(float(p[given.token]), MIN_PROBABILITY))
        self.n_bytes += given.n_bytes
        self.n_first += int(p.argmax()) == given.token
        self.n += 1

    def __add__(self, other: Score) -> Score:
        return Score(
            bits=self.bits + other.bits,
            n_bytes=self.n_bytes + other.n_bytes,
            n_first=self.n_first + other.n_first,
            n=self.n + other.n,
        )

    def __str__(self) -> str:
        return f"{self.bits / self.n_bytes:.4f} {self.n_first / self.n:6.1%}" if self.n else "-"


def most_tokens(n_repositories: int, vocab_size: int) -> int:
    """How many tokens of each repository can be kept."""
    return MAX_BYTES // (2 * vocab_size * n_repositories)


def collect(predictor: Predictor, documents: Sequence[Document], n_tokens: int, most: int) -> Tokens:
    """The first ``n_tokens`` of each document, as if it were written from the top; ``most`` in all."""
    raw = predictor.tokenizer.raw
    found: list[Given] = []
    for document in documents:
        ids = TokenLines(predictor.tokenizer, document.text).ids[: min(n_tokens, most - len(found))]
        for t, base, matches in predictor.unmixed(document.path, ids, lambda: None):
            token = int(ids[t])
            logs = np.log(base + MIN_PROBABILITY).astype(np.float16)
            small = [dataclasses.replace(match, ids=match.ids.astype(np.uint16)) for match in matches]
            found.append(Given(token=token, n_bytes=len(raw[token]), logs=logs, matches=small))
    return Tokens(given=found, unigram=predictor.unigram())


def fit(repositories: Sequence[Tokens], *, passes: int) -> tuple[Mixer, list[Score]]:
    """A mixer that began with weights of zero and learnt from all repositories in turn; the score of each pass."""
    mixer = Mixer(np.zeros(n_weights()))
    scores = [sum((mix(mixer, tokens) for tokens in repositories), Score()) for _ in range(passes)]
    return mixer, scores


def mix(mixer: Mixer, tokens: Tokens, *, model: bool = True) -> Score:
    """What the tokens cost, with or without the ``model``, while ``mixer`` learns from each of them."""
    score = Score()
    for given in tokens.given:
        mixture = mixer.mix(_distribution(given.logs) if model else tokens.unigram, given.matches)
        score.count(given, mixture.p)
        mixer.learn(mixture, given.token)
    return score


def compare(tokens: Tokens, others: Sequence[Tokens], *, passes: int) -> tuple[list[Score], Mixer | None]:
    """A score for each of ``COLUMNS``, and the mixer that was fitted to the ``others``; None if there are none.

    Each mixer learns from what it has to predict, as it does in use.
    """
    transformer = Score()
    for given in tokens.given:
        transformer.count(given, _distribution(given.logs))
    scores = [
        transformer,
        mix(Mixer(), tokens, model=False),
        mix(Mixer(np.zeros(n_weights())), tokens),
        mix(Mixer(), tokens),
    ]
    if not others:
        return [*scores, Score()], None
    weights = np.array(fit(others, passes=passes)[0].weights)
    return [*scores, mix(Mixer(weights), tokens)], Mixer(weights)


def _distribution(logs: Array) -> Array:
    """Probabilities (V,) float32 again."""
    p: Array = np.exp(logs.astype(np.float32))
    p /= p.sum()
    return p
