"""Ghost text: the likeliest line after the cursor, or the likeliest block, with how sure each part of it is.

Greedy, after a best-first search for the tokens that spell what is half typed; then a beam looks for a line that is
likelier as a whole. Knows no document and no editor.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycoder.complete.context import CursorContext
from tinycoder.complete.healing import Healer, rest
from tinycoder.complete.predict import Predictor
from tinycoder.transformer.decode import MAX_ROW, Poll
from tinycoder.transformer.layers import Array
from tinycoder.transformer.sampling import best_ids

MAX_SPELLINGS = 8  # first tokens that are kept for a half-typed piece
MAX_STEPS = 12  # of the search for them
MIN_PROBABILITY = 1e-3  # probability below which nothing is worth going on
WIDTH = 3  # unfinished lines that are followed at a time
MIN_LINE = 0.05  # probability of a whole line that is worth looking for
MAX_LINES = 12  # of a block


@dataclass(frozen=True, kw_only=True)
class Ghost:
    """Text after the cursor, without the line break that ends it, and its tokens.

    ``ends`` are the lengths of the text after each token, and ``confidences`` the probabilities that all up to there
    is right. ``ended`` is the probability that the line also ends where the text does, 0 if the text was broken off.
    ``ids`` are the tokens from the cursor on, of which the first spell what was typed; ``source`` says where
    they were seen.
    """

    text: str
    ends: tuple[int, ...]
    confidences: tuple[float, ...]
    ended: float
    ids: tuple[int, ...]
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """When a text is over: at the end of the line, or, for a ``block``, at a line indented less than ``indent``."""

    block: bool = False
    indent: int = 0
    max_lines: int = MAX_LINES


LINE = Layout()


def write(
    predictor: Predictor, healer: Healer, context: CursorContext, *, n: int, max_tokens: int, layout: Layout, poll: Poll
) -> Iterator[Ghost]:
    """Up to ``n`` continuations with different first tokens, likeliest first; their texts may be the same.

    Where one line is asked for there may be two: the likeliest as a whole, and the greedy one, whose beginning may be
    likelier.
    """
    for generated, confidence in _beginnings(predictor, healer, context, n, poll):
        greedy = _go_on(predictor, healer, context, generated, confidence, max_tokens, layout, poll)
        likelier = n == 1 and not layout.block and _likelier(predictor, healer, context, greedy, max_tokens, poll)
        if likelier:
            yield likelier
        yield greedy


def _beginnings(
    predictor: Predictor, healer: Healer, context: CursorContext, n: int, poll: Poll
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Ids that spell the pending bytes and perhaps more, with their share among all that do; best first.

    Of several each has more: where only the pending bytes are spelled yet, the likeliest next tokens tell them apart.
    """
    if not context.prefix_bytes and n == 1:
        yield (), 1.0
        return
    frontier: list[tuple[float, tuple[int, ...], bytes]] = [(-1.0, (), context.prefix_bytes)]
    found, steps, spent = 0, 0, 0.0
    while frontier and found < n:
        joint, generated, prefix_bytes = heapq.heappop(frontier)
        if generated and not prefix_bytes and (n == 1 or _n_bytes(predictor, generated) > len(context.prefix_bytes)):
            total = spent - joint - sum(entry[0] for entry in frontier)
            spent -= joint
            found += 1
            yield generated, -joint / total
            continue
        if steps == MAX_STEPS:
            continue
        steps += 1
        p = predictor.after(context, generated, poll)
        if prefix_bytes:
            allowed = healer.allowed(prefix_bytes)
            chosen = allowed[best_ids(p[allowed], min(MAX_SPELLINGS, len(allowed)))]
        else:
            p = _without(p, healer.ends_line)
            chosen = best_ids(p, n)
            spent -= joint * (1 - float(p[chosen].sum()))
        for token in chosen.tolist():
            if p[token] > 0:
                entry = (
                    joint * float(p[token]),
                    (*generated, token),
                    rest(prefix_bytes, predictor.tokenizer.raw[token]),
                )
                heapq.heappush(frontier, entry)


def _n_bytes(predictor: Predictor, generated: Sequence[int]) -> int:
    return sum(len(predictor.tokenizer.raw[token]) for token in generated)


def _go_on(
    predictor: Predictor,
    healer: Healer,
    context: CursorContext,
    prefix: tuple[int, ...],
    confidence: float,
    max_tokens: int,
    layout: Layout,
    poll: Poll,
) -> Ghost:
    raws = predictor.tokenizer.raw
    generated = list(prefix)
    raw = b"".join(raws[token] for token in generated)[len(context.prefix_bytes) :]
    ends: list[int] = []
    confidences: list[float] = []
    ended = 0.0
    if raw:
        line = _before_break(raw)
        _note(ends, confidences, line, confidence)
        if len(line) < len(raw):
            return _ghost(line, ends, confidences, confidence, generated)
    n_lines = 0
    for _ in range(max_tokens):
        p = predictor.after(context, generated, poll, drafted=True)
        over = float(p[healer.ends_line].sum())
        best = int(_without(p, healer.ends_line).argmax())
        if over >= p[best]:
            token = int(healer.breaks_line[p[healer.breaks_line].argmax()])
            n_lines += b"\n" in raws[token]
            if not layout.block or p[token] == 0 or n_lines >= layout.max_lines or _leaves(raws[token], layout):
                ended = confidence * over
                break
            best, confidence = (
                token,
                confidence * over * float(p[token]) / max(float(p[healer.breaks_line].sum()), MIN_PROBABILITY),
            )
        elif layout.indent and raw.endswith(b"\n"):
            ended = confidence * float(p[best])  # the next line stands at the margin, outside the block
            break
        else:
            confidence *= float(p[best])
        if confidence < MIN_PROBABILITY:
            break
        generated.append(best)
        raw += raws[best]
        _note(ends, confidences, raw, confidence)
    return _ghost(raw, ends, confidences, ended, generated)


def _likelier(
    predictor: Predictor, healer: Healer, context: CursorContext, greedy: Ghost, max_tokens: int, poll: Poll
) -> Ghost | None:
    """The line that is likeliest as a whole, unless it is the ``greedy`` one, or nothing is likely enough.

    Only what is likelier than the best whole line so far is followed: one above a half has no rival.
    """
    least = max(greedy.ended, MIN_LINE)
    if least >= 0.5:
        return None
    raws, predictions, best = predictor.tokenizer.raw, predictor.predictions(context), None
    live = [
        _Line(generated, (confidence,))
        for generated, confidence in _beginnings(predictor, healer, context, WIDTH, poll)
    ]
    live = [line for line in live if b"\n" not in b"".join(raws[i] for i in line.ids)[len(context.prefix_bytes) :]]
    for _ in range(max_tokens):
        live = [line for line in live if line.confidences[-1] > least and len(line.ids) <= MAX_ROW]
        if not live:
            break
        extended: list[_Line] = []
        for n_ids in {len(line.ids) for line in live}:  # rows of one length are one step
            rows = [line for line in live if len(line.ids) == n_ids]
            for line, p in zip(rows, predictions.after([line.ids for line in rows], poll), strict=True):
                ended = line.confidences[-1] * float(p[healer.ends_line].sum())
                if ended > least:
                    least, best = ended, line
                left = _without(p, healer.ends_line)
                extended += [line.extended(i, float(left[i])) for i in best_ids(left, WIDTH).tolist()]
        live = heapq.nlargest(WIDTH, extended, key=lambda line: line.confidences[-1])
    if best is None:
        return None
    raw = b"".join(raws[i] for i in best.ids[: len(best.ids) - len(best.confidences) + 1])[len(context.prefix_bytes) :]
    ends: list[int] = []
    confidences: list[float] = []
    for token, confidence in zip(
        [None, *best.ids[len(best.ids) - len(best.confidences) + 1 :]], best.confidences, strict=True
    ):
        raw += raws[token] if token is not None else b""
        _note(ends, confidences, raw, confidence)
    return _ghost(raw, ends, confidences, least, best.ids)


@dataclass(frozen=True)
class _Line:
    """A line under way: its ids, and the joint probability after its beginning and after each later id."""

    ids: tuple[int, ...]
    confidences: tuple[float, ...]

    def extended(self, token: int, probability: float) -> _Line:
        return _Line((*self.ids, token), (*self.confidences, self.confidences[-1] * probability))


def _without(p: Array, ids: Array) -> Array:
    left: Array = p.copy()
    left[ids] = 0
    return left


def _leaves(raw: bytes, layout: Layout) -> bool:
    """Whether a line break with its indentation ends a block; without any, what follows will tell."""
    indentation = raw.lstrip(b"\r\n")
    return bool(indentation) and len(indentation.expandtabs(8)) < layout.indent


def _before_break(raw: bytes) -> bytes:
    return raw.partition(b"\n")[0].removesuffix(b"\r")


def _note(ends: list[int], confidences: list[float], raw: bytes, confidence: float) -> None:
    """The text has grown by a token; nothing ends within a character."""
    try:
        n = len(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return
    if n and (not ends or n > ends[-1]):
        ends.append(n)
        confidences.append(confidence)


def _ghost(raw: bytes, ends: list[int], confidences: list[float], ended: float, generated: Sequence[int]) -> Ghost:
    text = raw.decode("utf-8", "ignore")
    kept = text.rstrip()
    n = sum(end < len(kept) for end in ends)
    if kept and n < len(ends):
        ends, confidences = [*ends[:n], len(kept)], confidences[: n + 1]
    return Ghost(
        text=kept, ends=tuple(ends[: n + 1]), confidences=tuple(confidences[: n + 1]), ended=ended, ids=tuple(generated)
    )
