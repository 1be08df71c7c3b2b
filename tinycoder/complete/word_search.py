"""The distribution over whole words at the cursor, by a beam search that ends where the word ends."""

from collections.abc import Iterator
from dataclasses import dataclass

from tinycoder.complete.healing import Healer, is_word, rest
from tinycoder.complete.predict import PredictionCache
from tinycoder.transformer.decode import Ids, Poll
from tinycoder.transformer.layers import Array
from tinycoder.transformer.sampling import best_ids

MAX_STEPS = 7
WIDTH = 6  # of the beam, in unfinished words
MIN_PROBABILITY = 1e-4  # of a word that is followed
BEHIND = 0.05  # of the best word's probability: once there are MANY words, less likely ones are dropped
MANY = 2


@dataclass(frozen=True)
class _Partial:
    """An unfinished word: its ids, its bytes after the typed ones, the typed bytes still to come."""

    ids: Ids
    raw: bytes
    prefix_bytes: bytes
    probability: float


def complete_word(
    predictions: PredictionCache, healer: Healer, prefix_bytes: bytes, poll: Poll, *, word_typed: bool, limit: int
) -> list[tuple[str, float]]:
    """Up to ``limit`` continuations of the typed word with their relative probabilities, best first; none is empty.

    They agree with ``prefix_bytes``. Unless a part of the word is typed already (``word_typed``), a continuation does
    not start with a digit.
    """
    live = [_Partial((), b"", prefix_bytes, 1.0)]
    done: dict[str, float] = {}
    for _ in range(MAX_STEPS):
        extended: list[_Partial] = []
        for partial, p in zip(live, predictions.after([partial.ids for partial in live], poll), strict=True):
            if partial.raw and not partial.prefix_bytes:
                _note(done, partial.raw, partial.probability * float(p @ healer.ends_word))
            more = _extended(healer, partial, p)
            extended += [each for each in more if word_typed or not each.raw[:1].isdigit()]
        extended.sort(key=lambda partial: -partial.probability)
        ranked = sorted(done.values(), reverse=True)
        least = max(
            MIN_PROBABILITY,
            ranked[limit - 1] if len(ranked) >= limit else 0.0,
            ranked[0] * BEHIND if len(ranked) >= MANY else 0.0,
        )
        live = [partial for partial in extended[:WIDTH] if partial.probability > least]
        if not live:
            break
    total = sum(done.values()) + sum(partial.probability for partial in live)
    best = sorted(done.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    return [(word, p / total) for word, p in best]


def _extended(healer: Healer, partial: _Partial, p: Array) -> Iterator[_Partial]:
    """The word with each of the best next tokens that stay inside the word and are likely enough."""
    if partial.prefix_bytes:
        ids = healer.allowed(partial.prefix_bytes)
        ids = ids[p[ids] > MIN_PROBABILITY / partial.probability]
    else:
        ids = (p > MIN_PROBABILITY / partial.probability).nonzero()[0]
        ids = ids[healer.inside_word[ids]]
    raws = healer.tokenizer.raw
    for token in ids[best_ids(p[ids], 4 * WIDTH if partial.prefix_bytes else WIDTH)].tolist():
        raw = partial.raw + raws[token][len(partial.prefix_bytes) :]
        if is_word(raw):
            prefix_bytes = rest(partial.prefix_bytes, raws[token])
            yield _Partial((*partial.ids, token), raw, prefix_bytes, partial.probability * float(p[token]))


def _note(done: dict[str, float], raw: bytes, probability: float) -> None:
    """Add a finished word; several tokenizations of one word add up."""
    try:
        word = raw.decode("utf-8")
    except UnicodeDecodeError:
        return
    done[word] = done.get(word, 0.0) + probability
