"""The completion engine: a model, one session, and the two questions that an editor asks.

``inline`` continues the line, ``popup`` offers whole words. Both read the document up to the cursor, heal what is
half typed, and ask ``stop`` before each token. One thread at a time. Knows no protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinycoder.checkpoint import Model
from tinycoder.complete.candidate import Candidate, Document
from tinycoder.complete.context import CHARACTERS_PER_TOKEN, document_ids, prefix_window
from tinycoder.complete.heal import Healer, rest
from tinycoder.complete.popup import complete_word
from tinycoder.complete.words import typed_word
from tinycoder.decode import Session
from tinycoder.draft import DraftedSession
from tinycoder.errors import Cancelled
from tinycoder.layers import Array
from tinycoder.sampling import best_ids, softmax

Stop = Callable[[], bool]


class Engine:
    """Answers for one model; keeps the keys and values of what it read last."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._session = Session(model.params, model.config)
        self._drafted = DraftedSession(self._session)
        self._healer = Healer(model.tokenizer)

    def inline(
        self, document: Document, offset: int, *, stop: Stop, max_tokens: int = 64, n: int = 1
    ) -> list[Candidate]:
        """Up to ``n`` different continuations of the line at ``offset``, most likely first.

        A candidate begins with the half-typed word, which it replaces, and ends with the line at the latest.
        Raises ``Cancelled`` once ``stop`` says so.
        """
        ids, pending = self._prompt(document, offset)
        typed = typed_word(document.text, offset)
        following = _rest_of_line(document.text, offset)
        candidates: dict[str, Candidate] = {}
        for first in self._first_ids(ids, pending, n, stop):
            text, probability = self._line(ids, pending, first, max_tokens, stop)
            text = _without_overlap(text, following)
            if text.strip() and text not in candidates:
                candidates[text] = Candidate(
                    text=typed + text,
                    start=offset - len(typed),
                    end=offset,
                    probability=probability,
                    source="model",
                )
        return sorted(candidates.values(), key=lambda candidate: -candidate.probability)

    def popup(self, document: Document, offset: int, *, stop: Stop, limit: int = 10) -> list[Candidate]:
        """Up to ``limit`` whole words at ``offset`` that begin with what is typed, most likely first.

        Raises ``Cancelled`` once ``stop`` says so.
        """
        ids, pending = self._prompt(document, offset)
        typed = typed_word(document.text, offset)
        words = complete_word(
            self._session,
            self._healer,
            ids,
            pending,
            word_typed=bool(typed),
            limit=limit,
            poll=lambda: _poll(stop),
        )
        return [
            Candidate(
                text=typed + word,
                start=offset - len(typed),
                end=offset,
                probability=probability,
                source="model",
            )
            for word, probability in words
        ]

    def _prompt(self, document: Document, offset: int) -> tuple[list[int], bytes]:
        """Ids before the last piece, and the bytes of that piece."""
        prefix = prefix_window(document.text, offset, self.model.config.context * CHARACTERS_PER_TOKEN)
        before, pending = self._healer.split(prefix)
        return document_ids(self.model, document.path, before)[0], pending

    def _first_ids(self, ids: Sequence[int], pending: bytes, n: int, stop: Stop) -> list[int]:
        """The ``n`` best first tokens; one alone when something is pending that leaves no choice."""
        scores = self._scores(ids, pending, stop)
        return [int(i) for i in best_ids(scores, n) if np.isfinite(scores[i])]

    def _line(self, ids: Sequence[int], pending: bytes, first: int, max_tokens: int, stop: Stop) -> tuple[str, float]:
        """What comes after the cursor up to the end of the line, greedily, and its probability."""
        raw = self.model.tokenizer.raw
        n_typed = len(pending)
        past, made, probability = list(ids), b"", 1.0
        for _ in range(max_tokens):
            scores = self._scores(past, pending, stop)
            chosen = int(np.argmax(scores)) if made else first
            probability *= float(softmax(scores)[chosen])
            made += raw[chosen]
            if chosen == self.model.tokenizer.end_of_text or _line_end(made[n_typed:]) >= 0:
                break
            pending = rest(pending, raw[chosen])
            past.append(chosen)
        line = made[n_typed:]
        end = _line_end(line)
        return (line if end < 0 else line[:end]).decode("utf-8", "ignore").rstrip(), probability

    def _scores(self, ids: Sequence[int], pending: bytes, stop: Stop) -> Array:
        """Scores of the next token, minus infinity where it cannot be: a special id, or bytes that were not typed."""
        scores: Array = self._drafted.next_logits(ids, lambda: _poll(stop)).copy()
        tokenizer = self.model.tokenizer
        scores[[i for i in tokenizer.special.values() if i != tokenizer.end_of_text or pending]] = -np.inf
        if pending:
            mask = np.full_like(scores, -np.inf)
            mask[self._healer.allowed(pending)] = 0
            scores += mask
        return scores


def _poll(stop: Stop) -> None:
    if stop():
        raise Cancelled


def _line_end(raw: bytes) -> int:
    """Where the first line break is, or -1."""
    ends = [place for place in (raw.find(b"\n"), raw.find(b"\r")) if place >= 0]
    return min(ends, default=-1)


def _rest_of_line(text: str, offset: int) -> str:
    end = len(text)
    for line_break in "\r\n":
        found = text.find(line_break, offset, end)
        end = found if found >= 0 else end
    return text[offset:end]


def _without_overlap(text: str, following: str) -> str:
    """``text`` without the end that already stands behind the cursor."""
    for size in range(min(len(text), len(following)), 0, -1):
        if text.endswith(following[:size]):
            return text[:-size]
    return text
