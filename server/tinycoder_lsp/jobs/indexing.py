"""Index the workspace in the background, and again when folders, model or files change.

Until an index is there the engine answers without it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinycoder.stop import Progress, Stop, no_progress
from tinycoder_lsp.editor.progress import Bar
from tinycoder_lsp.editor.status import StatusReporter
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.worker import Worker
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.jobs.latest import LatestJob

if TYPE_CHECKING:
    from tinycoder.memory.suffix_index import SuffixIndex
    from tinycoder.transformer.tokenizer import Tokenizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class IndexRequest:
    """The files to index for a tokenizer: those under ``folders`` that no pattern of ``exclude`` leaves out."""

    tokenizer: Tokenizer
    folders: tuple[Path, ...]
    exclude: tuple[str, ...] = ()


Index = Callable[[Path, IndexRequest, Stop, Progress], "SuffixIndex"]
"""Indexes, given the home folder; raises ``Cancelled`` once the stop says so."""


class Indexing:
    """Keeps the models' index up to date. All methods are called from the event loop's thread."""

    def __init__(
        self,
        models: Models,
        answers: Worker,
        background: Background,
        reporter: StatusReporter,
        *,
        index: Index,
        bar: Callable[[], Bar],
        pause_s: float,
    ) -> None:
        self._models = models
        self._background = background
        self._index = index
        self._bar = bar
        title = "indexing the workspace"
        self._job = LatestJob[IndexRequest](
            "indexing", title, self._run, answers, background, reporter, pause_s=pause_s
        )
        self.files_changed, self.again, self.close = self._job.start_soon, self._job.start, self._job.close

    def want(self, folders: Sequence[Path], *, exclude: Sequence[str] = ()) -> None:
        """Index these folders for the model that is loaded, unless that is done already; without either, nothing.

        ``exclude`` are patterns of files to leave out.
        """
        tokenizer, request = self._models.tokenizer, None
        if tokenizer is not None and folders:
            request = IndexRequest(tokenizer=tokenizer, folders=tuple(folders), exclude=tuple(exclude))
        if request != self._job.request:
            self._job.want(request)

    async def _run(self, request: IndexRequest, asked: bool) -> None:
        start = time.perf_counter()
        bar = self._bar() if asked else None
        if bar is not None:
            self._background.start("the bar of progress", bar.open())

        progress = bar.report if bar is not None else no_progress
        try:
            workspace = await self._job.answer(lambda stop: self._index(self._models.home, request, stop, progress))
        finally:
            if bar is not None:
                bar.close()
        if workspace is not None and request == self._job.request:
            self._models.remember(request.tokenizer, workspace)
            logger.info("indexed the workspace in %.1f s", time.perf_counter() - start)


def index_folders(home: Path, request: IndexRequest, stop: Stop, progress: Progress) -> SuffixIndex:
    """Index with the index file under ``home``."""
    from tinycoder.memory.indexing import index_at_home

    return index_at_home(
        home, request.folders, request.tokenizer, exclude=request.exclude, stop=stop, progress=progress
    )
