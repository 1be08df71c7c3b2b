"""What is offered on one connection, counted unless that is switched off."""

import asyncio
import itertools
import time
from collections.abc import Sequence

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp.documents.positions import TextCursor
from tinycoder_lsp.stats.counts import of_answer, of_outcome
from tinycoder_lsp.stats.statistics import Statistics
from tinycoder_lsp.stats.suggestion_tracker import Kind, SuggestionTracker


class UsageRecorder:
    """Gives each candidate an id, by which an editor can tell ``suggestions`` its outcome."""

    def __init__(self, statistics: Statistics) -> None:
        self.suggestions = SuggestionTracker(lambda outcome: statistics.add(of_outcome(outcome)))
        self._statistics = statistics
        self._ids = itertools.count(1)

    def enable(self, wanted: bool) -> None:
        """Count from now on, or no more."""
        if wanted != self._statistics.enabled:
            self.suggestions.close()
            self._statistics.enabled = wanted

    def sent(
        self, kind: Kind, cursor: TextCursor, candidates: Sequence[Candidate], asked_s: float
    ) -> dict[str, Candidate]:
        """Candidates by id, as they are sent for a request that came at ``asked_s`` of ``time.monotonic``."""
        self._statistics.add(of_answer(kind, 1000 * (time.monotonic() - asked_s), len(candidates)))
        named = {str(next(self._ids)): candidate for candidate in candidates}
        if self._statistics.enabled:
            shown = self.suggestions.inline_shown if kind == "inline" else self.suggestions.popup_shown
            shown(cursor.uri, cursor.lines.text, named)
        return named

    async def summary(self) -> dict[str, object]:
        """All that was counted, with what has just ended."""
        self.suggestions.settle()
        return await asyncio.to_thread(self._statistics.summary)

    def close(self) -> None:
        """Write all down."""
        self.suggestions.close()
        self._statistics.close()
