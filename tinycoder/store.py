"""Models under a home folder: names, which one serves a workspace, and one writer at a time."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from tinycoder.checkpoint import CONFIG, STATE, TRAINING, WEIGHTS, load_model, read_training, replaced_folder
from tinycoder.errors import CheckpointError, TrainingError


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One line of a listing; ``problem`` says why the folder cannot be read, if so."""

    name: str
    folder: Path
    training: Mapping[str, Any]
    n_bytes: int
    modified: float
    resumable: bool
    problem: str | None


def workspace_model_name(workspace: Path) -> str:
    """Name of the model that belongs to a folder: the folder's name and a hash of its whole path."""
    path = workspace.resolve()
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", path.name).strip("-") or "workspace"
    return f"{slug}-{hashlib.sha256(path.as_posix().encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def model_folder(home: Path, name: str) -> Path:
    """Folder of the model ``name`` under ``home``. Raises ``CheckpointError`` for what cannot be a name."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name):
        raise CheckpointError(
            f"{name!r} cannot be a model's name; use up to 100 letters, digits, '-', '_' and '.', not starting with '.'"
        )
    return home / "models" / name


def resolve_model(home: Path, name_or_path: str) -> Path:
    """Folder of an existing model, given its name, or its path where that contains a separator."""
    if "/" in name_or_path or "\\" in name_or_path:
        return Path(name_or_path).expanduser()
    folder = model_folder(home, name_or_path)
    if not folder.is_dir():
        known = ", ".join(summary.name for summary in list_models(home)) or "none yet; `tinycoder train` makes one"
        raise CheckpointError(f"there is no model {name_or_path!r} under {folder.parent} (there are: {known})")
    return folder


def find_model(home: Path, workspaces: Sequence[Path]) -> Path | None:
    """The model of the first workspace that has one, else the newest model of code, else the newest of all."""
    for workspace in workspaces:
        folder = home / "models" / workspace_model_name(workspace)
        if folder.is_dir():
            return folder
    usable = [summary for summary in list_models(home) if summary.problem is None]
    newest = max(usable, key=lambda s: (s.training.get("recipe") == "code", s.modified), default=None)
    return newest.folder if newest else None


def list_models(home: Path) -> list[Summary]:
    """All model folders by name, damaged ones with their problem. Reads no weights."""
    root = home / "models"
    if not root.is_dir():
        return []
    return [summarise(path) for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def summarise(folder: Path) -> Summary:
    """What a listing says of one folder."""
    training: Mapping[str, Any] = {}
    problem = None
    try:
        training = read_training(folder)
        for name in (CONFIG, WEIGHTS):
            if not (folder / name).is_file():
                problem = f"{name} is missing"
    except CheckpointError as error:
        problem = str(error)
    files = [path.stat() for path in folder.iterdir() if path.is_file()]
    written = folder / TRAINING
    return Summary(
        name=folder.name,
        folder=folder,
        training=training,
        n_bytes=sum(file.st_size for file in files),
        modified=written.stat().st_mtime if written.is_file() else 0.0,
        resumable=(folder / STATE).is_file(),
        problem=problem,
    )


def copy_model(source: Path, target: Path) -> None:
    """Copy a sound folder. Raises ``CheckpointError`` if the source is damaged or the target exists."""
    load_model(source)
    if target.exists():
        raise CheckpointError(f"{target} exists already; remove it first with `tinycoder checkpoint remove`")
    with only_writer(target), replaced_folder(target) as new:
        for path in source.iterdir():
            if path.is_file():
                shutil.copy2(path, new / path.name)


def remove_model(folder: Path) -> None:
    """Delete a model folder; anything else is refused with ``CheckpointError``."""
    if not (folder / CONFIG).is_file():
        raise CheckpointError(f"{folder} is not a model folder (it has no {CONFIG}); nothing was removed")
    with only_writer(folder):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise CheckpointError(f"cannot remove {folder} ({error.strerror}); check who owns it") from None


def set_aside(folder: Path) -> None:
    """Rename a finished model to NAME.old, in place of an older one; an unfinished run stays where it is."""
    if folder.is_dir() and not (folder / STATE).exists():
        old = folder.with_name(f"{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a model folder. Raises ``TrainingError`` at once if another process holds it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder.parent / f".{folder.name}.lock", timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise TrainingError(
            f"another process is writing the model {folder.name!r}; wait until it ends, or choose another --name"
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"cannot write to {folder.parent} ({error.strerror}); choose another place with TINYCODER_HOME"
        ) from None
    with lock:
        lock.release()  # the block's own count keeps it
        yield
