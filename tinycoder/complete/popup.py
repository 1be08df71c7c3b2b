"""The distribution over whole words at the cursor: a beam search that ends where the word ends. Knows no document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.complete.heal import Healer, rest
from tinycoder.complete.words import is_word
from tinycoder.decode import Session, step
from tinycoder.layers import Array
from tinycoder.sampling import best_ids, softmax

MAX_STEPS = 10
MIN_PROBABILITY = 1e-3


@dataclass(frozen=True)
class _Partial:
    """A word under way: its last id, the bytes after what is typed, the typed bytes still to come, its probability."""

    token: int
    made: bytes
    pending: bytes
    probability: float


def complete_word(
    session: Session,
    healer: Healer,
    ids: Sequence[int],
    pending: bytes,
    *,
    word_typed: bool,
    limit: int,
    poll: Callable[[], None],
) -> list[tuple[str, float]]:
    """Up to ``limit`` (continuation, probability), best first.

    ``pending`` are the bytes after ``ids`` that are typed already. Unless a part of the word is among them
    (``word_typed``), a continuation does not start with a digit. ``poll`` is called before each step.
    """
    cache, scores = session.branch(ids, MAX_STEPS, poll)
    live = [_Partial(-1, b"", pending, 1.0)]
    done: dict[str, float] = {}
    for _ in range(MAX_STEPS):
        grown: list[tuple[int, _Partial]] = []
        for row, partial in enumerate(live):
            p = _probabilities(healer, scores[row], partial.pending)
            if partial.made:
                _note(done, partial.made, partial.probability * float(p[healer.ends_word].sum()))
            grown += [
                (row, more) for more in _grow(healer, partial, p, limit) if word_typed or not more.made[:1].isdigit()
            ]
        grown.sort(key=lambda pair: -pair[1].probability)
        threshold = sorted(done.values(), reverse=True)[limit - 1] if len(done) >= limit else MIN_PROBABILITY
        grown = [(row, more) for row, more in grown[:limit] if more.probability > threshold]
        if not grown or cache.length >= session.config.context:
            break
        poll()
        cache = cache.rows([row for row, _ in grown])
        live = [more for _, more in grown]
        scores = step(session.weights, session.config, cache, np.array([[partial.token] for partial in live]))[:, -1]
    return sorted(done.items(), key=lambda pair: -pair[1])[:limit]


def _probabilities(healer: Healer, scores: Array, pending: bytes) -> Array:
    """Distribution of the next token among those that agree with what is typed."""
    if not pending:
        return softmax(scores)
    p = np.zeros(len(scores))
    allowed = healer.allowed(pending)
    p[allowed] = softmax(scores[allowed])
    return p


def _grow(healer: Healer, partial: _Partial, p: Array, limit: int) -> Iterator[_Partial]:
    """The best ``limit`` next tokens that stay inside the word."""
    if not partial.pending:
        p = p * healer.inside_word
    raws = healer.tokenizer.raw
    found = 0
    for token in best_ids(p, 4 * limit):
        raw = raws[token]
        made = partial.made + raw[len(partial.pending) :]
        if found == limit or p[token] == 0:
            return
        if is_word(made):
            found += 1
            yield _Partial(int(token), made, rest(partial.pending, raw), partial.probability * float(p[token]))


def _note(done: dict[str, float], made: bytes, probability: float) -> None:
    """Add a finished word; other tokens for the same bytes add to its probability."""
    try:
        word = made.decode("utf-8")
    except UnicodeDecodeError:
        return
    done[word] = done.get(word, 0.0) + probability
