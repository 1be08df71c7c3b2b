"""What is asked of the worker for an editor's requests, and in between. Knows no request and no item.

A request that was overtaken, by a newer one or by an edit, is answered empty, which every client takes in silence.
LSP's codes are no better here: ServerCancelled is kept for requests that say so, and ContentModified, which VS Code's
client turns into an empty answer, reaches the callbacks of Neovim's plugins as an error, to be logged or shown.
"""

from __future__ import annotations

import asyncio

from tinycoder.complete.candidate import Candidate
from tinycoder.stop import Stop
from tinycoder_lsp.documents.positions import TextCursor, opens_block
from tinycoder_lsp.engine import garbage
from tinycoder_lsp.engine.host import GhostRequest
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

    async def popup(self, cursor: TextCursor, settings: PopupSettings, *, going_on: bool = False) -> list[Candidate]:
        """Words for the popup at ``cursor``; none while no model is loaded, since some editors show no list before.

        ``going_on`` when the list is on the screen already.
        """
        if self._models.tokenizer is None:
            return []

        def call(stop: Stop) -> list[Candidate]:
            return self._models.popup(
                cursor.document,
                cursor.place,
                stop=stop,
                limit=settings.limit,
                going_on=going_on,
                imports=settings.imports,
            )

        deadline = settings.deadline_ms / 1000
        return cursor.here(await self._worker.answer(Kind.POPUP, call, uri=cursor.uri, deadline=deadline) or [])

    async def inline(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate]:
        """The ghost text at ``cursor``, if one is likely enough. What follows it is prepared."""
        wish = _wish(cursor, settings)

        def call(stop: Stop) -> list[Candidate]:
            return self._models.inline(cursor.document, cursor.place, wish, stop=stop)

        def quick() -> list[Candidate] | None:
            return self._models.known_inline(cursor.document, cursor.place, wish)

        pause = settings.debounce_ms / 1000
        if pause and await self.cached(cursor, settings) is None and not await self._quiet(pause):
            return []
        deadline = settings.deadline_ms / 1000
        found = await self._worker.answer(Kind.GHOST, call, quick=quick, uri=cursor.uri, deadline=deadline)
        if found is not None:
            self._look_ahead(cursor, found)
        return cursor.here(found or [])

    async def cached(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate] | None:
        """The ghost text at ``cursor`` if it is known without thinking: one that is typed through, or was prepared."""
        wish = _wish(cursor, settings)

        def quick() -> tuple[list[Candidate] | None]:
            return (self._models.known_inline(cursor.document, cursor.place, wish),)

        found = await self._worker.answer(Kind.GHOST, lambda stop: quick(), quick=quick, uri=cursor.uri)
        return None if found is None or found[0] is None else cursor.here(found[0])

    async def alternatives(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate]:
        """Several ghost texts at ``cursor``, however unlikely; of several lines unless the settings say else."""
        wish = GhostRequest(
            n=settings.alternatives,
            max_tokens=settings.max_tokens,
            block=settings.block != "off",
            max_lines=settings.max_lines,
            threshold=0.0,
            prose="on",
        )

        def call(stop: Stop) -> list[Candidate]:
            return self._models.inline(cursor.document, cursor.place, wish, stop=stop)

        deadline = settings.deadline_ms / 1000
        return cursor.here(await self._worker.answer(Kind.GHOST, call, uri=cursor.uri, deadline=deadline) or [])

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

        def call(stop: Stop) -> None:
            self._models.look_ahead(cursor.document, cursor.place, found[0], stop=stop)

        key = (cursor.document.path, cursor.document.text, found[0])
        self._background.start("looking ahead", self._worker.answer(Kind.AHEAD, call, key=key))

    def _rest(self) -> None:
        self._background.start("learning", self._learn())

    async def _learn(self) -> None:
        if await self._worker.answer(Kind.LEARN, self._models.learn):
            garbage.collect()
        else:
            self._learn_when_idle()  # it was interrupted


def _wish(cursor: TextCursor, settings: InlineSettings) -> GhostRequest:
    """Ghost text as it is wanted while typing."""
    return GhostRequest(
        max_tokens=settings.max_tokens,
        block=settings.block == "automatic" and opens_block(cursor.document.text, cursor.place),
        max_lines=settings.max_lines,
        threshold=settings.threshold,
        prose=settings.prose,
    )
