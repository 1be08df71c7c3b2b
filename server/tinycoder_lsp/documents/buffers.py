"""The open documents, and which of them have changed since the engine read them.

The event loop's thread writes, the worker's thread reads. Only the latest text of a path counts: a burst of edits
queues one change, and no edit is lost even if requests are cancelled.
"""

import threading

from tinycoder.complete.candidate import Document


class Buffers:
    """Open documents by URI, and changed ones by path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Document] = {}  # in the order of their last changes
        self._queued: dict[str, Document | None] = {}

    def put(self, uri: str, document: Document) -> None:
        """Store a document that was opened or edited."""
        with self._lock:
            before = self._open.pop(uri, None)
            if before is not None and before.path != document.path:
                self._queued[before.path] = self._latest(before.path)
            self._open[uri] = self._queued[document.path] = document

    def remove(self, uri: str) -> None:
        """Drop a document that was closed; another open one may have the same path."""
        with self._lock:
            closed = self._open.pop(uri, None)
            if closed is not None:
                self._queued[closed.path] = self._latest(closed.path)

    def mark_dirty(self) -> None:
        """Queue every open document, for a new engine or one that may have old texts."""
        with self._lock:
            for document in self._open.values():
                self._queued[document.path] = document

    def shown(self, document: Document) -> None:
        """Queue the open document of the path if the engine was just shown another text, ``document``, for it."""
        with self._lock:
            latest = self._latest(document.path)
            if latest is None or latest.text != document.text:
                self._queued.setdefault(document.path, latest)

    def next(self) -> tuple[str, Document | None] | None:
        """Take a change from the queue, if there is one: a path and its document, or None for a closed document."""
        with self._lock:
            path = next(iter(self._queued), None)
            return None if path is None else (path, self._queued.pop(path))

    def uris(self, path: str) -> list[str]:
        """The URIs of the open documents with this path, which outside the workspace is a mere file name."""
        with self._lock:
            return [uri for uri, document in self._open.items() if document.path == path]

    def texts(self) -> dict[str, str]:
        """The texts of the open documents by path."""
        with self._lock:
            return {document.path: document.text for document in self._open.values()}

    def _latest(self, path: str) -> Document | None:
        return next((document for document in reversed(self._open.values()) if document.path == path), None)
