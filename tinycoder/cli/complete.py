"""``tinycoder complete``: what an editor would be offered at a cursor in a file."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli import options, terminal
from tinycoder.cli.project import shared_settings
from tinycoder.cli.terminal import show
from tinycoder.complete.parts import Parts
from tinycoder.errors import ConfigError
from tinycoder.stop import Progress, no_progress
from tinycoder.words import counted

if TYPE_CHECKING:
    from tinycoder.complete.candidate import Candidate

ROOT_MARKERS = (".git", "pyproject.toml")
CURSOR = "▏"


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A cursor in a file: before character ``column`` of line ``line``, both counted from 1."""

    file: Path
    line: int
    column: int


def _cursor(context: click.Context, parameter: click.Parameter, text: str) -> Cursor:
    """The cursor that FILE:LINE:COL names. Raises ``click.BadParameter`` for anything else."""
    parts = re.fullmatch(r"(.+):([0-9]{1,9}):([0-9]{1,9})", text, re.DOTALL)
    if parts is None or not int(parts[2]) or not int(parts[3]):
        raise click.BadParameter(f"give FILE:LINE:COL, counted from 1, such as pkg/io.py:12:5; {text!r} is not")
    return Cursor(file=Path(parts[1]), line=int(parts[2]), column=int(parts[3]))


@click.command()
@click.argument("cursor", metavar="FILE:LINE:COL", callback=_cursor)
@options.model("the folder's, else base")
@click.option("--samples", type=click.IntRange(1, 1000), default=1, show_default=True, help="Ghost texts at most.")
@click.option("--max-tokens", type=click.IntRange(1), default=64, show_default=True, help="Tokens of a ghost text.")
@click.option(
    "--without",
    metavar="PART",
    multiple=True,
    type=click.Choice([field.name for field in dataclasses.fields(Parts)]),
    help="Leave out this part of the engine.",
)
@options.as_json
@click.pass_context
def complete(
    context: click.Context,
    cursor: Cursor,
    model: str | None,
    samples: int,
    max_tokens: int,
    without: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print what an editor is offered at a cursor: texts, how likely they are, and where they come from.

    Line and column are counted from 1. The rest of the file's workspace is read too: the nearest folder with a .git
    or a pyproject.toml.
    """
    import tinycoder

    folder = _workspace_of(cursor.file)
    shared_settings([folder])  # whose mistakes are said before the work
    text, offset = _read(cursor)
    with _bar() as progress:
        opened = tinycoder.open(
            folder, model=model, home=options.home_folder(context), leave_out=without, progress=progress
        )
    path = cursor.file.resolve().relative_to(folder).as_posix()
    with opened as workspace:
        completion = workspace.complete(path, text, offset, n=samples, max_tokens=max_tokens)
    if as_json:
        said: dict[str, object] = {"model": workspace.model.name, "workspace": str(folder), "path": path}
        said |= {"line": cursor.line, "column": cursor.column}
        click.echo(json.dumps(said | {"ghost": _data(completion.ghost), "names": _data(completion.names)}))
        return
    if completion.ghost or completion.names:
        click.echo(_with_cursor(text, offset))
    for title, meaning, candidates in (
        ("ghost text", "%: how likely the whole text comes next", completion.ghost),
        ("names", "%: how likely each name is, of all that fit here", completion.names),
    ):
        click.echo(f"{title} ({meaning}):" if candidates else f"no {title} here", err=not candidates)
        width = min(60, max((len(each.text) for each in candidates), default=0))
        for each in candidates:
            show(_row(each, width))


def _with_cursor(text: str, offset: int) -> str:
    """The line at ``offset`` with the cursor in it; of a long one the part around that."""
    before, after = text[:offset].split("\n")[-1], text[offset:].split("\n")[0]
    n_after = min(len(after), max(terminal.width() // 4, terminal.width() - len(before) - 1))
    n_before = terminal.width() - n_after - 1
    before = before if len(before) <= n_before else f"…{before[1 - n_before :]}"
    after = after if len(after) <= n_after else f"{after[: n_after - 1]}…"
    return "".join(character if character.isprintable() else " " for character in f"{before}{CURSOR}{after}")


def _row(candidate: Candidate, width: int) -> str:
    """A candidate with its source, which stands in a line of its own where one line is too short."""
    said, source = f"{candidate.probability:5.1%}  {candidate.text}", str(candidate.provenance)
    line = f"{candidate.probability:5.1%}  {candidate.text:{width}}  {source}"
    return line if len(line) <= terminal.width() else f"{said}\n{terminal.wrapped(' ' * 9 + source, ' ' * 9)}"


def _workspace_of(file: Path) -> Path:
    """The nearest folder above ``file`` that is a project, else the file's own. Raises ``ConfigError``."""
    real = file.resolve()
    if not real.is_file():
        raise ConfigError(f"{file} {'is no file' if real.exists() else 'does not exist'}; give FILE:LINE:COL")
    roots = (folder for folder in real.parents if any((folder / marker).exists() for marker in ROOT_MARKERS))
    return next(roots, real.parent)


def _read(cursor: Cursor) -> tuple[str, int]:
    """The file's text, decoded as Python does, and the cursor's offset in it, in characters. Raises ``ConfigError``."""
    from tinycoder.workspace.python_file import decode

    try:
        text, unreadable = decode(cursor.file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{cursor.file} cannot be read ({error.strerror})") from None
    if unreadable:
        raise ConfigError(f"{cursor.file} is {unreadable}")
    lines = text.split("\n")
    if cursor.line > len(lines):
        raise ConfigError(f"{cursor.file} has {counted(len(lines), 'line')}; there is no line {cursor.line:,}")
    length = len(lines[cursor.line - 1])
    if cursor.column > length + 1:
        raise ConfigError(
            f"line {cursor.line:,} of {cursor.file} is {counted(length, 'character')} long; "
            f"there is no column {cursor.column:,}"
        )
    return text, sum(len(line) + 1 for line in lines[: cursor.line - 1]) + cursor.column - 1


@contextmanager
def _bar() -> Iterator[Progress]:
    """A bar on a terminal while the workspace is indexed: the first time it may take a while."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("indexing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _data(candidates: Sequence[Candidate]) -> list[dict[str, object]]:
    return [
        {"text": each.text, "start": each.start, "end": each.end}
        | {"probability": round(each.probability, 4), "source": str(each.provenance)}
        for each in candidates
    ]
