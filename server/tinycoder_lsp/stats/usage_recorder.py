"""What is offered and what becomes of it, counted unless that is switched off. Holds the clock; judges nothing."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp.documents.positions import TextCursor
from tinycoder_lsp.stats.statistics import Statistics
from tinycoder_lsp.stats.suggestion_tracker import Kind, SuggestionTracker


class UsageRecorder:
    """For one connection. Each candidate gets an id, by which an editor can say what became of it."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._offers = SuggestionTracker(statistics.count)
        self._ids = itertools.count(1)

    def enable(self, wanted: bool) -> None:
        """Count from now on, or no more."""
        if wanted != self._statistics.enabled:
            self._offers.close(time.monotonic())
            self._statistics.enabled = wanted

    def begin(self) -> float:
        """The time at which a question came in, for ``popup`` and ``inline``."""
        return time.monotonic()

    def popup(self, cursor: TextCursor, candidates: Sequence[Candidate], begun_s: float) -> dict[str, Candidate]:
        """These words are sent."""
        named = self._name(candidates)
        if self._answered("popup", candidates, begun_s):
            self._offers.popup_shown(cursor.uri, cursor.lines.text, named)
        return named

    def inline(self, cursor: TextCursor, candidates: Sequence[Candidate], begun_s: float) -> dict[str, Candidate]:
        """These ghost texts are sent, or none."""
        named = self._name(candidates)
        if self._answered("inline", candidates, begun_s):
            self._offers.inline_shown(cursor.uri, cursor.lines.text, named, time.monotonic())
        return named

    def edited(self, uri: str, text: str) -> None:
        """A document says this now."""
        if self._statistics.enabled:
            self._offers.edited(uri, text, time.monotonic())

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._offers.closed(uri, time.monotonic())

    def shown(self, name: str) -> None:
        """The editor shows this candidate."""
        self._offers.shown(name, time.monotonic())

    def accepted(self, name: str) -> None:
        """The person took this candidate."""
        self._offers.accepted(name, time.monotonic())

    def partly_accepted(self, name: str, length: int) -> None:
        """The person took so much of it, in UTF-16 units."""
        self._offers.partly_accepted(name, length, time.monotonic())

    async def summary(self) -> dict[str, object]:
        """All that was counted, with what has just ended."""
        self._offers.settle()
        return await asyncio.to_thread(self._statistics.summary)

    def close(self) -> None:
        """Write all down."""
        self._offers.close(time.monotonic())
        self._statistics.close()

    def _name(self, candidates: Sequence[Candidate]) -> dict[str, Candidate]:
        return {str(next(self._ids)): candidate for candidate in candidates}

    def _answered(self, kind: Kind, candidates: Sequence[Candidate], begun_s: float) -> bool:
        self._statistics.answered(kind, 1000 * (time.monotonic() - begun_s), len(candidates))
        return self._statistics.enabled
