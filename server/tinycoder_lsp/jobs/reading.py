"""Read the workspace in the background: an index for the memory, symbols for the completion list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder_lsp.documents.positions import file_path
from tinycoder_lsp.jobs.indexing import Indexing
from tinycoder_lsp.jobs.symbols import Symbols


@dataclass(frozen=True, kw_only=True)
class WorkspaceReading:
    """Both readers of the workspace. All methods are called from the event loop's thread."""

    index: Indexing
    symbols: Symbols

    def files_changed(self, uris: Iterable[str]) -> None:
        """Files of the workspace were saved, made or removed: soon read them again."""
        self.paths_changed([file_path(uri) for uri in uris if uri.startswith("file:")])

    def paths_changed(self, paths: Sequence[Path]) -> None:
        """The same, by the paths of the files."""
        self.index.files_changed()
        self.symbols.files_changed(paths)

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
