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
N_BUCKETS = 10  # of probability, between 0 and 1, that are counted apart


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
    """What some tokens cost, and how many of them were the first choice.

    ``said`` (N_BUCKETS, 3) counts first choices by their probability: how many, its sum, and how many came true.
    """

    bits: float = 0.0
    n_bytes: int = 0
    n_first: int = 0
    n: int = 0
    said: Array = dataclasses.field(default_factory=lambda: np.zeros((N_BUCKETS, 3)))

    def count(self, given: Given, p: Array) -> None:
        """Count a token before which ``p`` (V,) was expected."""
        self.bits -= math.log2(max(float(p[given.token]), MIN_PROBABILITY))
        self.n_bytes += given.n_bytes
        first = int(p.argmax())
        probability, came_true = float(p[first]), first == given.token
        self.n_first += came_true
        self.n += 1
        self.said[min(N_BUCKETS - 1, int(probability * N_BUCKETS))] += (1, probability, came_true)

    def __add__(self, other: Score) -> Score:
        return Score(
            bits=self.bits + other.bits,
            n_bytes=self.n_bytes + other.n_bytes,
            n_first=self.n_first + other.n_first,
            n=self.n + other.n,
            said=self.said + other.said,
        )

    def __str__(self) -> str:
        return f"{self.bits / self.n_bytes:.4f} {self.n_first / self.n:6.1%}" if self.n else "-"


def most_tokens(n_repositories: int, vocab_size: int) -> int:
    """How many tokens of each repository can be kept."""
    return MAX_BYTES // (2 * vocab_size * n_repositories)


def collect(predictor: Predictor, documents: Sequence[Document], n_tokens: int, most: int) -> Tokens:
    """The first ``n_tokens`` of each document, ``most`` in all, asked twice: as if it were written from the top, and as
    if only the rest of the line were missing, so that the memory knows the lines below.
    """
    raw, found, n = predictor.tokenizer.raw, list[Given](), 0
    for document in documents:
        whole = TokenLines(predictor.tokenizer, document.text).ids
        ids = whole[: min(n_tokens, most - n)]
        breaks = np.flatnonzero([b"\n" in raw[i] for i in whole.tolist()])
        line_ends = np.append(breaks, len(whole))[np.searchsorted(breaks, np.arange(len(ids)))]
        within: list[Given] = []
        for t, base, matches in predictor.unmixed(document.path, ids, lambda: None):
            token = int(ids[t])
            logs = np.log(base + MIN_PROBABILITY).astype(np.float16)
            given = Given(token=token, n_bytes=len(raw[token]), logs=logs, matches=_small(matches))
            found.append(given)
            if predictor.memory:
                here = predictor.memory.here(ids[:t], whole[line_ends[t] :])
                matches = predictor.memory.evidence(ids[:t], document.path, here)
            within.append(dataclasses.replace(given, matches=_small(matches)))
        found += within
        n += len(ids)
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


def _small(matches: Sequence[NgramMatch]) -> list[NgramMatch]:
    """The same with smaller ids, as many are kept."""
    return [dataclasses.replace(match, ids=match.ids.astype(np.uint16)) for match in matches]


def _distribution(logs: Array) -> Array:
    """Probabilities (V,) float32 again."""
    p: Array = np.exp(logs.astype(np.float32))
    p /= p.sum()
    return p
