"""Read git's own files, which anybody may have written: regular ones of a bounded size."""

import errno
import os
import stat
from pathlib import Path

MAX_BYTES = 1_000_000


def read_rules(file: Path, *, follow: bool = False) -> bytes:
    """What is in ``file``; nothing if there is none, or no regular file.

    git follows no symbolic link to a ``.gitignore`` file; ``follow`` is for others. Raises ``OSError`` for a file that
    cannot be read or is over ``MAX_BYTES``.
    """
    try:
        status = file.stat(follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    if not stat.S_ISREG(status.st_mode):
        return b""
    if status.st_size > MAX_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
    return file.read_bytes()


def read_own(file: Path, max_bytes: int = MAX_BYTES) -> bytes | None:
    """What is in ``file``, if it is a regular one of at most ``max_bytes`` that can be read."""
    try:
        status = file.stat()
        is_own = stat.S_ISREG(status.st_mode) and status.st_size <= max_bytes
        return file.read_bytes() if is_own else None
    except (OSError, ValueError):  # the latter for a null character in a path
        return None
