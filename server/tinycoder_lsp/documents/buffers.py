"""The open documents, and which of them the engine has not been told of yet. Knows no engine and no protocol.

The event loop's thread writes, the worker's thread reads. Only the latest text of a path counts, so that a burst of
edits leaves one piece of news, and no edit is lost although answers are.
"""

from __future__ import annotations

import threading

from tinycoder.complete.candidate import Document


class Buffers:
    """Open documents by URI, and news by path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Document] = {}  # the one that changed last stands last
        self._queued: dict[str, Document | None] = {}

    def put(self, uri: str, document: Document) -> None:
        """The document was opened, or says something else now."""
        with self._lock:
            before = self._open.pop(uri, None)
            if before is not None and before.path != document.path:
                self._queued[before.path] = self._latest(before.path)
            self._open[uri] = self._queued[document.path] = document

    def remove(self, uri: str) -> None:
        """The document was closed; another open one may have the same path."""
        with self._lock:
            closed = self._open.pop(uri, None)
            if closed is not None:
                self._queued[closed.path] = self._latest(closed.path)

    def mark_dirty(self) -> None:
        """Every open document is news: the engine is another, or may know old texts."""
        with self._lock:
            self._tell_all()

    def shown(self, document: Document) -> None:
        """The engine was asked about ``document``, which may not be what stands under its path."""
        with self._lock:
            latest = self._latest(document.path)
            if latest is None or latest.text != document.text:
                self._queued.setdefault(document.path, latest)

    def next(self) -> tuple[str, Document | None] | None:
        """Take a piece of news: a path and its document, or nothing in place of one that is closed."""
        with self._lock:
            path = next(iter(self._queued), None)
            return None if path is None else (path, self._queued.pop(path))

    def uris(self, path: str) -> list[str]:
        """The open documents of this path: outside the workspace's folders it is a name, which many may have."""
        with self._lock:
            return [uri for uri, document in self._open.items() if document.path == path]

    def texts(self) -> dict[str, str]:
        """The texts of the open documents by path."""
        with self._lock:
            return {document.path: document.text for document in self._open.values()}

    def _latest(self, path: str) -> Document | None:
        found = [document for document in self._open.values() if document.path == path]
        return found[-1] if found else None

    def _tell_all(self) -> None:
        for document in self._open.values():
            self._queued[document.path] = document
