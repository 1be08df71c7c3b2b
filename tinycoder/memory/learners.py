"""Which models may repeat verbatim what is to be forgotten, and which other files on disk hold it.

Weights cannot unlearn, so the models are named, as far as training.json says what they learnt from.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder.errors import CheckpointError, TrainingError
from tinycoder.memory.index_file import load_index
from tinycoder.storage.atomic import readable_folder
from tinycoder.storage.checkpoint import STATE, read_training
from tinycoder.storage.forget_list import Forgotten, digest_of, load_forgotten
from tinycoder.storage.home import report_page
from tinycoder.storage.models import is_resumable, list_models, only_writer, run_folder, workspace_model_name
from tinycoder.storage.record import TrainingRecord

SUFFIXES = (".py", ".pyi")  # of single files that were trained on


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A model, or a run that was stopped, that read a folder which holds a forgotten path.

    ``text`` is the file of a stopped run that holds what it reads, as ids; ``report`` a page that may quote it.
    """

    name: str
    folder: Path
    text: Path | None
    report: Path | None


def learners(home: Path, paths: Iterable[Path]) -> list[Learner]:
    """Models and stopped runs that have read one of these true paths, as far as is known, by name."""
    indexed = _indexed_folders(home)
    names = {path: _workspaces_with(path, indexed) for path in paths}
    result = []
    for summary in list_models(home):
        page = report_page(home, summary.name)
        for folder in dict.fromkeys((summary.folder, run_folder(summary.folder))):
            try:
                training = read_training(folder)
                state = readable_folder(folder) / STATE
            except CheckpointError:
                continue
            if any(_has_read(training, path, within) for path, within in names.items()):
                text, report = (file if file.is_file() else None for file in (state, page))
                result.append(Learner(name=summary.name, folder=folder, text=text, report=report))
    return result


def written_now(home: Path) -> list[str]:
    """Names of the models that another process is writing right now: it may have read anything before."""
    names = []
    for file in sorted((home / "models").glob(".*~lock")):
        name = file.name[1:].removesuffix("~lock")
        try:
            with only_writer(home / "models" / name):
                pass
        except (TrainingError, CheckpointError):
            names.append(name)
    return names


def left_out(forgotten: Forgotten, folders: Sequence[Path], start: TrainingRecord | None = None) -> list[str]:
    """Digests of the forgotten paths that a run on these true paths does not learn, for its training.json.

    ``start`` is the record of the model that the run continues from, which may have learnt some of them.
    """
    within, above = set(folders), {each for folder in folders for each in (folder, *folder.parents)}
    related = [path for path in forgotten.paths if path in above or not within.isdisjoint(path.parents)]
    return [digest_of(path) for path in related if start is None or not _has_read(start, path, _names_above(path))]


def refuse_forgotten(home: Path, folder: Path) -> None:
    """Raise ``TrainingError`` if a stopped run of the model ``folder`` reads what was forgotten since."""
    if not is_resumable(folder):
        return
    if path := _read_and_forgotten(home, read_training(run_folder(folder))):
        raise TrainingError(
            f"the run that was stopped may have read {path}, which was forgotten since; "
            "start anew with --overwrite, without --resume: what is forgotten is left out then"
        )


def refuse_forgotten_shards(home: Path, folder: Path, workspaces: tuple[str, ...], forgotten: tuple[str, ...]) -> None:
    """Raise ``TrainingError`` if the shards in ``folder``, written of ``workspaces``, hold what was forgotten since.

    ``forgotten`` are digests of the paths that they leave out.
    """
    if path := _read_and_forgotten(home, TrainingRecord(workspaces=workspaces, forgotten=forgotten)):
        raise TrainingError(
            f"the shards in {folder} may hold {path}, which was forgotten since; "
            "write them again with `tinycoder corpus`: what is forgotten is left out then"
        )


def _read_and_forgotten(home: Path, training: TrainingRecord) -> Path | None:
    """The first path that is to be forgotten and may have been read, if any."""
    indexed = _indexed_folders(home)
    paths = load_forgotten(home).paths
    return next((path for path in paths if _has_read(training, path, _workspaces_with(path, indexed))), None)


def _has_read(training: TrainingRecord, path: Path, names: set[str]) -> bool:
    """Whether the model read a workspace of these names and did not leave the path out."""
    if names.isdisjoint(training.workspaces):
        return False
    return {digest_of(each) for each in (path, *path.parents)}.isdisjoint(training.forgotten)


def _names_above(path: Path) -> set[str]:
    return {workspace_model_name(each) for each in (path, *path.parents)}


def _workspaces_with(path: Path, indexed: Iterable[Path]) -> set[str]:
    """Names of the workspaces that hold the path or lie in it, also of ``indexed`` ones that are gone."""
    inside = [folder for folder in indexed if path in folder.parents]
    for folder, folders, files in os.walk(path):
        inside += [Path(folder, name) for name in (*folders, *files) if name in folders or name.endswith(SUFFIXES)]
    return _names_above(path) | {workspace_model_name(each) for each in inside}


def _indexed_folders(home: Path) -> list[Path]:
    files = sorted((home / "memory").glob("*.safetensors"))
    return [Path(folder) for file in files if (index := load_index(file)) for folder, _ in index.folders]
