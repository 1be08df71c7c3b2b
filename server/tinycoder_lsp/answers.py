"""What is asked of the worker for an editor's requests, and in between. Knows no request and no item.

A request that was overtaken, by a newer one or by an edit, is answered empty, which every client takes in silence.
LSP's codes are no better here: ServerCancelled is kept for requests that say so, and ContentModified, which VS Code's
client turns into an empty answer, reaches the callbacks of Neovim's plugins as an error, to be logged or shown.
"""

from __future__ import annotations

import asyncio

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp.background import Background
from tinycoder_lsp.documents import Spot, opens_block
from tinycoder_lsp.models import Models
from tinycoder_lsp.settings import InlineSettings, PopupSettings
from tinycoder_lsp.worker import Kind, Stop, Worker


class Answers:
    """Asks one worker. All methods are called from the event loop's thread."""

    def __init__(self, models: Models, worker: Worker, background: Background, *, idle_s: float) -> None:
        self._models = models
        self._worker = worker
        self._background = background
        self._idle_s = idle_s
        self._idle: asyncio.TimerHandle | None = None

    async def popup(self, spot: Spot, settings: PopupSettings) -> list[Candidate]:
        """Words for the popup at ``spot``."""

        def call(stop: Stop) -> list[Candidate]:
            return self._models.popup(spot.document, spot.offset, stop=stop, limit=settings.limit)

        deadline = settings.deadline_ms / 1000
        return await self._worker.answer(Kind.POPUP, call, uri=spot.uri, deadline=deadline) or []

    async def inline(self, spot: Spot, settings: InlineSettings) -> list[Candidate]:
        """The ghost text at ``spot``, if one is likely enough. What follows it is prepared."""
        document, offset = spot.document, spot.offset
        block = settings.block == "automatic" and opens_block(document.text, offset)
        most, threshold = settings.max_tokens, settings.threshold

        def call(stop: Stop) -> list[Candidate]:
            return self._models.inline(
                document, offset, stop=stop, max_tokens=most, n=1, block=block, threshold=threshold
            )

        def quick() -> list[Candidate] | None:
            return self._models.known_inline(document, offset, max_tokens=most, block=block, threshold=threshold)

        deadline = settings.deadline_ms / 1000
        found = await self._worker.answer(Kind.GHOST, call, quick=quick, uri=spot.uri, deadline=deadline)
        if found is not None:
            self._look_ahead(spot, found)
        return found or []

    async def alternatives(self, spot: Spot, settings: InlineSettings) -> list[Candidate]:
        """Several ghost texts at ``spot``, however unlikely; of several lines unless the settings say else."""

        def call(stop: Stop) -> list[Candidate]:
            return self._models.inline(
                spot.document,
                spot.offset,
                stop=stop,
                max_tokens=settings.max_tokens,
                n=settings.alternatives,
                block=settings.block != "off",
                threshold=0.0,
            )

        deadline = settings.deadline_ms / 1000
        return await self._worker.answer(Kind.GHOST, call, uri=spot.uri, deadline=deadline) or []

    def stir(self) -> None:
        """Something is being typed: it is learnt from once there is quiet."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._rest)

    def close(self) -> None:
        """Wait for no quiet any more."""
        if self._idle is not None:
            self._idle.cancel()

    def _look_ahead(self, spot: Spot, found: list[Candidate]) -> None:
        """Let the ghost text after this one be prepared while the person reads; without one drop what was begun."""
        if not found:
            self._worker.drop(Kind.AHEAD)
            return

        def call(stop: Stop) -> None:
            self._models.look_ahead(spot.document, spot.offset, found[0], stop=stop)

        key = (spot.document.path, spot.document.text, found[0])
        self._background.start("looking ahead", self._worker.answer(Kind.AHEAD, call, key=key))

    def _rest(self) -> None:
        self._background.start("learning", self._learn())

    async def _learn(self) -> None:
        if not await self._worker.answer(Kind.LEARN, self._models.learn):
            self.stir()  # it was interrupted
