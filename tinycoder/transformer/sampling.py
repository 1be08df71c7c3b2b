"""Choosing tokens: cuts of the distribution, sampling, beam search."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.config import GenerationConfig
from tinycoder.transformer.decode import KVCache, Session, step, window_start
from tinycoder.transformer.draft import DraftedSession
from tinycoder.transformer.layers import Array

Allowed = Callable[[Sequence[int]], Array | None]


@dataclass(frozen=True)
class Hypothesis:
    """Ids of one beam and the sum of their log-probabilities."""

    ids: tuple[int, ...]
    log_probability: float


def softmax(logits: Array) -> Array:
    """Probabilities over the last axis, in the precision of ``logits``; minus infinity is probability 0."""
    p: Array = np.exp(logits - logits.max(-1, keepdims=True))
    p *= 1 / p.sum(-1, keepdims=True)
    return p


def best_ids(scores: Array, n: int) -> Array:
    """Ids of the ``n`` best scores, best first; of equals the lower id."""
    if n < len(scores):
        candidates = np.sort(np.argpartition(-scores, n)[:n])
        return candidates[np.argsort(-scores[candidates], kind="stable")]
    return np.argsort(-scores, kind="stable")


def distribution(logits: Array, config: GenerationConfig, past: Sequence[int] = ()) -> Array:
    """Probabilities of the next token after penalty, temperature and cuts, in this order: (V,) -> (V,).

    Temperature 0 puts everything on the best token. Sources: repetition penalty Keskar et al. 2019, top-k Fan et
    al. 2018, top-p Holtzman et al. 2020, min-p Nguyen et al. 2024.
    """
    z = logits.astype(np.float64)
    if config.repetition_penalty != 1 and len(past):
        seen = np.unique(np.asarray(past))
        z[seen] = np.where(z[seen] > 0, z[seen] / config.repetition_penalty, z[seen] * config.repetition_penalty)
    if config.temperature == 0:
        p = np.zeros_like(z)
        p[np.argmax(z)] = 1
        return p
    with np.errstate(over="ignore"):  # a very low temperature is greedy
        p = softmax((z - z.max()) / config.temperature)
    order = np.argsort(-p, kind="stable")
    keep = len(p) if config.top_k is None else min(config.top_k, len(p))
    if config.top_p is not None:
        reached = np.searchsorted(np.cumsum(p[order[:keep]] / p[order[:keep]].sum()), config.top_p - 1e-12)
        keep = min(keep, int(reached) + 1)
    if config.min_p is not None:
        keep = min(keep, int(np.sum(p >= config.min_p * p[order[0]])))
    p[order[keep:]] = 0
    p /= p.sum()
    return p


def sample_ids(
    session: Session,
    prompt: Sequence[int],
    config: GenerationConfig,
    *,
    end: int,
    banned: Collection[int],
    seed: int,
    allowed: Allowed = lambda generated: None,
) -> Iterator[int]:
    """Yield the chosen ids one by one until ``end`` or ``config.max_tokens``.

    ``allowed`` gives the only ids that may follow the generated ones; None is all of them.
    """
    rng = np.random.default_rng(seed)
    ids = list(prompt)
    drafted = DraftedSession(session)
    for _ in range(config.max_tokens):
        logits = _restricted(drafted.next_logits(ids), banned, allowed(ids[len(prompt) :]))
        p = distribution(logits, config, ids)
        chosen = int(np.argmax(p)) if config.temperature == 0 else int(rng.choice(len(p), p=p))
        if chosen == end:
            return
        ids.append(chosen)
        yield chosen


def beam_search(
    session: Session,
    prompt: Sequence[int],
    config: GenerationConfig,
    *,
    end: int,
    banned: Collection[int],
    allowed: Allowed = lambda generated: None,
    finished: Callable[[Sequence[int]], bool] = lambda generated: False,
) -> list[Hypothesis]:
    """The ``config.beam`` best continuations by total log-probability, best first.

    A hypothesis ends at ``end`` (which it does not include), when ``finished`` says so, or at ``max_tokens``; the
    search ends when no live hypothesis can still enter the best.
    """
    context = session.config.context
    cache, scores = session.branch(prompt, room=min(config.max_tokens, context // 4))
    live = [Hypothesis((), 0.0)]
    done: list[Hypothesis] = []
    for _ in range(config.max_tokens):
        rows = np.stack([_restricted(row, banned, allowed(h.ids)) for row, h in zip(scores, live, strict=True)])
        with np.errstate(divide="ignore"):
            totals = np.log(softmax(rows.astype(np.float64)))
        totals += np.array([[h.log_probability] for h in live])
        best = [i for i in np.argsort(-totals, axis=None, kind="stable")[: 2 * config.beam] if totals.flat[i] > -np.inf]
        extended: list[tuple[int, Hypothesis]] = []
        for row, token in zip(*np.unravel_index(best, totals.shape), strict=True):
            hypothesis = Hypothesis((*live[row].ids, int(token)), float(totals[row, token]))
            if token == end:
                done.append(Hypothesis(live[row].ids, hypothesis.log_probability))
            elif finished(hypothesis.ids):
                done.append(hypothesis)
            elif len(extended) < config.beam:
                extended.append((int(row), hypothesis))
        live = [hypothesis for _, hypothesis in extended]
        done = _best(done, config.beam)
        if not live or (len(done) == config.beam and done[-1].log_probability >= live[0].log_probability):
            return done
        if cache.length < context:
            cache = cache.rows([row for row, _ in extended])
            scores = step(session.weights, session.config, cache, np.array([[h.ids[-1]] for h in live]))[:, -1]
        else:  # the window is full: read its end again, for each beam
            past = np.array([[*prompt, *h.ids] for h in live])
            cache = KVCache(session.config, len(live))
            start = window_start(past.shape[1], context, context // 4)
            scores = step(session.weights, session.config, cache, past[:, start:])[:, -1]
    return _best([*done, *live], config.beam)


def _restricted(logits: Array, banned: Collection[int], allowed: Array | None) -> Array:
    """A copy with minus infinity where a token may not come."""
    restricted: Array = logits.copy()
    if allowed is not None:
        restricted = np.full_like(logits, -np.inf)
        restricted[allowed] = logits[allowed]
    restricted[list(banned)] = -np.inf
    return restricted


def _best(hypotheses: list[Hypothesis], n: int) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda h: -h.log_probability)[:n]
