"""``tinycoder forget``: take files out of the memory, keep them out, and name the models that learnt from them."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tinycoder.cli.options import PATH, home_folder
from tinycoder.cli.terminal import one_line, show
from tinycoder.errors import ConfigError
from tinycoder.words import counted


@click.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option("--list", "list_only", is_flag=True, help="Show what is forgotten, and stop.")
@click.option("--undo", is_flag=True, help="Let PATHS be learnt again.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def forget(context: click.Context, paths: tuple[Path, ...], list_only: bool, undo: bool, as_json: bool) -> None:
    """Forget PATHS: files or folders, also such as are deleted already, if the memory still holds them.

    They leave the memory at once, in running servers from the next answer on, and neither memory nor training reads
    them again. Weights cannot unlearn: the models that may have learnt from PATHS are named, with what to do about
    them. Copies of a file under other names are other files. A forgotten file that is open in an editor still helps
    in itself, and nowhere else.
    """
    from tinycoder.storage.forget_list import add_forgotten, drop_forgotten, load_forgotten, true_path

    if list_only and (paths or undo):
        raise click.UsageError("--list goes with neither PATHS nor --undo")
    if not list_only and not paths:
        raise click.UsageError("give the PATHS to forget, or --list")
    home = home_folder(context)
    places = list(dict.fromkeys(map(true_path, paths)))
    if list_only or undo:
        kept = load_forgotten(home) if list_only else drop_forgotten(home, places)
        if as_json:
            click.echo(json.dumps({"forgotten": list(map(str, kept.paths))}))
        elif undo:
            click.echo("\n".join(f"{one_line(str(place))} may be learnt again" for place in places))
        else:
            _list(kept.paths)
        return
    _refuse_unknown(home, places)
    found = _forget(home, places, list(map(str, add_forgotten(home, places).paths)))
    click.echo(json.dumps(found) if as_json else "\n".join(_lines(places, found)))


def _list(paths: Sequence[Path]) -> None:
    """A path a line; on a terminal each stays on its line."""
    for path in paths:
        show(one_line(str(path)) if sys.stdout.isatty() else str(path))
    if not paths:
        click.echo("nothing is forgotten")


def _refuse_unknown(home: Path, places: Sequence[Path]) -> None:
    """Raise ``ConfigError`` for a place that is neither on the disk, nor in the memory, nor on the list.

    It is more likely mistyped than deleted. The models that may have learnt from it are named all the same.
    """
    from tinycoder.memory.index_file import may_hold
    from tinycoder.memory.learners import learners
    from tinycoder.storage.forget_list import Forgotten, load_forgotten

    listed = load_forgotten(home)
    for place in places:
        if os.path.lexists(place) or listed.holds(place):
            continue
        if may_hold(home / "memory", Forgotten(paths=(place,))):
            continue
        names = ", ".join(dict.fromkeys(model.name for model in learners(home, [place])))
        deleted = (
            f"; if it is deleted, {names} may have learnt from it: train again, or remove the model" if names else ""
        )
        raise ConfigError(f"{place} does not exist, and the memory holds nothing of it; nothing was changed{deleted}")


def _forget(home: Path, places: Sequence[Path], listed: list[str]) -> dict[str, Any]:
    """Do what is left to do once ``places`` are on the list; what came of it, as plain data."""
    from tinycoder.memory.index_file import purge_indexes
    from tinycoder.memory.learners import learners, written_now
    from tinycoder.storage.forget_list import Forgotten

    models = learners(home, places)  # first: an index says which workspaces there were
    removed = purge_indexes(home / "memory", Forgotten(paths=tuple(places)))
    return {
        "forgotten": listed,
        "removed": [{"index": str(file), "paths": paths} for file, paths in removed.items()],
        "models": [{key: value and str(value) for key, value in asdict(model).items()} for model in models],
        "written_now": written_now(home),
    }


def _lines(places: Sequence[Path], found: dict[str, Any]) -> list[str]:
    """What was done, what the models are, and what the person can do."""
    lines = [
        f"{one_line(str(place))} is forgotten" + ("" if place.exists() else " (there is nothing now)")
        for place in places
    ]
    n = sum(len(removed["paths"]) for removed in found["removed"])
    lines.append(f"{counted(n, 'text')} left the memory")
    for model in found["models"]:
        lines += _remedies(model)
    if found["models"]:
        lines.append("weights cannot unlearn: until these models are gone, they may repeat verbatim what they read")
    for name in found["written_now"]:
        lines.append(f"{name} is being written now, perhaps with what was read before: run this again when that ends")
    return lines


def _remedies(model: dict[str, Any]) -> list[str]:
    """A line for the model or the stopped run, and one for its report."""
    name, text, report = model["name"], model["text"], model["report"]
    fault, again = "was trained on a folder that holds it", "train again"
    if text:
        fault, again = f"its stopped run keeps what it read in {text}", "train with --overwrite"
    line = f"{name}: {fault}; `tinycoder checkpoint remove {name}`, or {again}, which leaves it out"
    return [line, *([f"{report}: may quote it; delete the page"] if report else [])]
