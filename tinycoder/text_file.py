"""A text file that changes all at once: written under another name, synced, and renamed into place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_text(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Write ``text`` so that a crash leaves the old file or the new one. Line ends stay as they are.

    The folder above is made where it is missing. Raises ``OSError`` if the disk refuses.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}~", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
