"""A folder that changes all at once: filled under another name, synced, and renamed into place.

Whatever happens in between, the old folder or the new one can be read. Knows nothing of what is in it. Names with a
``~`` are its own: ``.NAME~new-...`` is being filled, ``.NAME~previous`` was NAME before the last rename.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from tinycoder.errors import CheckpointError
from tinycoder.storage.atomic import make_folder


def readable_folder(folder: Path) -> Path:
    """``folder``, or the previous one where a crash fell between the two renames of a save."""
    if folder.is_dir():
        return folder
    if _previous(folder).is_dir():
        return _previous(folder)
    raise CheckpointError(f"there is no model folder {folder}; `tinycoder checkpoint list` shows what there is")


def own_file(path: Path, most: int) -> Path | None:
    """``path``, a file of its folder of at most ``most`` bytes; None where there is nothing.

    Raises ``CheckpointError`` for a link that leads out of the folder, for what is no file and might be waited for
    without end, and for what is larger: a folder may come from anywhere.
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
    """Yield an empty folder that takes the place of ``folder`` when the block ends without an error.

    The old folder stays loadable until the new one is complete, and stays in its place if anything fails. The new one
    is its owner's alone, since weights may say by heart what they learnt.
    Raises ``CheckpointError`` if the disk refuses.
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
    """Remove ``folder`` all at once: what a crash leaves of it is under a name that ``recover(of)`` clears away.

    Raises ``OSError`` if the disk refuses; what is missing is removed already.
    """
    if folder.exists():
        gone = Path(tempfile.mkdtemp(prefix=f".{of.name}~new-", dir=of.parent))
        try:
            folder.rename(gone / "removed")
        finally:
            shutil.rmtree(gone, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put right what a crash left behind: a save between its two renames, or a new folder half filled.

    For the one writer of the folder only.
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
    with suppress(OSError):  # the new folder is in its place; when the disk notes the rename is not ours to say
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
