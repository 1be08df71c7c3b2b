"""Index the workspace in the background, and again when folders, model or files change.

Until an index is there the engine answers without it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tinycoder.stop import Stop
from tinycoder_lsp.editor.progress import Bar
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.worker import MAX_FAULTS, Kind, Worker
from tinycoder_lsp.jobs.background import Background

if TYPE_CHECKING:
    from tinycoder.memory.suffix_index import Workspace
    from tinycoder.transformer.tokenizer import Tokenizer

logger = logging.getLogger(__name__)

_YIELD_S = 0.2  # seconds that the index waits for a running answer, at each file

Progress = Callable[[int, int], None]
_Request = tuple["Tokenizer", tuple[Path, ...], tuple[str, ...]]


class Index(Protocol):
    """Reads the files under some folders; ``index_folders`` in use."""

    def __call__(
        self,
        home: Path,
        folders: Sequence[Path],
        tokenizer: Tokenizer,
        *,
        exclude: Sequence[str],
        stop: Stop,
        progress: Progress,
    ) -> Workspace:
        """Raise ``Cancelled`` once ``stop`` says so; tell ``progress`` how many of all files are done."""


class Indexing:
    """A thread that indexes, for the latest request only. All methods are called from the event loop's thread."""

    def __init__(
        self,
        models: Models,
        answers: Worker,
        background: Background,
        *,
        index: Index,
        bar: Callable[[], Bar],
        pause_s: float,
        on_fault: Callable[[BaseException], object] = lambda fault: None,
    ) -> None:
        self._models = models
        self._answers = answers
        self._background = background
        self._index = index
        self._bar = bar
        self._pause_s = pause_s
        self._on_fault = on_fault
        self._worker = Worker("indexing", on_fault=self._failed)
        self._request: _Request | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._n_running = 0

    def want(self, folders: Sequence[Path], *, exclude: Sequence[str] = ()) -> None:
        """Index these folders for the model that is loaded, unless that is done already; without either, nothing.

        ``exclude`` are patterns of files to leave out.
        """
        tokenizer = self._models.tokenizer
        request = (tokenizer, tuple(folders), tuple(exclude)) if tokenizer is not None and folders else None
        if request == self._request:
            return
        self._request = request
        self._worker.drop(Kind.LOAD)
        if request is not None:
            self._background.start("indexing the workspace", self._run(request, self._bar()))

    def files_changed(self) -> None:
        """Index again, once in a while however often files change: what has not changed costs little."""
        if self._request is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._again)

    def again(self) -> None:
        """Index again now, in sight."""
        if self._request is not None:
            self._worker.drop(Kind.LOAD)
            self._background.start("indexing the workspace", self._run(self._request, self._bar()))

    def close(self) -> None:
        """Stop, for good."""
        if self._timer is not None:
            self._timer.cancel()
        self._request = None
        self._worker.close(patience=0)  # it keeps nothing but whole files

    def _failed(self, fault: BaseException, n: int) -> None:
        self._on_fault(fault)
        if n < MAX_FAULTS:
            self.files_changed()

    def _again(self) -> None:
        self._timer = None
        if self._n_running:
            self.files_changed()  # what is under way first, or one that takes long would never end
        elif self._request is not None:
            self._background.start("indexing the workspace", self._run(self._request, None))

    async def _run(self, request: _Request, bar: Bar | None) -> None:
        tokenizer, folders, exclude = request
        self._n_running += 1
        start = time.perf_counter()
        if bar is not None:
            self._background.start("the bar of progress", bar.open())

        def call(stop: Stop) -> Workspace:
            def yielding_stop() -> bool:
                if not stop():
                    self._answers.wait_until_free(_YIELD_S)
                return stop()

            progress = bar.report if bar is not None else _not_shown
            home = self._models.home
            return self._index(home, folders, tokenizer, exclude=exclude, stop=yielding_stop, progress=progress)

        try:
            workspace = await self._worker.answer(Kind.LOAD, call)
        finally:
            self._n_running -= 1
            if bar is not None:
                bar.close()
        if workspace is not None and request == self._request:
            self._models.remember(tokenizer, workspace)
            logger.info("indexed the workspace in %.1f s", time.perf_counter() - start)


def index_folders(
    home: Path,
    folders: Sequence[Path],
    tokenizer: Tokenizer,
    *,
    exclude: Sequence[str],
    stop: Stop,
    progress: Progress,
) -> Workspace:
    """Index with the index file under ``home``."""
    from tinycoder.memory.indexing import index_at_home

    return index_at_home(home, folders, tokenizer, exclude=exclude, stop=stop, progress=progress)


def _not_shown(done: int, total: int) -> None:
    """Progress that is not shown."""
