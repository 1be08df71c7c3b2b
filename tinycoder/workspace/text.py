"""What reading a workspace yields: texts without secrets, the secrets that were replaced, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass

UNREADABLE = "cannot be read"  # a reason that begins so may be gone the next time


@dataclass(frozen=True, kw_only=True)
class Text:
    """The contents of one file.

    ``path`` is its forward-slashed path in the corpus. ``text`` has a placeholder for each secret, and ``n_bytes`` is
    its size in UTF-8.
    """

    path: str
    text: str
    n_bytes: int

    def skipped(self, reason: str) -> Skipped:
        """The record that leaves this text out."""
        return Skipped(path=self.path, reason=reason, n_bytes=self.n_bytes)


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A file or folder that is not read, with a ``reason`` for people.

    ``n_bytes`` is the file's size on disk; a folder's ``path`` ends in ``/``, and its ``n_bytes`` is 0.
    """

    path: str
    reason: str
    n_bytes: int


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """The position of a replaced secret and its kind, never the secret: a ``line`` of a file, counted from 1."""

    path: str
    line: int
    kind: str


def unreadable(error: OSError) -> str:
    """The reason to skip a file or folder that the system does not let us read."""
    return f"{UNREADABLE} ({error.strerror or type(error).__name__})"
