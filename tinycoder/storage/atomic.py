"""A file that changes all at once: written under another name, synced, and renamed into place. Folders of one's own.

Knows nothing of what is in it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone; what is there stays as it is.

    Raises ``OSError`` if the disk refuses.
    """
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)  # raises where something else stands there


@contextmanager
def replaced_file(file: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Yield an empty file that takes the place of ``file`` when the block ends without an error.

    A crash leaves the old file or the new one. Raises ``OSError`` if the disk refuses.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}~", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def replace_text(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Write ``text`` in UTF-8, with its line ends as they are. The folder above is made where it is missing.

    Raises ``OSError`` if the disk refuses.
    """
    make_folder(file.parent)
    with replaced_file(file, mode=mode) as stream:
        stream.write(text.encode("utf-8"))
