"""Ghost text that a server writes: our engine says what to ask, and judges what comes back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tinycoder.complete.candidate import Candidate, GhostRequest
from tinycoder.errors import Cancelled
from tinycoder.stop import Stop, never
from tinycoder_lsp.documents.positions import TextCursor
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.worker import Kind, Worker

if TYPE_CHECKING:
    from tinycoder.complete.question import Question
    from tinycoder.complete.written import Written
    from tinycoder_lsp.remote.client import Remote

SERVERS_SHARE = 0.5  # of the deadline of ghost text; in the rest our engine can still answer


class ServedGhosts:
    """At most one question is under way. Call all methods from the event loop's thread."""

    def __init__(self, models: Models, worker: Worker) -> None:
        self._models = models
        self._worker = worker
        self._turn = 0  # counts what overtakes
        self._waits: asyncio.Future[None] | None = None  # ends when nobody waits any more

    def overtake(self) -> None:
        """Close the request that is under way: a key was typed, or a newer one has come."""
        self._turn += 1
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    async def ghosts(
        self, remote: Remote, cursor: TextCursor, request: GhostRequest, deadline: float, *, cached_first: bool
    ) -> list[Candidate] | None:
        """The ghost texts at ``cursor``: cached ones if allowed, else what the server writes.

        None if our engine is to answer: the server did not, or not to what is typed. Where its text is held back, as
        ours may be, nothing is offered: our engine would think again for a tenth of a second, mostly in vain. Raises
        ``Cancelled`` once nobody needs an answer.
        """
        self.overtake()
        turn = self._turn
        end = time.monotonic() + deadline
        document, offset = cursor.document, cursor.offset_in_document

        def prepare(stop: Stop = never) -> tuple[list[Candidate] | None, Question | None]:
            if cached_first:
                known = self._models.ask(document, lambda engine: engine.cached_inline(document, offset, request), stop)
                if known is not None:
                    return known, None
            model = self._models.served(remote.address.model)
            question = self._models.ask(
                document, lambda engine: engine.question(document, offset, request, model), stop
            )
            return None, question

        prepared = await self._worker.answer(Kind.GHOST, prepare, quick=prepare, uri=cursor.uri, deadline=deadline)
        if prepared is None:
            raise Cancelled
        known, question = prepared
        if question is None:
            return known
        if turn != self._turn:
            raise Cancelled
        ours = (1 - SERVERS_SHARE) * deadline
        left = end - ours - time.monotonic()
        written = await self._ask(remote, question, left) if left > 0 else None
        if written is None:
            return None

        def judge(stop: Stop) -> tuple[list[Candidate] | None]:  # a tuple, which is an answer even of None
            found = self._models.ask(
                document, lambda engine: engine.served(document, offset, request, question, written), stop
            )
            return (found,)

        judged = await self._worker.answer(Kind.GHOST, judge, uri=cursor.uri, deadline=end - time.monotonic())
        if judged is None:
            raise Cancelled
        return judged[0]

    async def _ask(self, remote: Remote, question: Question, deadline: float) -> Written | None:
        waits = self._waits = asyncio.get_running_loop().create_future()
        asking = asyncio.ensure_future(remote.ask(question, deadline))
        try:
            await asyncio.wait((asking, waits), return_when=asyncio.FIRST_COMPLETED)
            if waits.done():
                raise Cancelled
            return asking.result()
        finally:
            asking.cancel()  # unless it is done; that closes the request
