"""Jobs for the worker: those that answer an editor's requests, and those between the requests.

A request that is overtaken by a newer one or by an edit gets an empty answer, which every client accepts silently.
LSP's error codes are no better: ServerCancelled is reserved for requests that support it, and ContentModified, which
VS Code's client turns into an empty answer, reaches the callbacks of Neovim's plugins as an error to log or show.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tinycoder.complete.blocks import block_header
from tinycoder.complete.candidate import Candidate, GhostRequest, ListRequest
from tinycoder.errors import Cancelled
from tinycoder.stop import Stop, never
from tinycoder_lsp.documents.positions import TextCursor
from tinycoder_lsp.engine import garbage
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.served import ServedGhosts
from tinycoder_lsp.engine.worker import Kind, Worker
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.settings import InlineSettings, PopupSettings

if TYPE_CHECKING:
    from tinycoder_lsp.remote.client import Remote


class Answers:
    """Gives jobs to one worker. Call all methods from the event loop's thread.

    ``remote`` is the server that writes ghost text, if a person has named one.
    """

    def __init__(
        self,
        models: Models,
        worker: Worker,
        background: Background,
        *,
        idle_s: float,
        remote: Callable[[], Remote | None] = lambda: None,
    ) -> None:
        self._models = models
        self._remote = remote
        self._served = ServedGhosts(models, worker)
        self._worker = worker
        self._background = background
        self._idle_s = idle_s
        self._idle: asyncio.TimerHandle | None = None
        self._quiet: asyncio.Future[None] | None = None  # ends with the next key or request

    async def popup(self, cursor: TextCursor, settings: PopupSettings, *, on_screen: bool = False) -> list[Candidate]:
        """Names for the completion list at ``cursor``; ``on_screen`` if the editor shows one already.

        The answer is empty while no model is loaded: some editors show no list at all before it arrives.
        """
        if self._models.tokenizer is None:
            return []
        request = ListRequest(limit=settings.limit, imports=settings.imports, on_screen=on_screen)

        def ask(stop: Stop) -> list[Candidate] | None:
            return self._models.ask(document, lambda engine: engine.popup(document, offset, request, stop=stop), stop)

        document, offset = cursor.document, cursor.offset_in_document
        deadline = settings.deadline_ms / 1000
        answer = await self._worker.answer(Kind.POPUP, ask, uri=cursor.uri, deadline=deadline)
        return cursor.relocate(answer or [])

    async def inline(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate]:
        """The ghost text at ``cursor``, if one is likely enough; prepare the one after it."""
        pause = settings.debounce_ms / 1000
        if pause and await self.cached(cursor, settings) is None and not await self._pauses(pause):
            return []
        request = _request(cursor, settings)
        end = time.monotonic() + settings.deadline_ms / 1000
        try:
            served = await self._from_server(cursor, request, settings, cached_first=True)
        except Cancelled:
            return []
        if served is not None:
            return cursor.relocate(served)
        candidates = await self._write(cursor, request, end - time.monotonic(), cached_first=True)
        if candidates is not None:
            self._look_ahead(cursor, candidates)
        return cursor.relocate(candidates or [])

    async def cached(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate] | None:
        """The ghost text at ``cursor`` if it is cached: the user types through it, or it was prepared."""
        request = _request(cursor, settings)

        def ask(stop: Stop = never) -> tuple[list[Candidate] | None]:  # a tuple, which is an answer even of None
            return (self._cached(cursor, request),)

        answer = await self._worker.answer(Kind.GHOST, ask, quick=ask, uri=cursor.uri)
        return None if answer is None or answer[0] is None else cursor.relocate(answer[0])

    async def alternatives(self, cursor: TextCursor, settings: InlineSettings) -> list[Candidate]:
        """Several ghost texts at ``cursor``, however unlikely; blocks unless the settings switch these off."""
        request = GhostRequest(
            n=settings.alternatives,
            max_tokens=settings.max_tokens,
            block=settings.block != "off",
            max_lines=settings.max_lines,
            eagerness="any",
            prose="on",
        )
        end = time.monotonic() + settings.deadline_ms / 1000
        try:
            first = await self._from_server(cursor, dataclasses.replace(request, n=1), settings) or []
        except Cancelled:
            return []
        ours = await self._write(cursor, request, end - time.monotonic()) or []
        others = [each for each in ours if each.text not in {one.text for one in first}]
        return cursor.relocate([*first, *others][: request.n])

    def prepare(self, cursor: TextCursor) -> None:
        """Read the prompt at ``cursor``, where the person may type next; requests, and looking ahead, go first."""
        document, offset = cursor.document, cursor.offset_in_document

        def call(stop: Stop) -> None:
            self._models.ask(document, lambda engine: engine.prepare(document, offset, stop=stop), stop)

        self._background.start("preparing", self._worker.answer(Kind.PREPARE, call, uri=cursor.uri))

    async def _from_server(
        self, cursor: TextCursor, request: GhostRequest, settings: InlineSettings, *, cached_first: bool = False
    ) -> list[Candidate] | None:
        """The ghost text by the server; None if our engine is to answer. Raises ``Cancelled`` if that is overtaken."""
        remote = self._remote()
        if remote is None or not remote.is_up or not self._models.may_be_sent(cursor.document.path):
            return None
        deadline = settings.deadline_ms / 1000
        return await self._served.ghosts(remote, cursor, request, deadline, cached_first=cached_first)

    async def _write(
        self, cursor: TextCursor, request: GhostRequest, deadline: float, *, cached_first: bool = False
    ) -> list[Candidate] | None:
        def ask(stop: Stop) -> list[Candidate] | None:
            return self._models.ask(document, lambda engine: engine.inline(document, offset, request, stop=stop), stop)

        document, offset = cursor.document, cursor.offset_in_document
        quick = partial(self._cached, cursor, request) if cached_first else None
        return await self._worker.answer(Kind.GHOST, ask, quick=quick, uri=cursor.uri, deadline=deadline)

    def _cached(self, cursor: TextCursor, request: GhostRequest) -> list[Candidate] | None:
        document, offset = cursor.document, cursor.offset_in_document
        return self._models.ask(document, lambda engine: engine.cached_inline(document, offset, request), never)

    def on_activity(self) -> None:
        """Note that the user typed; learn from it after a pause."""
        self._end_quiet()
        self._served.overtake()
        self._learn_when_idle()

    def close(self) -> None:
        """Cancel the timer for learning."""
        if self._idle is not None:
            self._idle.cancel()

    def _learn_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._idle_s, lambda: self._background.start("learning", self._learn()))

    async def _pauses(self, seconds: float) -> bool:
        """Wait; True if nothing is typed or requested meanwhile, else False at once."""
        self._end_quiet()
        quiet = self._quiet = asyncio.get_running_loop().create_future()
        await asyncio.wait((quiet,), timeout=seconds)
        return not quiet.done()

    def _end_quiet(self) -> None:
        if self._quiet is not None and not self._quiet.done():
            self._quiet.set_result(None)

    def _look_ahead(self, cursor: TextCursor, candidates: list[Candidate]) -> None:
        """Prepare the ghost text after the first candidate while the user reads it; without one drop a running job."""
        if not candidates:
            self._worker.drop(Kind.AHEAD)
            return

        document, offset, first = cursor.document, cursor.offset_in_document, candidates[0]

        def call(stop: Stop) -> None:
            self._models.ask(document, lambda engine: engine.look_ahead(document, offset, first, stop=stop), stop)

        key = (document.path, document.text, first)
        self._background.start("looking ahead", self._worker.answer(Kind.AHEAD, call, key=key))

    async def _learn(self) -> None:
        if await self._worker.answer(Kind.LEARN, self._models.learn):
            garbage.collect()
        else:
            self._learn_when_idle()  # it was interrupted


def _request(cursor: TextCursor, settings: InlineSettings) -> GhostRequest:
    """The request for ghost text while the user types."""
    text, offset = cursor.document.text, cursor.offset_in_document
    return GhostRequest(
        max_tokens=settings.max_tokens,
        block=settings.block == "automatic" and block_header(text, offset) is not None,
        max_lines=settings.max_lines,
        eagerness=settings.eagerness,
        prose=settings.prose,
    )
