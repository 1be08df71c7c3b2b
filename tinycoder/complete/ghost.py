"""Ghost text: the likeliest line or block after the cursor, with the confidence in each part of it.

A best-first search spells the half-typed word, then the decoding is greedy. For a single line a beam search then looks
for one that is likelier as a whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycoder.complete.candidate import FROM_MODEL, Provenance
from tinycoder.complete.context import CursorContext
from tinycoder.complete.healing import Healer, rest
from tinycoder.complete.predict import Predictor
from tinycoder.complete.text import is_word_character
from tinycoder.transformer.decode import MAX_ROW, Poll
from tinycoder.transformer.layers import Array
from tinycoder.transformer.sampling import best_ids

MAX_SPELLINGS = 8  # tokens that are tried at each step through a half-typed piece
MAX_STEPS = 12  # of that search
MIN_PROBABILITY = 1e-3  # cumulative probability below which a text is broken off
WIDTH = 3  # of the beam, in unfinished lines
MIN_LINE = 0.05  # probability of a whole line that the beam search accepts
MAX_LINES = 12  # of a block


@dataclass(frozen=True, kw_only=True)
class Ghost:
    """Text after the cursor, without the line break that ends it, and its tokens.

    ``ends`` are the lengths of the text after each token, ``confidences`` the cumulative probabilities there.
    ``ended`` is the probability of the text together with its end, 0 if the text was broken off. ``ids`` are the
    tokens, the first of which spell the half-typed word.
    """

    text: str
    ends: tuple[int, ...]
    confidences: tuple[float, ...]
    ended: float
    ids: tuple[int, ...]
    provenance: Provenance = FROM_MODEL


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a text ends: at the end of the line, or, for a ``block``, before a line indented less than ``indent``.

    A text ``opens`` the block if it begins with a line break: the cursor is at the end of the header.
    """

    block: bool = False
    indent: int = 0
    max_lines: int = MAX_LINES
    opens: bool = False


LINE = Layout()


def write(
    predictor: Predictor, healer: Healer, context: CursorContext, *, n: int, max_tokens: int, layout: Layout, poll: Poll
) -> Iterator[Ghost]:
    """Up to ``n`` continuations with different first tokens, likeliest first; their texts may be the same.

    For a single line there may be two: the likeliest as a whole, then the greedy one, whose beginning may be likelier.
    """
    for generated, confidence in _beginnings(predictor, healer, context, n, poll, layout):
        greedy = _greedy(predictor, healer, context, generated, confidence, max_tokens, layout, poll)
        likelier = n == 1 and not layout.block and _likelier(predictor, healer, context, greedy, max_tokens, poll)
        if likelier:
            yield likelier
        yield greedy


def continued(
    predictor: Predictor,
    healer: Healer,
    context: CursorContext,
    beginning: str,
    confidence: float,
    *,
    max_tokens: int,
    poll: Poll,
) -> Ghost:
    """The line that begins with ``beginning``, which has this ``confidence``; the last word of it ends there."""
    ids = predictor.tokenizer.encode(context.prefix_bytes.decode("utf-8", "ignore") + beginning)
    whole = is_word_character(beginning[-1:])
    return _greedy(predictor, healer, context, ids, confidence, max_tokens, LINE, poll, whole=whole)


def _beginnings(
    predictor: Predictor, healer: Healer, context: CursorContext, n: int, poll: Poll, layout: Layout = LINE
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Ids that spell at least the prefix bytes, each with its share of the probability of all that do; best first.

    If ``n`` > 1 each spells more than the prefix bytes, so that they differ after the cursor, and after the line break
    that opens a block.
    """
    if not context.prefix_bytes and n == 1:
        yield (), 1.0
        return
    frontier: list[tuple[float, tuple[int, ...], bytes]] = [(-1.0, (), context.prefix_bytes)]
    n_found, steps, spent = 0, 0, 0.0
    while frontier and n_found < n:
        joint, generated, prefix_bytes = heapq.heappop(frontier)
        spelled = b"".join(predictor.tokenizer.raw[token] for token in generated)[len(context.prefix_bytes) :]
        if generated and not prefix_bytes and (n == 1 or (spelled and not _is_break(spelled))):
            total = spent - joint - sum(entry[0] for entry in frontier)
            spent -= joint
            n_found += 1
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
            p = _going_on(predictor, healer, p, layout if n > 1 and not spelled else LINE)
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


def _is_break(raw: bytes) -> bool:
    """Whether the bytes are a line break with its indentation."""
    return raw[:1] == b"\n" and raw.isspace()


def _going_on(predictor: Predictor, healer: Healer, p: Array, layout: Layout) -> Array:
    """The probabilities (V,) of the tokens that do not end the text; the likeliest line break opens a block."""
    left = _without(p, healer.ends_line)
    if layout.opens:
        token, broken = _line_break(healer, p)
        raw = predictor.tokenizer.raw[token]
        if raw.strip(b"\n") and not _leaves(raw, layout):
            left[token] = broken
    return left


def _line_break(healer: Healer, p: Array) -> tuple[int, float]:
    """The likeliest line break, and the probability that the line ends with it, by ``p`` (V,)."""
    breaks = p[healer.breaks_line]
    token = int(healer.breaks_line[breaks.argmax()])
    share = float(p[token]) / max(float(breaks.sum()), MIN_PROBABILITY)
    return token, float(p[healer.ends_line].sum()) * share


class _Writing:
    """An unfinished text: its ids, its bytes after the typed ones, and the confidence at the end of each token."""

    def __init__(self, predictor: Predictor, context: CursorContext, ids: Sequence[int], confidence: float) -> None:
        self._raws = predictor.tokenizer.raw
        self.ids = list(ids)
        self.raw = b"".join(self._raws[token] for token in ids)[len(context.prefix_bytes) :]
        self._ends: list[int] = []
        self._confidences: list[float] = []
        if self.raw:
            self._note(confidence)

    def add(self, token: int, confidence: float) -> None:
        """Append a token, with the cumulative probability at its end."""
        self.ids.append(token)
        self.raw += self._raws[token]
        self._note(confidence)

    def cut_at_break(self) -> bool:
        """Cut the text at its first line break; True if there is one."""
        line = self.raw.partition(b"\n")[0]
        cut = len(line) < len(self.raw)
        self.raw = line
        return cut

    def ghost(self, ended: float) -> Ghost:
        """The text without white space at its end; ``ended`` is the probability of the text together with its end."""
        text = self.raw.decode("utf-8", "ignore").rstrip()
        n = sum(end < len(text) for end in self._ends)
        whole = bool(text) and n < len(self._ends)
        return Ghost(
            text=text,
            ends=(*self._ends[:n], len(text)) if whole else tuple(self._ends[: n + 1]),
            confidences=tuple(self._confidences[: n + 1]),
            ended=ended,
            ids=tuple(self.ids),
        )

    def _note(self, confidence: float) -> None:
        try:
            n = len(self.raw.decode("utf-8"))
        except UnicodeDecodeError:
            return  # the token ends within a character
        if n and (not self._ends or n > self._ends[-1]):
            self._ends.append(n)
            self._confidences.append(confidence)


def _greedy(
    predictor: Predictor,
    healer: Healer,
    context: CursorContext,
    ids: Sequence[int],
    confidence: float,
    max_tokens: int,
    layout: Layout,
    poll: Poll,
    *,
    whole: bool = False,
) -> Ghost:
    """Greedy decoding: continue the ``ids`` with the likeliest token at each step.

    If they are ``whole``, the last word ends with them.
    """
    raws = predictor.tokenizer.raw
    text = _Writing(predictor, context, ids, confidence)
    if not layout.opens and text.cut_at_break():
        return text.ghost(confidence)
    n_lines = text.raw.count(b"\n")
    until = frozenset() if layout.block else healer.ends_lines
    for _ in range(max_tokens):
        p = predictor.after(context, text.ids, poll, drafted=True, until=until)
        if whole:
            p = p * healer.ends_word
            p, whole = p / max(float(p.sum()), MIN_PROBABILITY), False
        over = float(p[healer.ends_line].sum())
        token = int(_without(p, healer.ends_line).argmax())
        if over >= p[token]:
            token, broken = _line_break(healer, p)
            n_lines += b"\n" in raws[token]
            if not layout.block or p[token] == 0 or n_lines >= layout.max_lines or _leaves(raws[token], layout):
                return text.ghost(confidence * over)
            confidence *= broken
        elif layout.indent and text.raw.endswith(b"\n"):
            return text.ghost(confidence * float(p[token]))  # the next line is at the margin, outside the block
        else:
            confidence *= float(p[token])
        if confidence < MIN_PROBABILITY:
            break
        text.add(token, confidence)
    return text.ghost(0.0)


def _likelier(
    predictor: Predictor, healer: Healer, context: CursorContext, greedy: Ghost, max_tokens: int, poll: Poll
) -> Ghost | None:
    """The line that is likeliest as a whole; None if it is the ``greedy`` one, or if none is likely enough.

    The beam follows only beginnings that are likelier than the best whole line so far; a line with a probability of a
    half or more has no rival.
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
    n_first = len(best.ids) - len(best.confidences) + 1
    text = _Writing(predictor, context, best.ids[:n_first], best.confidences[0])
    for token, confidence in zip(best.ids[n_first:], best.confidences[1:], strict=True):
        text.add(token, confidence)
    return text.ghost(least)


@dataclass(frozen=True)
class _Line:
    """An unfinished line: its ids, and the cumulative probability after its beginning and after each later id."""

    ids: tuple[int, ...]
    confidences: tuple[float, ...]

    def extended(self, token: int, probability: float) -> _Line:
        return _Line((*self.ids, token), (*self.confidences, self.confidences[-1] * probability))


def _without(p: Array, ids: Array) -> Array:
    left: Array = p.copy()
    left[ids] = 0
    return left


def _leaves(raw: bytes, layout: Layout) -> bool:
    """Whether a line break with its indentation ends a block; without indentation the next token decides."""
    indentation = raw.lstrip(b"\n")
    return bool(indentation) and len(indentation.expandtabs(8)) < layout.indent
