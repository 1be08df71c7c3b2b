"""The one way to replace a file or a folder: fill another one, sync it, and rename it into place.

Whatever happens in between, the old one or the new one can be read. A folder takes two renames, so names with a ``~``
are reserved: ``.NAME~new-...`` is being filled, ``.NAME~previous`` was NAME before the last rename.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from safetensors import SafetensorError

from tinycoder.errors import CheckpointError


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone. Existing ones keep their rights.

    Raises ``OSError`` if the disk refuses.
    """
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(exist_ok=True)  # raises where there is something else


@contextmanager
def replaced_file(file: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Yield an empty file, also open under its ``name``, that replaces ``file`` when the block ends without an error.

    Raises ``OSError`` if the disk refuses.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}~", dir=file.parent)
    os.close(descriptor)
    try:
        with Path(name).open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def replace_text(file: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace ``file`` by ``text`` in UTF-8, line ends unchanged. Make the folder above where it is missing.

    Raises ``OSError`` if the disk refuses.
    """
    make_folder(file.parent)
    with replaced_file(file, mode=mode) as stream:
        stream.write(text.encode("utf-8"))


def readable_folder(folder: Path) -> Path:
    """``folder``, or the previous one where a crash fell between the two renames of a save.

    Raises ``CheckpointError`` where there is neither.
    """
    if folder.is_dir():
        return folder
    if _previous(folder).is_dir():
        return _previous(folder)
    raise CheckpointError(f"there is no model folder {folder}; `tinycoder checkpoint list` shows what there is")


def own_file(path: Path, most: int) -> Path | None:
    """``path``, a regular file of its folder of at most ``most`` bytes; None where there is nothing.

    A folder may come from anywhere. Raises ``CheckpointError`` for a link that leads out of the folder, for a pipe or
    device that a reader might wait for without end, and for a larger file.
    """
    try:
        if not (path.exists() or path.is_symlink()):
            return None
        if path.is_symlink() and path.parent.resolve() not in path.resolve().parents:
            raise CheckpointError(f"{path} is a link that leads out of its folder; put the file itself there")
        if not path.is_file():
            raise CheckpointError(f"{path} is not a file; put the file itself there")
        size = path.stat().st_size
    except (OSError, RuntimeError) as error:  # a link that leads in a circle is either
        raise CheckpointError(f"{path} cannot be read ({error}); check who owns it") from None
    if size > most:
        raise CheckpointError(f"{path} has {size:,} bytes, more than the {most:,} that are read; it is no file of ours")
    return path


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces ``folder`` when the block ends without an error.

    The old folder can be loaded until the new one is complete, and is kept if anything fails. Only its owner can read
    the new one, since weights may repeat verbatim what they learnt. Raises ``CheckpointError`` if the disk refuses.
    """
    new: Path | None = None
    try:
        make_folder(folder.parent)
        recover(folder)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}~new-", dir=folder.parent))
        yield new
        for path in new.iterdir():
            _sync(path)
        _sync(new)
        _swap(new, folder)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CheckpointError(
            f"cannot save the model to {folder} ({reason}); what was there before is kept: "
            "free some space or choose another place with TINYCODER_HOME"
        ) from None
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


def remove_folder(folder: Path, *, of: Path) -> None:
    """Remove ``folder``, if there is one. What a crash leaves of it has a name that ``recover(of)`` clears away.

    Raises ``OSError`` if the disk refuses.
    """
    if folder.exists():
        gone = Path(tempfile.mkdtemp(prefix=f".{of.name}~new-", dir=of.parent))
        try:
            folder.rename(gone / "removed")
        finally:
            shutil.rmtree(gone, ignore_errors=True)


def recover(folder: Path) -> None:
    """Repair what a crash left: a save between its two renames, or a new folder half filled.

    Only the one writer of the folder may call this.
    """
    previous = _previous(folder)
    if previous.is_dir() and not folder.exists():
        previous.rename(folder)
    for left in (previous, *folder.parent.glob(f".{folder.name}~new-*")):
        shutil.rmtree(left, ignore_errors=True)


def folder_names(root: Path) -> list[str]:
    """Names of the folders in ``root``, also of one that a crash left under its other name."""
    folders = [path.name for path in root.iterdir() if path.is_dir()]
    hidden = [name[1:].removesuffix("~previous") for name in folders if name.endswith("~previous")]
    return sorted(name for name in {*folders, *hidden} if not name.startswith("."))


def _swap(new: Path, folder: Path) -> None:
    previous = _previous(folder)
    if folder.exists():
        folder.rename(previous)
    try:
        new.rename(folder)
    except OSError:
        if previous.exists():
            previous.rename(folder)
        raise
    with suppress(OSError):  # the new folder is in place already
        _sync(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}~previous")


def _sync(path: Path) -> None:
    """Ask the disk to keep what was written; a directory cannot be opened for that on Windows."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
