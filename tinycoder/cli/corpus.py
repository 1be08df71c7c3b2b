"""``tinycoder corpus``: turn the Python files of many repositories into shards that ``tinycoder train`` maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli import options
from tinycoder.cli.signals import INTERRUPTED, stop_on_signals
from tinycoder.cli.terminal import printable
from tinycoder.config import n_cpus
from tinycoder.errors import Cancelled
from tinycoder.words import counted

if TYPE_CHECKING:
    from tinycoder_training.shards.folder import Description


@click.command()
@click.argument("paths", nargs=-1, required=True, type=options.PATH)
@click.option("--out", required=True, type=options.FOLDER, help="Folder for the shards: a new one, or one of shards.")
@click.option(
    "--from",
    "start",
    metavar="MODEL",
    default="base",
    show_default=True,
    type=options.TEXT,
    help="Use the tokenizer of this model.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    type=options.TEXT,
    help="Leave out files that match, written as in .gitignore. May be given many times.",
)
@click.option("--processes", type=click.IntRange(1), help="Read files in so many processes.  [default: one a core]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of held-out files and order.")
@options.as_json
@click.pass_context
def corpus(
    context: click.Context,
    /,
    paths: tuple[Path, ...],
    out: Path,
    start: str,
    exclude: tuple[str, ...],
    processes: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Write Python files as token shards, for corpora larger than memory.

    What is read under PATHS and left out is as with `tinycoder train`: files that git would track, without secrets and
    duplicates. Ctrl-C stops; the same command goes on. `tinycoder train --shards` learns what it wrote.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from tinycoder.memory.learners import left_out
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.storage.forget_list import load_forgotten, true_path
    from tinycoder.storage.models import resolve_model, workspace_model_name
    from tinycoder_training.shards.build import Plan, build

    home = options.home_folder(context)
    forgotten = load_forgotten(home)
    plan = Plan(
        paths=paths,
        out=out,
        tokenizer=load_model(resolve_model(home, start)).tokenizer,
        exclude=exclude,
        forgotten=forgotten,
        seed=seed,
        workspaces=tuple(dict.fromkeys(map(workspace_model_name, paths))),
        left_out=tuple(left_out(forgotten, [true_path(path) for path in paths])),
    )
    columns = TextColumn("reading"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with stop_on_signals() as asked, bar:
        task = bar.add_task("reading")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=max(1, total))

        try:
            written = build(plan, processes=processes or n_cpus(), stop=asked, progress=show)
        except Cancelled:
            written = None
    if written is None:
        click.echo(printable(f"{out}: stopped; what was read is kept, and the same command goes on"), err=True)
        context.exit(INTERRUPTED)
    if as_json:
        click.echo(json.dumps(_data(out, written)))
    else:
        click.echo(printable(_sentences(out, written)))


def _data(out: Path, written: Description) -> dict[str, object]:
    """What was written, as plain data."""
    from tinycoder.validate import plain

    return {"folder": str(out), **{key: value for key, value in plain(written).items() if key != "prompts"}}


def _sentences(out: Path, written: Description) -> str:
    """What was written and what was left out, for a person."""
    data = written.data
    lines = [
        f"{out}: {data.tokens:,} tokens in {counted(len(written.train), 'shard')}, of {counted(data.files, 'file')} "
        f"with {data.bytes / 1e6:.1f} MB; {counted(data.validation_files, 'file')} held out; "
        f"{counted(data.secrets_replaced, 'secret')} replaced"
    ]
    lines += [f"left out: {n:,} × {reason}" for reason, n in sorted(written.left_out.items(), key=lambda row: -row[1])]
    return "\n".join([*lines, f"learn it with: tinycoder train --shards {out} --name NAME"])
