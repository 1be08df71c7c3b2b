"""Models under a home folder, and the one that ships: names, which one serves a workspace, and one writer at a time.

A finished model NAME stays in its place while a new run of that name is under way: the run is then saved beside it and
takes its place when it is finished.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from tinycoder.errors import CheckpointError, TrainingError
from tinycoder.storage.atomic import make_folder
from tinycoder.storage.bundled import BUNDLED, bundled_folder, is_bundled
from tinycoder.storage.checkpoint import (
    CONFIG,
    FILES,
    MAX_BYTES,
    STATE,
    TRAINING,
    WEIGHTS,
    load_model,
    read_json,
    read_training,
)
from tinycoder.storage.folder import folder_names, own_file, readable_folder, recover, remove_folder, replaced_folder
from tinycoder.storage.forget_list import true_path


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One line of a listing; ``problem`` says why the folder cannot be read, if so.

    ``bundled`` is the model that comes with TinyCoder, which is not under the home folder and only read.
    """

    name: str
    folder: Path
    training: Mapping[str, Any]
    n_bytes: int
    modified: float
    resumable: bool
    problem: str | None
    bundled: bool


def workspace_model_name(workspace: Path) -> str:
    """Name of the model that belongs to a folder: the folder's name and a hash of its whole path."""
    path = true_path(workspace)
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", path.name).strip("-")[:60] or "workspace"
    return f"{slug}-{hashlib.sha256(path.as_posix().encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def model_folder(home: Path, name: str) -> Path:
    """Where the model ``name`` is written, under ``home``. Raises ``CheckpointError`` for what cannot be its name."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name):
        raise CheckpointError(
            f"{name!r} cannot be a model's name; use up to 100 letters, digits, '-', '_' and '.', not starting with '.'"
        )
    if name == BUNDLED:
        raise CheckpointError(f"{name!r} is the name of the model that comes with TinyCoder; choose another name")
    return home / "models" / name


def resolve_model(home: Path, name_or_path: str) -> Path:
    """Folder of an existing model, given its name, or its path where that contains a separator."""
    if "/" in name_or_path or "\\" in name_or_path:
        return Path(name_or_path).expanduser()
    if name_or_path == BUNDLED:
        return bundled_folder()
    folder = model_folder(home, name_or_path)
    if not exists(folder):
        known = ", ".join(summary.name for summary in list_models(home))
        raise CheckpointError(f"there is no model {name_or_path!r} under {folder.parent} (there are: {known})")
    return folder


def find_model(home: Path, workspaces: Sequence[Path], *, trusted: bool = True) -> Path:
    """The own model of the first workspace that has one, else the newest that learnt from one, else the shipped one.

    Models of other workspaces would suggest other people's code; they are used by name only. Of workspaces that are
    not ``trusted`` no model is used.

    A damaged model of a workspace's own is found too, so that its problem is seen; a run that was stopped before
    it was evaluated is not.
    """
    names = [workspace_model_name(workspace) for workspace in workspaces] if trusted else []
    if not names:
        return bundled_folder()
    usable = {s.name: s for s in _own_models(home) if s.problem or s.training.get("val_bpb") is not None}
    own = next((usable[name] for name in names if name in usable), None)
    learnt = (s for s in usable.values() if s.problem is None and _learnt_from(s.training, names))
    found = own or max(learnt, key=lambda s: s.modified, default=None)
    return found.folder if found else bundled_folder()


def newest_model(home: Path) -> Path | None:
    """The sound model under ``home`` that was written last, of any recipe, if it was ever evaluated."""
    sound = (s for s in _own_models(home) if s.problem is None and s.training.get("val_bpb") is not None)
    newest = max(sound, key=lambda s: s.modified, default=None)
    return newest.folder if newest else None


def list_models(home: Path) -> list[Summary]:
    """The shipped model, then all under ``home`` by name, damaged ones with their problem. Reads no weights."""
    return [summarise(bundled_folder()), *_own_models(home)]


def _own_models(home: Path) -> list[Summary]:
    """Those under ``home``. What bears the name of the shipped model there can be had by no name."""
    root = home / "models"
    if not root.is_dir():
        return []
    return [summarise(root / name) for name in folder_names(root) if name != BUNDLED]


def _learnt_from(training: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether this is a finished model of code from one of these workspaces; a damaged file may say anything."""
    known = training.get("workspaces")
    finished = training.get("recipe") == "code" and training.get("finished") is True
    return finished and isinstance(known, list) and any(name in known for name in names)


def summarise(folder: Path) -> Summary:
    """What a listing says of one folder."""
    training: Mapping[str, Any] = {}
    problem, n_bytes, modified = None, 0, 0.0
    try:
        training = read_training(folder)
        place = readable_folder(folder)
        for name in (CONFIG, WEIGHTS):
            if not (place / name).is_file():
                problem = f"{name} is missing"
        n_bytes = sum(path.stat().st_size for path in place.iterdir() if path.is_file())
        modified = (place / TRAINING).stat().st_mtime
    except CheckpointError as error:
        problem = str(error)
    except OSError as error:  # no rights, or a save that fell between two looks
        problem = f"it cannot be read ({error.strerror})"
    return Summary(
        name=folder.name,
        folder=folder,
        training=training,
        n_bytes=n_bytes,
        modified=modified,
        resumable=(run_folder(folder) / STATE).is_file(),
        problem=problem,
        bundled=is_bundled(folder),
    )


def exists(folder: Path) -> bool:
    """Whether there is something to load, if only what a crash left under its other name."""
    try:
        return readable_folder(folder).is_dir()
    except CheckpointError:
        return False


def run_folder(folder: Path) -> Path:
    """Where a run of this name is saved until it is finished: beside a finished model, else in its place."""
    beside = folder.with_name(f".{folder.name}~run")
    finished = exists(folder) and not (readable_folder(folder) / STATE).exists()
    return beside if finished or exists(beside) else folder


def drop_run(folder: Path) -> None:
    """Forget what was saved beside a finished model."""
    with suppress(OSError):  # it is found again by the next one, whole
        remove_folder(folder.with_name(f".{folder.name}~run"), of=folder)


def copy_model(source: Path, target: Path) -> None:
    """Copy a sound folder. Raises ``CheckpointError`` if the source is damaged or the target exists."""
    load_model(source)
    files = [path for path in readable_folder(source).iterdir() if path.name in FILES]
    for path in files:
        own_file(path, MAX_BYTES[path.name])  # a copy may be given away: it takes no file from elsewhere
    with only_writer(target):
        if target.exists():
            raise CheckpointError(f"{target} exists already; remove it first with `tinycoder checkpoint remove`")
        with replaced_folder(target) as new:
            for path in files:
                shutil.copyfile(path, new / path.name)  # not its rights: what was installed may be read-only


def remove_model(folder: Path) -> None:
    """Delete a model folder and a run beside it; anything else is refused with ``CheckpointError``."""
    if is_bundled(folder):
        raise CheckpointError(f"the model {BUNDLED} comes with TinyCoder and stays; nothing was removed")
    if not exists(folder):
        raise CheckpointError(f"there is no model folder {folder}; `tinycoder checkpoint list` shows what there is")
    place = readable_folder(folder)
    others = sorted(path.name for path in place.iterdir() if path.name not in FILES)
    if others:
        raise CheckpointError(f"{folder} holds {others[0]!r}, which is no part of a model; nothing was removed")
    try:
        ours = "tinycoder" in read_json(place / CONFIG)
    except (CheckpointError, TypeError):
        ours = (place / TRAINING).is_file()  # damaged, but ours by its other files
    if not ours:
        raise CheckpointError(f"{folder} is not a TinyCoder model; nothing was removed")
    with only_writer(folder):
        try:
            drop_run(folder)
            remove_folder(folder, of=folder)
        except OSError as error:
            raise CheckpointError(f"cannot remove {folder} ({error.strerror}); check who owns it") from None


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a model folder, and put right what a crash left there.

    Raises ``TrainingError`` at once if another process holds the lock.
    """
    lock = filelock.FileLock(folder.with_name(f".{folder.name}~lock"), timeout=0)
    try:
        make_folder(folder.parent)
        lock.acquire()
        recover(folder)
        recover(folder.with_name(f".{folder.name}~run"))
    except filelock.Timeout:
        raise TrainingError(
            f"another process is writing the model {folder.name!r}; wait until it ends, or choose another name"
        ) from None
    except OSError as error:
        lock.release()
        raise CheckpointError(
            f"cannot write to {folder.parent} ({error.strerror}); choose another place with TINYCODER_HOME"
        ) from None
    try:
        yield
    finally:
        lock.release()


def name_of_folders(folders: Sequence[Path]) -> str:
    """What the files that are kept of a workspace of these folders begin with."""
    names = sorted({workspace_model_name(folder) for folder in folders})
    if len(names) == 1:
        return names[0]
    return f"{len(names)}-folders-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:8]}"
