"""``tinycoder forget``: take files out of the memory, keep them out, and name the models that learnt from them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tinycoder.cli.options import home_folder


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--list", "list_only", is_flag=True, help="Show what is forgotten, and stop.")
@click.option("--undo", is_flag=True, help="Let PATHS be learnt again.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def forget(context: click.Context, paths: tuple[Path, ...], list_only: bool, undo: bool, as_json: bool) -> None:
    """Forget PATHS: files or folders, also such as are deleted already.

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
        lines = [] if undo else list(map(str, kept.paths)) or ["nothing is forgotten"]
        lines += [f"{place} may be learnt again" for place in places]
        click.echo(json.dumps({"forgotten": list(map(str, kept.paths))}) if as_json else "\n".join(lines))
        return
    found = _forget(home, places, list(map(str, add_forgotten(home, places).paths)))
    click.echo(json.dumps(found) if as_json else "\n".join(_lines(places, found)))


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
    lines = [f"{place} is forgotten" + ("" if place.exists() else " (there is nothing now)") for place in places]
    n = sum(len(removed["paths"]) for removed in found["removed"])
    lines.append(f"{n:,} {'text' if n == 1 else 'texts'} left the memory")
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
