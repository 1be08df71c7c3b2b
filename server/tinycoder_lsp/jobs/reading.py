"""Read the workspace in the background: an index for the memory, symbols for the completion list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from pygls.lsp.server import LanguageServer

from tinycoder_lsp.documents.positions import file_path
from tinycoder_lsp.editor.progress import Bar
from tinycoder_lsp.editor.status import StatusReporter
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.worker import Worker
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.jobs.indexing import Index, Indexing
from tinycoder_lsp.jobs.symbols import Reader, SymbolRequest, Symbols


class WorkspaceReading:
    """Both readers of the workspace. All methods are called from the event loop's thread.

    After files have changed each waits for its pause, in seconds.
    """

    def __init__(
        self,
        server: LanguageServer,
        reporter: StatusReporter,
        models: Models,
        worker: Worker,
        background: Background,
        *,
        index: Index,
        index_pause_s: float,
        open_reader: Callable[[Path, SymbolRequest], Reader],
        symbols_pause_s: float,
    ) -> None:
        self.index = Indexing(
            models,
            worker,
            background,
            index=index,
            bar=lambda: Bar(server, "TinyCoder: indexing"),
            pause_s=index_pause_s,
            on_fault=lambda fault: reporter.fail_once("indexing", fault),
        )
        self.symbols = Symbols(
            models,
            worker,
            background,
            open_reader=open_reader,
            pause_s=symbols_pause_s,
            on_fault=lambda fault: reporter.fail_once("symbols", fault),
        )

    def files_changed(self, uris: Iterable[str]) -> None:
        """Files of the workspace were saved, made or removed: soon read them again."""
        self.index.files_changed()
        self.symbols.files_changed([file_path(uri) for uri in uris if uri.startswith("file:")])

    def again(self) -> None:
        """Read all files again now."""
        self.index.again()
        self.symbols.again()

    def stop(self) -> None:
        """Read nothing until something is wanted again."""
        self.index.want([])
        self.symbols.want(None)

    def close(self) -> None:
        """Stop, for good."""
        self.index.close()
        self.symbols.close()
