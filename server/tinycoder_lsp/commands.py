"""What an editor can ask for by name, with ``workspace/executeCommand``. Each answer is plain JSON.

What cannot be done is refused with one sentence for the person.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinycoder.errors import TinyCoderError
from tinycoder_lsp.documents import file_path
from tinycoder_lsp.protocol import Refused
from tinycoder_lsp.session import Session

Command = Callable[..., Any]


async def train(ls: Session, *args: Any) -> dict[str, Any]:
    """Train on a folder of the workspace, by default the first. Takes ``{"minutes", "preset", "folder"}``."""
    wish = args[0] if args and isinstance(args[0], dict) else {}
    minutes, preset = wish.get("minutes"), wish.get("preset")
    if not isinstance(minutes, (int, float)) or isinstance(minutes, bool) or minutes <= 0:
        minutes = ls.settings.training.minutes
    if not isinstance(preset, str):
        preset = ls.settings.training.preset
    folder = _folder(ls, wish.get("folder"))
    try:
        name = await ls.train(folder, minutes=float(minutes), preset=preset)
    except TinyCoderError as error:
        raise Refused(f"TinyCoder cannot train: {error}") from None
    return {"started": True, "name": name, "folder": str(folder)}


def _folder(ls: Session, uri: object) -> Path:
    if not ls.settings.trusted:
        raise Refused("TinyCoder does not train on a workspace that is not trusted; trust it in the editor first.")
    if isinstance(uri, str):
        return file_path(uri)
    folders = ls.folders()
    if not folders:
        raise Refused("There is no folder to train on; open one in the editor, or run `tinycoder train PATH`.")
    return folders[0]


def stop_training(ls: Session, *args: Any) -> dict[str, bool]:
    """Let the training stop and save, if one is under way."""
    return {"stopped": ls.training.stop()}


def reindex(ls: Session, *args: Any) -> None:
    """Read the workspace again."""
    ls.indexing.again()


async def list_models(ls: Session, *args: Any) -> list[dict[str, Any]]:
    """All models there are."""
    from tinycoder.store import list_models

    current = ls.models.current
    return [
        {
            "name": model.name,
            "recipe": model.training.get("recipe"),
            "parameters": model.training.get("parameters"),
            "bitsPerByte": model.training.get("val_bpb"),
            "written": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(model.modified)),
            "current": model.name == current,
            "problem": model.problem,
        }
        for model in await asyncio.to_thread(list_models, ls.models.home)
    ]


async def select_model(ls: Session, *args: Any) -> dict[str, str | None]:
    """Use the model of this name until the server ends; without a name, choose as before."""
    name = args[0] if args else None
    if name is not None:
        from tinycoder.store import resolve_model

        if not isinstance(name, str):
            raise Refused("The name of a model is a text.")
        try:
            await asyncio.to_thread(resolve_model, ls.models.home, name)
        except TinyCoderError as error:
            raise Refused(f"TinyCoder cannot use that model: {error}") from None
    await ls.choose(name)
    return {"model": ls.models.current}


async def training_report(ls: Session, *args: Any) -> dict[str, str]:
    """Where the report of the last training lies: of the workspace's own model, else of the one in use."""
    from tinycoder.store import workspace_model_name

    names = [*map(workspace_model_name, ls.folders()), ls.models.current]
    for name in filter(None, names):
        page = ls.models.home / "reports" / f"{name}.html"
        if page.is_file():
            return {"name": name, "path": str(page)}
    raise Refused("There is no training report yet; train on this workspace first.")


async def show_stats(ls: Session, *args: Any) -> dict[str, object]:
    """What became of suggestions, counted on this machine."""
    return await ls.tally.summary()


def did_accept(ls: Session, *args: Any) -> None:
    """An item was taken: its command ran."""
    if args:
        ls.tally.accepted(str(args[0]))


COMMANDS: dict[str, Command] = {
    "tinycoder.train": train,
    "tinycoder.stopTraining": stop_training,
    "tinycoder.reindex": reindex,
    "tinycoder.listModels": list_models,
    "tinycoder.selectModel": select_model,
    "tinycoder.trainingReport": training_report,
    "tinycoder.showStats": show_stats,
    "tinycoder.didAcceptCompletionItem": did_accept,
}
