"""Read in the background what the workspace's files define, and again soon after a file has changed.

Until that is done the engine knows the names of the open documents and of the library.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinycoder.stop import Stop
from tinycoder_lsp.editor.status import StatusReporter
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.worker import Worker
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.jobs.latest import LatestJob

if TYPE_CHECKING:
    from tinycoder.symbols.indexing import WorkspaceSymbols

logger = logging.getLogger(__name__)

_SLICE_S = 0.01  # of reading between two waits: most files have not changed, and cost next to nothing
_SUFFIXES = (".py", ".pyi")


@dataclass(frozen=True, kw_only=True)
class SymbolRequest:
    """Whose symbols to read: those of ``folders``, unless they are not ``trusted``, and of their environment.

    ``python`` is the setting for that, ``exclude`` are patterns of files to leave out, and ``keep`` says whether the
    symbols may be kept on the disk.
    """

    folders: tuple[Path, ...]
    python: str | None = None
    exclude: tuple[str, ...] = ()
    trusted: bool = True
    keep: bool = True


class Symbols:
    """Keeps up to date what the engine knows of the workspace. All methods are called from the event loop's thread.

    ``open_reader`` makes the reader of a request, given the home folder; ``pause_s`` seconds after a change it reads.
    """

    def __init__(
        self,
        models: Models,
        answers: Worker,
        background: Background,
        reporter: StatusReporter,
        *,
        open_reader: Callable[[Path, SymbolRequest], WorkspaceSymbols],
        pause_s: float,
    ) -> None:
        self._models = models
        self._open_reader = open_reader
        title = "reading the workspace's symbols"
        self._job = LatestJob[SymbolRequest](
            "symbols", title, self._run, answers, background, reporter, pause_s=pause_s, slice_s=_SLICE_S
        )
        self._reader: WorkspaceSymbols | None = None
        self._changed: set[Path] | None = set()  # since it was read last; None for any files
        self.close = self._job.close

    @property
    def installed(self) -> tuple[Path, ...]:
        """The folders of the environment and of the standard library, as far as they may be read."""
        reader = self._reader
        return (*reader.interpreter.search_paths, reader.interpreter.library) if reader is not None else ()

    def want(self, request: SymbolRequest | None) -> None:
        """Read the symbols of this request, unless that is done already; without one, nothing."""
        if request != self._job.request:
            self._reader = self._changed = None
            self._job.want(request)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """These files were saved, made or removed: soon read them again. What is no Python changes nothing."""
        python = [path for path in paths if path.suffix.lower() in _SUFFIXES]
        if python:
            if self._changed is not None:
                self._changed.update(python)
            self._job.start_soon()

    def again(self) -> None:
        """Look for all changes now."""
        self._changed = None
        self._job.start()

    async def _run(self, request: SymbolRequest, asked: bool) -> None:
        start = time.perf_counter()
        changed, self._changed = self._changed, set()

        def read(stop: Stop) -> bool:
            assert reader is not None
            reader.refresh(changed=None if changed is None else sorted(changed), stop=stop)
            return True

        done: bool | None = None
        try:
            reader = self._reader or await self._job.answer(lambda stop: self._open_reader(self._models.home, request))
            if reader is None or request != self._job.request:
                return
            if reader is not self._reader:
                self._reader = reader
                self._models.know(reader.world, reader.offered)
            done = await self._job.answer(read)
        finally:
            if not done:
                self._changed = None  # nobody knows what was read
        if done and request == self._job.request:
            self._models.know(reader.world, reader.offered)
            logger.info("read the workspace's symbols in %.1f s", time.perf_counter() - start)


def open_workspace(home: Path, request: SymbolRequest) -> WorkspaceSymbols:
    """The reader of a request, for which the variables of this process say where an environment may be."""
    from tinycoder.symbols.indexing import WorkspaceSymbols

    return WorkspaceSymbols(
        home,
        request.folders,
        python=request.python or "",
        environ=os.environ,
        exclude=request.exclude,
        trusted=request.trusted,
        keep=request.keep,
    )
