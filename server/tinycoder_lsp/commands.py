"""What an editor can ask for by name, with ``workspace/executeCommand``. Each answer is plain JSON.

What cannot be done is refused with one sentence for the person.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from lsprotocol import types as lsp

from tinycoder.errors import TinyCoderError
from tinycoder.validate import DataError, Range, read
from tinycoder_lsp.connection.handlers import command
from tinycoder_lsp.connection.protocol import Refused
from tinycoder_lsp.documents.positions import file_path
from tinycoder_lsp.editor.status import snoozing
from tinycoder_lsp.session import Session
from tinycoder_lsp.settings import Minutes, PresetName

SNOOZE_MINUTES = 30.0
MAX_SNOOZE_MINUTES = 10_000  # a week


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What an editor says of a training; the settings hold for what it leaves out."""

    minutes: Minutes | None = None
    preset: PresetName | None = None
    folder: Any = None


@dataclass(frozen=True, kw_only=True)
class SnoozeOptions:
    """What an editor says of a snooze."""

    minutes: Annotated[float, Range(0, MAX_SNOOZE_MINUTES)] | None = None


@command("tinycoder.train")
async def train(ls: Session, *args: Any) -> dict[str, Any]:
    """Train on a folder of the workspace, by default the first. Takes ``{"minutes", "preset", "folder"}``."""
    settings = ls.settings.training
    if not ls.settings.trusted:
        raise Refused("TinyCoder does not train on a workspace that is not trusted; trust it in the editor first.")
    try:
        options = read(TrainOptions, (args[0] if args else None) or {})
    except DataError as error:
        raise Refused(f"TinyCoder cannot train: {error.of('the options')}.") from None
    folder = _folder(ls, options.folder)
    minutes, preset = options.minutes or settings.minutes, options.preset or settings.preset
    try:
        name = await ls.training.start(folder, minutes=minutes, preset=preset, exclude=ls.settings.exclude)
    except TinyCoderError as error:
        raise Refused(f"TinyCoder cannot train: {error}") from None
    return {"started": True, "name": name, "folder": str(folder)}


def _folder(ls: Session, uri: object) -> Path:
    if uri is None:
        folders = ls.documents.folders()
        if not folders:
            raise Refused("There is no folder to train on; open one in the editor, or run `tinycoder train PATH`.")
        return folders[0]
    path = file_path(uri) if isinstance(uri, str) and uri.startswith("file:") else None
    with contextlib.suppress(OSError):
        if path is not None and path.is_absolute() and path.is_dir():
            return path
    raise Refused(f"TinyCoder cannot train on {uri!r}, which is no folder on this machine.")


@command("tinycoder.stopTraining")
def stop_training(ls: Session, *args: Any) -> dict[str, bool]:
    """Let the training stop and save, if one is under way."""
    return {"stopped": ls.training.stop()}


@command("tinycoder.snooze")
def snooze(ls: Session, *args: Any) -> dict[str, float]:
    """Offer no ghost text by itself for so many minutes; 0 ends that."""
    try:
        asked = read(SnoozeOptions, {"minutes": args[0] if args else None}).minutes
    except DataError as error:
        raise Refused(f"TinyCoder cannot snooze: the number of minutes {error.problem}.") from None
    minutes = SNOOZE_MINUTES if asked is None else asked
    ls.snooze.start(minutes)
    if ls.reporter.pops_up:
        left = ls.snooze.minutes
        ls.reporter.say(lsp.MessageType.Info, snoozing(left) if left else "TinyCoder does not snooze any more.")
    return {"minutes": minutes}


@command("tinycoder.reindex")
def reindex(ls: Session, *args: Any) -> None:
    """Read the workspace again."""
    ls.reading.again()


@command("tinycoder.listModels")
async def list_models(ls: Session, *args: Any) -> list[dict[str, Any]]:
    """All models there are."""
    from tinycoder.storage.models import list_models

    current = ls.models.current
    return [
        {
            "name": model.name,
            "recipe": model.training.recipe or None,
            "parameters": model.training.parameters or None,
            "bitsPerByte": model.training.val_bpb,
            # Local time by way of UTC: Windows refuses the local time of 0, which a damaged model has.
            "written": datetime.fromtimestamp(model.modified, UTC).astimezone().isoformat(timespec="seconds"),
            "current": model.name == current,
            "problem": model.problem,
            "shipped": model.bundled,
        }
        for model in await asyncio.to_thread(list_models, ls.models.home)
    ]


@command("tinycoder.selectModel")
async def select_model(ls: Session, *args: Any) -> dict[str, str | None]:
    """Use the model of this name until the server ends; without a name, choose as before."""
    name = args[0] if args else None
    if name is not None:
        if not isinstance(name, str):
            raise Refused("The name of a model is a text.")
        problem = await asyncio.to_thread(_problem, ls.models.home, name)
        if problem is not None:
            raise Refused(f"TinyCoder cannot use that model: {problem}")
    await ls.choose(name)
    return {"model": ls.models.current}


def _problem(home: Path, name: str) -> str | None:
    """Why a model cannot be used, as far as that shows without loading it; ``None`` if nothing does."""
    from tinycoder.storage.models import resolve_model, summarise

    try:
        return summarise(resolve_model(home, name)).problem
    except (TinyCoderError, RuntimeError) as error:  # the latter for the home of an unknown person, ~nobody/x
        return str(error)


@command("tinycoder.trainingReport")
async def training_report(ls: Session, *args: Any) -> dict[str, str]:
    """The path of the last training's report: of the workspace's own model, else of the one in use."""
    from tinycoder.storage.models import workspace_model_name

    names = [*map(workspace_model_name, ls.documents.folders()), ls.models.current]
    for name in filter(None, names):
        page = ls.models.home / "reports" / f"{name}.html"
        if page.is_file():
            return {"name": name, "path": str(page)}
    raise Refused("There is no training report yet; train on this workspace first.")


@command("tinycoder.showStats")
async def show_stats(ls: Session, *args: Any) -> dict[str, object]:
    """The outcomes of suggestions, counted on this machine."""
    return await ls.usage.summary()


@command("tinycoder.didAcceptCompletionItem")
def did_accept(ls: Session, *args: Any) -> None:
    """The person accepted an item: the editor runs its command."""
    if args and isinstance(args[0], str):
        ls.usage.suggestions.accepted(args[0])
