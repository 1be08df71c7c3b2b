"""Models under a home folder, and the bundled one: names, which one serves a workspace, and one writer at a time.

While a new run of a finished model is under way, the model stays: the run is saved next to it and replaces it at the
end.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from tinycoder.config import FROM_SCRATCH
from tinycoder.errors import CheckpointError, TrainingError
from tinycoder.storage.atomic import (
    folder_names,
    make_folder,
    own_file,
    readable_folder,
    recover,
    remove_folder,
    replaced_folder,
)
from tinycoder.storage.bundled import BUNDLED, bundled_folder, is_bundled
from tinycoder.storage.checkpoint import (
    AGAIN,
    CONFIG,
    FILES,
    MAX_BYTES,
    STATE,
    TRAINING,
    check_without_values,
    load_model,
    read_json,
    read_training,
)
from tinycoder.storage.forget_list import true_path
from tinycoder.storage.home import expanded
from tinycoder.storage.record import TrainingRecord


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One line of a listing; ``problem`` says why the folder cannot be read, if so.

    ``training`` is empty where it cannot be read. ``bundled`` is the one that comes with TinyCoder, which is only read.
    """

    name: str
    folder: Path
    training: TrainingRecord
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
    if name == FROM_SCRATCH:
        raise CheckpointError(f"{name!r} stands for no model, as in `train --from {name}`; choose another name")
    return _place(home, name)


def _place(home: Path, name: str) -> Path:
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
        return expanded(Path(name_or_path))
    if name_or_path == BUNDLED:
        return bundled_folder()
    folder = _place(home, name_or_path)
    if not exists(folder):
        known = ", ".join(summary.name for summary in list_models(home))
        raise CheckpointError(f"there is no model {name_or_path!r} under {folder.parent} (there are: {known})")
    return folder


def find_model(home: Path, workspaces: Sequence[Path], *, trusted: bool = True) -> Path:
    """The own model of the first workspace that has one, else the newest that learnt from one, else the bundled one.

    Models of other workspaces would suggest other people's code; they are used by name only. Workspaces that are not
    ``trusted`` get the bundled one. A workspace's own model is chosen although it is damaged, so that its problem is
    seen, but not a run that was stopped before it was evaluated.
    """
    names = [workspace_model_name(workspace) for workspace in workspaces] if trusted else []
    if not names:
        return bundled_folder()
    usable = {s.name: s for s in _own_models(home) if s.problem or s.training.val_bpb is not None}
    own = next((usable[name] for name in names if name in usable), None)
    finished = (s for s in usable.values() if not s.problem and s.training.recipe == "code" and s.training.finished)
    learnt = (s for s in finished if not set(names).isdisjoint(s.training.workspaces))
    chosen = own or max(learnt, key=lambda s: s.modified, default=None)
    return chosen.folder if chosen else bundled_folder()


def newest_model(home: Path) -> Path | None:
    """The valid model under ``home`` that was written last, of any recipe, if it was ever evaluated."""
    valid = (s for s in _own_models(home) if s.problem is None and s.training.val_bpb is not None)
    newest = max(valid, key=lambda s: s.modified, default=None)
    return newest.folder if newest else None


def list_models(home: Path) -> list[Summary]:
    """The bundled model, then all under ``home`` by name, damaged ones with their problem. Reads no weights."""
    return [summarise(bundled_folder()), *_own_models(home)]


def _own_models(home: Path) -> list[Summary]:
    """Those under ``home``, except one with the bundled model's name, which no name would give."""
    root = home / "models"
    if not root.is_dir():
        return []
    return [summarise(root / name) for name in folder_names(root) if name != BUNDLED]


def summarise(folder: Path) -> Summary:
    """One folder's line of a listing."""
    training = TrainingRecord()
    problem, n_bytes, modified = None, 0, 0.0
    try:
        training = read_training(folder)
        location = readable_folder(folder)
        n_bytes = sum(path.stat().st_size for path in location.iterdir() if path.is_file())
        modified = (location / TRAINING).stat().st_mtime
        check_without_values(folder)
    except CheckpointError as error:
        problem = str(error).removesuffix(f"; {AGAIN}").replace(f"{folder}{os.sep}", "")
    except OSError as error:  # no rights, or a save in between
        problem = f"it cannot be read ({error.strerror})"
    return Summary(
        name=folder.name,
        folder=folder,
        training=training,
        n_bytes=n_bytes,
        modified=modified,
        resumable=is_resumable(folder),
        problem=problem,
        bundled=is_bundled(folder),
    )


def exists(folder: Path) -> bool:
    """Whether there is a folder to load, also under the name that a crash left it."""
    try:
        return readable_folder(folder).is_dir()
    except CheckpointError:
        return False


def run_folder(folder: Path) -> Path:
    """Where a run of this model is saved until it is finished: next to a finished model, else in ``folder`` itself."""
    own = folder.with_name(f".{folder.name}~run")
    finished = exists(folder) and not (readable_folder(folder) / STATE).exists()
    return own if finished or exists(own) else folder


def is_resumable(folder: Path) -> bool:
    """Whether a run of this model was stopped and could continue."""
    return (run_folder(folder) / STATE).is_file()


def drop_run(folder: Path) -> None:
    """Remove the run that was saved next to a finished model."""
    with suppress(OSError):  # the next writer tries again
        remove_folder(folder.with_name(f".{folder.name}~run"), of=folder)


def copy_model(source: Path, target: Path) -> None:
    """Copy a valid folder. Raises ``CheckpointError`` if the source is damaged or the target exists."""
    load_model(source)
    files = [path for path in readable_folder(source).iterdir() if path.name in FILES]
    for path in files:
        own_file(path, MAX_BYTES[path.name])  # a copy may be given away: it takes no file from elsewhere
    with only_writer(target):
        if target.exists():
            raise CheckpointError(f"{target} exists already; remove it first with `tinycoder checkpoint remove`")
        with replaced_folder(target) as new:
            for path in files:
                shutil.copyfile(path, new / path.name)  # without its rights: the original may be read-only


def remove_model(folder: Path) -> None:
    """Delete a model folder and the run next to it. Raises ``CheckpointError`` for any other folder."""
    refuse_to_remove(folder)
    with only_writer(folder):
        try:
            drop_run(folder)
            remove_folder(folder, of=folder)
        except OSError as error:
            raise CheckpointError(f"cannot remove {folder} ({error.strerror}); check who owns it") from None


def refuse_to_remove(folder: Path) -> None:
    """Raise ``CheckpointError`` for what ``remove_model`` does not delete; it does delete an empty folder."""
    if is_bundled(folder):
        raise CheckpointError(f"the model {BUNDLED} comes with TinyCoder and stays; nothing was removed")
    if not exists(folder):
        raise CheckpointError(f"there is no model folder {folder}; `tinycoder checkpoint list` shows what there is")
    location = readable_folder(folder)
    others = sorted(path.name for path in location.iterdir() if path.name not in FILES)
    if others:
        raise CheckpointError(f"{folder} holds {others[0]!r}, which is no part of a model; nothing was removed")
    try:
        ours = "tinycoder" in read_json(location / CONFIG)
    except (CheckpointError, TypeError):
        ours = (location / TRAINING).is_file()  # damaged, but ours by its other files
    if not ours and any(location.iterdir()):
        raise CheckpointError(f"{folder} is not a TinyCoder model; nothing was removed")


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a model folder, and repair what a crash left there. Its file is there as long as it is held.

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
        _release(lock)
        raise CheckpointError(
            f"cannot write to {folder.parent} ({error.strerror}); choose another folder with TINYCODER_HOME"
        ) from None
    try:
        yield
    finally:
        _release(lock)


def _release(lock: filelock.BaseFileLock) -> None:
    """Let go of a lock that may be held. Whoever opened its file before it is gone finds that out, and tries again."""
    if lock.is_locked:
        with suppress(OSError):  # Windows removes no open file: there, the next line does
            Path(lock.lock_file).unlink()
        lock.release()


def name_of_folders(folders: Sequence[Path]) -> str:
    """The common name of the files that are kept of a workspace with these folders."""
    names = sorted({workspace_model_name(folder) for folder in folders})
    if len(names) == 1:
        return names[0]
    return f"{len(names)}-folders-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:8]}"
