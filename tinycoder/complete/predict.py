"""The next token: the transformer and the memory mixed into one distribution.

``Predictor.after`` extends one text token by token, ``PredictionCache.after`` several in one step. Distributions are
cached as long as the context of the cursor is the same, since the next letter of a word needs many of them again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tinycoder.complete.candidate import Document
from tinycoder.complete.context import CursorContext, header_ids, make_context, prompt_ids
from tinycoder.complete.parts import Parts
from tinycoder.memory.mixer import Mixer
from tinycoder.memory.ngrams import Memory, NgramMatch
from tinycoder.memory.seen import Seen
from tinycoder.memory.suffix_index import MAX_MATCH
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.decode import Ids, Poll, Session
from tinycoder.transformer.draft import DraftedSession
from tinycoder.transformer.layers import Array
from tinycoder.transformer.sampling import softmax
from tinycoder.transformer.tokenizer import Tokenizer

AT_A_TIME = 64  # tokens of a given text that are scored in one step
MAX_KNOWN = 512  # distributions that are cached for a context
MAX_CACHES = 2  # contexts with a cache: that of the cursor, and that of the text looked ahead to


@dataclass(frozen=True, kw_only=True)
class TokenCost:
    """One token of a given text: its length in bytes, its cost in bits, and whether it was the first choice."""

    n_bytes: int
    bits: float
    probability: float
    rank_is_first: bool


class Predictor:
    """Predicts with one model and one memory, either of which may be missing. One thread at a time."""

    def __init__(
        self, tokenizer: Tokenizer, model: Model | None, memory: Memory | None, mixer: Mixer, parts: Parts
    ) -> None:
        self.tokenizer = tokenizer
        self.model = dataclasses.replace(model, params={}) if model and parts.model else None
        self.memory = memory if parts.memory else None
        self.mixer = mixer
        self._parts = parts
        # The session keeps the parameters in its own layout; the model above drops its copy.
        self._session = Session(model.params, model.config) if model and parts.model else None
        self._drafted = DraftedSession(self._session) if self._session and parts.drafts else None
        self._caches: list[PredictionCache] = []  # the latest first
        self._context: CursorContext | None = None  # the latest: completion list and ghost text share a cursor
        self._banned = [i for i in tokenizer.special.values() if i != tokenizer.end_of_text]

    def after(
        self,
        context: CursorContext,
        generated: Sequence[int],
        poll: Poll,
        *,
        drafted: bool = False,
        until: Container[int] = frozenset(),
    ) -> Array:
        """Distribution (V,) of the token after ``generated`` in ``context``; special ids but the end of text have 0.

        ``drafted`` lets the memory draft several tokens ahead, which is faster where many follow, up to one of
        ``until``; the distribution is the same.
        """
        predictions, row = self.predictions(context), tuple(generated)
        p = predictions.known.get(row)
        if p is None:
            p = self.mixed(context, generated, self._base(context, generated, poll, drafted, until))
            predictions.keep(row, p)
        else:
            poll()
        return p

    def predictions(self, context: CursorContext) -> PredictionCache:
        """The cache of ``context``: the one in use, unless something that its distributions depend on has changed."""
        age = (self.mixer.n_learnt, self.memory.age(context.document.path) if self.memory else 0)
        fitting = next((cache for cache in self._caches if cache.fits(context, age)), None)
        predictions = fitting or PredictionCache(self, self._session, context, age)
        self._caches = [predictions, *(cache for cache in self._caches if cache is not predictions)][:MAX_CACHES]
        return predictions

    def context(self, document: Document, offset: int, lines: TokenLines) -> CursorContext:
        """The cursor at ``offset`` of a document, as ids; ``lines`` are the document's tokens."""
        last = self._context
        if last is None or (last.document, last.offset) != (document, offset):
            last = self._context = make_context(
                document,
                offset,
                lines,
                model=self.model,
                memory=self.memory,
                healing=self._parts.healing,
            )
        return last

    def costs(self, path: str, ids: Array, poll: Poll, *, start: int = 0, learn: bool) -> Iterator[TokenCost]:
        """The cost of each id of a file from number ``start`` on, given those before it; the mixer may ``learn`` it."""
        raw = self.tokenizer.raw
        for t, base, matches in self.unmixed(path, ids, poll, start=start):
            token, mixture = int(ids[t]), self.mixer.mix(base, matches)
            p = max(float(mixture.p[token]), 1e-12)
            yield TokenCost(
                n_bytes=len(raw[token]),
                bits=-float(np.log2(p)),
                probability=p,
                rank_is_first=int(mixture.p.argmax()) == token,
            )
            if learn and self._parts.learning:
                self.mixer.learn(mixture, token)

    def learn_line(self, document: Document, lines: TokenLines, start: int, end: int, poll: Poll) -> None:
        """Let the mixer learn from the ids ``start`` to ``end`` of an open file, as if they were typed now.

        The model reads the same prompt as for a completion there, so that the session's keys and values stay valid.
        """
        if self.memory is None:
            return  # nothing is mixed
        path, line = document.path, lines.ids[start:end]
        context = lines.ids[:start]
        bases: Sequence[Array]
        if self._session is None or self.model is None:
            bases = [self.unigram()] * len(line)
        else:
            prompt = prompt_ids(self.model, path, context)
            if len(prompt) + len(line) > self.model.config.context:
                return
            bases = list(softmax(self._session.logits([*prompt, *line[:-1].tolist()], len(line), poll)))
        for i, base in enumerate(bases):
            poll()
            before = lines.ids[: start + i]
            matches = self.memory.evidence(before, path, self.memory.here(before, lines.ids[end:]))
            self.mixer.learn(self.mixer.mix(base, matches), int(line[i]))

    def matches(self, context: CursorContext, generated: Sequence[int]) -> list[NgramMatch]:
        """What followed in the memory where the context and ``generated`` occurred."""
        if self.memory is None:
            return []
        before = np.concatenate([context.before[-MAX_MATCH:], np.array(generated, np.int32)])
        return self.memory.evidence(before, context.document.path, context.here)

    def _base(
        self, context: CursorContext, generated: Sequence[int], poll: Poll, drafted: bool, until: Container[int]
    ) -> Array:
        if self._session is None:
            poll()
            return self.unigram()
        ids = [*context.prompt, *generated]
        if self._drafted is None or not drafted:
            scores = self._session.next_logits(ids, poll)
        else:
            scores = self._drafted.next_logits(ids, poll, partial(self._guess, context, generated), until=until)
        return softmax(scores)

    def _guess(self, context: CursorContext, generated: Sequence[int], n: int) -> tuple[list[int], int]:
        """A draft of up to ``n`` tokens from the memory, for the model to check in one step."""
        if self.memory is None:
            return [], 0
        before = np.concatenate([context.before[-MAX_MATCH:], np.array(generated, np.int32)])
        return self.memory.continuation(before, context.document.path, context.here, n)

    def mixed(self, context: CursorContext, generated: Sequence[int], base: Array) -> Array:
        """The model's distribution ``base`` after ``generated``, mixed with the memory's matches."""
        matches = self.matches(context, generated)
        p: Array = self.mixer.mix(base, matches).p.copy() if matches else base.copy()
        p[self._banned] = 0
        return p

    def unigram(self) -> Array:
        """The distribution without a model: the frequency of each token in the workspace."""
        size = self.tokenizer.vocab_size
        counts = self.memory.unigram() if self.memory else np.zeros(size, np.float32)
        p: Array = (counts + 0.1) / (counts.sum() + 0.1 * size)
        return p.astype(np.float32, copy=False)

    def unmixed(
        self, path: str, ids: Array, poll: Poll, *, start: int = 0
    ) -> Iterator[tuple[int, Array, list[NgramMatch]]]:
        """The number of each id of a file from ``start`` on, the model's distribution (V,) before it, and the memory's
        matches."""
        for begin in range(start, len(ids), AT_A_TIME):
            n = min(AT_A_TIME, len(ids) - begin)
            bases = self._given_bases(path, ids[: begin + n - 1], n, poll)
            for t, base in zip(range(begin, begin + n), bases, strict=True):
                matches: list[NgramMatch] = []
                if self.memory:
                    matches = self.memory.evidence(ids[:t], path, self.memory.here(ids[:t], ids[:0]))
                yield t, base, matches

    def _given_bases(self, path: str, ids: Array, n: int, poll: Poll) -> Sequence[Array]:
        """The model's ``n`` distributions: after all of ``ids``, and after each shorter beginning of them."""
        if self._session is None or self.model is None:
            poll()
            return [self.unigram()] * n
        whole = [*header_ids(self.model, path), *ids.tolist()] or [self.tokenizer.end_of_text]
        if n > len(whole):  # there is nothing before the first id
            whole = [self.tokenizer.end_of_text, *whole]
        return list(softmax(self._session.logits(whole, n, poll)))


class PredictionCache:
    """Continuations of one context: ``known`` are the distributions (V,) after rows of ids, each computed once."""

    def __init__(
        self, predictor: Predictor, session: Session | None, context: CursorContext, age: tuple[int, int]
    ) -> None:
        self.known: dict[Ids, Array] = {}
        self._predictor, self._session, self._context, self._age = predictor, session, context, age
        self._seen: dict[tuple[Ids, bool], Seen | None] = {}

    def fits(self, context: CursorContext, age: tuple[int, int]) -> bool:
        """Whether the distributions hold for ``context`` too, which may differ in its prefix bytes."""
        mine = self._context
        return age == self._age and (
            context is mine
            or (
                context.document.path == mine.document.path
                and context.prompt == mine.prompt
                and np.array_equal(context.before, mine.before)
                and np.array_equal(context.here, mine.here)
            )
        )

    def seen(self, ids: Ids, then: Array | None = None) -> Seen | None:
        """Where the memory has seen ``ids`` after this context, followed by an id of the mask ``then`` (V,)."""
        context, memory = self._context, self._predictor.memory
        key = (ids, then is not None)
        if key not in self._seen:
            path = context.document.path
            seen = memory.seen(context.before, ids, path, context.here, then=then) if memory and ids else None
            self._seen[key] = seen
        return self._seen[key]

    def keep(self, row: Ids, p: Array) -> None:
        """Store the distribution after ``row``, unless the cache is full."""
        if len(self.known) < MAX_KNOWN:
            self.known[row] = p

    def after(self, rows: Sequence[Ids], poll: Poll) -> list[Array]:
        """Distributions (V,) of the token after each of the rows, which have one length."""
        poll()
        after = {row: self.known[row] for row in rows if row in self.known}
        new = [row for row in rows if row not in after]
        for row, base in zip(new, self._bases(new, poll), strict=True):
            after[row] = self._predictor.mixed(self._context, row, base)
            self.keep(row, after[row])
        return [after[row] for row in rows]

    def _bases(self, rows: Sequence[Ids], poll: Poll) -> Sequence[Array]:
        """The model's distributions after the rows."""
        if not rows or self._session is None:
            return [self._predictor.unigram()] * len(rows)
        return list(softmax(self._session.score_branches(self._context.prompt, rows, poll)))
