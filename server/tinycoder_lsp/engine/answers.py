"""What is asked of the worker for an editor's requests, and in between. Knows no request and no item.

A request that was overtaken, by a newer one or by an edit, is answered empty, which every client takes in silence.
LSP's codes are no better here: ServerCancelled is kept for requests that say so, and ContentModified, which VS Code's
client turns into an empty answer, reaches the callbacks of Neovim's plugins as an error, to be logged or shown.
"""

from __future__ import annotations

import asyncio
from functools import partial

from tinycoder.complete.candidate import Candidate, GhostRequest, ListRequest
from tinycoder.complete.text import block_header
from tinycoder.stop import Stop, never
from tinycoder_lsp.documents.positions import TextCursor
from tinycoder_lsp.engine import garbage
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.worker import Kind, Worker
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.settings import InlineSettings, PopupSettings


class Answers:
    """Asks one worker. All methods are called from the event loop's thread."""

    def __init__(self, models: Models, worker: Worker, background: Background, *, idle_s: float) -> None:
        self._models = models
        self._worker = worker
        self._background = background
        self._idle_s = idle_s
        self._idle: asyncio.TimerHandle | None = None
        self._n_events = 0  # keys and questions, to tell whether there was quiet

    async def popup(self, cursor: TextCursor, settings: PopupSettings, *, on_screen: bool = False) -> list[Candidate]:
        """Names for the completion list at ``cursor``; ``on_screen`` when the editor shows one already.

        There are none while no model is loaded, since some editors show no list before the answer.
        """
        if self._models.tokenizer is None:
            return []
        request = ListRequest(limit=settings.limit, imports=settings.imports, on_screen=on_screen)

        def ask(stop: Stop) -> list[Candidate] | None:
            return self._models.ask(
                cursor.document, lambda engine: engine.popup(cursor.document, cursor.place, request, stop=stop), stop
            )

        deadline = settings.deadline_ms / 1000
        answer = await self._worker.answer(Kind.POPUP, ask, uri=cursor.uri, deadline=deadline)
        return cursor.here(answer or [])

    async def inline(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate]:
        """The ghost text at ``cursor``, if one is likely enough. What follows it is prepared."""
        pause = settings.debounce_ms / 1000
        if pause and await self.cached(cursor, settings) is None and not await self._quiet(pause):
            return []
        candidates = await self._write(cursor, _request(cursor, settings), settings, cached_first=True)
        if candidates is not None:
            self._look_ahead(cursor, candidates)
        return cursor.here(candidates or [])

    async def cached(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate] | None:
        """The ghost text at ``cursor`` if it is known without thinking: one that is typed through, or was prepared."""
        ask = partial(self._cached, cursor, _request(cursor, settings))
        answer = await self._worker.answer(Kind.GHOST, lambda stop: (ask(),), quick=lambda: (ask(),), uri=cursor.uri)
        return None if answer is None or answer[0] is None else cursor.here(answer[0])

    async def alternatives(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate]:
        """Several ghost texts at ``cursor``, however unlikely; of several lines unless the settings say else."""
        request = GhostRequest(
            n=settings.alternatives,
            max_tokens=settings.max_tokens,
            block=settings.block != "off",
            max_lines=settings.max_lines,
            threshold=0.0,
            prose="on",
        )
        return cursor.here(await self._write(cursor, request, settings) or [])

    async def _write(
        self, cursor: TextCursor, request: GhostRequest, settings: InlineSettings, *, cached_first: bool = False
    ) -> list[Candidate] | None:
        def ask(stop: Stop) -> list[Candidate] | None:
            return self._models.ask(
                cursor.document, lambda engine: engine.inline(cursor.document, cursor.place, request, stop=stop), stop
            )

        quick = partial(self._cached, cursor, request) if cached_first else None
        deadline = settings.deadline_ms / 1000
        return await self._worker.answer(Kind.GHOST, ask, quick=quick, uri=cursor.uri, deadline=deadline)

    def _cached(self, cursor: TextCursor, request: GhostRequest) -> list[Candidate] | None:
        document, offset = cursor.document, cursor.place
        return self._models.ask(document, lambda engine: engine.cached_inline(document, offset, request), never)

    def on_activity(self) -> None:
        """Something is being typed: it is learnt from once there is quiet."""
        self._n_events += 1
        self._learn_when_idle()

    def close(self) -> None:
        """Wait for no quiet any more."""
        if self._idle is not None:
            self._idle.cancel()

    def _learn_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._rest)

    async def _quiet(self, seconds: float) -> bool:
        """Wait so long; whether nothing was typed or asked meanwhile."""
        self._n_events += 1
        before = self._n_events
        await asyncio.sleep(seconds)
        return self._n_events == before

    def _look_ahead(self, cursor: TextCursor, found: list[Candidate]) -> None:
        """Let the ghost text after this one be prepared while the person reads; without one drop what was begun."""
        if not found:
            self._worker.drop(Kind.AHEAD)
            return

        document, offset = cursor.document, cursor.place

        def call(stop: Stop) -> None:
            self._models.ask(document, lambda engine: engine.look_ahead(document, offset, found[0], stop=stop), stop)

        key = (document.path, document.text, found[0])
        self._background.start("looking ahead", self._worker.answer(Kind.AHEAD, call, key=key))

    def _rest(self) -> None:
        self._background.start("learning", self._learn())

    async def _learn(self) -> None:
        if await self._worker.answer(Kind.LEARN, self._models.learn):
            garbage.collect()
        else:
            self._learn_when_idle()  # it was interrupted


def _request(cursor: TextCursor, settings: InlineSettings) -> GhostRequest:
    """Ghost text as it is wanted while typing."""
    return GhostRequest(
        max_tokens=settings.max_tokens,
        block=settings.block == "automatic" and block_header(cursor.document.text, cursor.place) is not None,
        max_lines=settings.max_lines,
        threshold=settings.threshold,
        prose=settings.prose,
    )
