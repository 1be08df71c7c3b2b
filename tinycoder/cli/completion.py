"""``tinycoder generate --complete``: what an editor would be offered at a place in a file. Knows no editor."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.errors import ConfigError
from tinycoder.stop import never

if TYPE_CHECKING:
    from tinycoder.complete.candidate import Candidate, Document
    from tinycoder.complete.engine import Engine
    from tinycoder.complete.parts import Parts
    from tinycoder.memory.suffix_index import Workspace
    from tinycoder.storage.checkpoint import Model

ROOT_MARKERS = (".git", "pyproject.toml")
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A cursor in a file: before character ``column`` of line ``line``, both counted from 1."""

    file: Path
    line: int
    column: int


def parse_place(text: str) -> Place:
    """The place that FILE:LINE:COL names. Raises ``click.UsageError`` for anything else."""
    found = re.fullmatch(r"(.+):([0-9]{1,9}):([0-9]{1,9})", text, re.DOTALL)
    if found is None or not int(found[2]) or not int(found[3]):
        raise click.UsageError(
            f"--complete wants FILE:LINE:COL, counted from 1, such as pkg/io.py:12:5; {text!r} is not"
        )
    return Place(file=Path(found[1]), line=int(found[2]), column=int(found[3]))


def show_completions(
    home: Path, place: Place, *, model: str | None, n: int, max_tokens: int, popup: bool, parts: Parts, as_json: bool
) -> None:
    """Print what is offered at ``place``, best first: ghost texts, then with ``popup`` the words.

    Raises ``ConfigError`` for a place that does not exist, and ``CheckpointError`` for a model that does not.
    """
    from tinycoder.complete.candidate import Document

    folder = workspace_of(place.file)
    text, offset = read_place(place)
    loaded = _load(home, folder, model)
    engine = _engine(home, folder, loaded, parts)
    document = Document(path=place.file.resolve().relative_to(folder).as_posix(), text=text)
    offers = {"ghost text": engine.inline(document, offset, stop=never, n=n, max_tokens=max_tokens)}
    if popup:
        offers["popup"] = engine.popup(document, offset, stop=never)
    if as_json:
        click.echo(_json(loaded, folder, document, place, offers))
    else:
        _print(offers)


def workspace_of(file: Path) -> Path:
    """The nearest folder above ``file`` that is a project, else the file's own. Raises ``ConfigError``."""
    real = file.resolve()
    if not real.is_file():
        what = "is no file" if real.exists() else "does not exist"
        raise ConfigError(f"{file} {what}; --complete wants FILE:LINE:COL")
    roots = [folder for folder in real.parents if any((folder / marker).exists() for marker in ROOT_MARKERS)]
    return roots[0] if roots else real.parent


def read_place(place: Place) -> tuple[str, int]:
    """The file's text and the cursor's offset in it, in characters. Raises ``ConfigError``."""
    try:
        text = place.file.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{place.file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{place.file} is not UTF-8 ({error.reason} at byte {error.start})") from None
    ends = [*(end.start() for end in _LINE_END.finditer(text)), len(text)]
    starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
    if place.line > len(starts):
        raise ConfigError(f"{place.file} has {len(starts):,} lines; there is no line {place.line:,}")
    start, end = starts[place.line - 1], ends[place.line - 1]
    last = end - start + 1
    if place.column > last:
        raise ConfigError(
            f"line {place.line:,} of {place.file} is {last - 1:,} characters long; there is no column {place.column:,}"
        )
    return text, start + place.column - 1


def _load(home: Path, folder: Path, name: str | None) -> Model:
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.storage.models import find_model, resolve_model

    return load_model(resolve_model(home, name) if name else find_model(home, [folder]))


def _engine(home: Path, folder: Path, model: Model, parts: Parts) -> Engine:
    """An engine that knows the workspace, and what was learnt of it while it was edited."""
    from tinycoder.complete.engine import Engine
    from tinycoder.memory.indexing import index_file_of
    from tinycoder.memory.mixer_file import load_mixer
    from tinycoder.memory.ngrams import Memory
    from tinycoder.symbols.indexing import WorkspaceSymbols

    memory = Memory(model.tokenizer)
    file = index_file_of(home, [folder], model.tokenizer)
    if parts.memory:
        memory.use(_index(home, folder, model))
    engine = Engine(model, memory, mixer=load_mixer(file.with_suffix(".mixer.json")), parts=parts)
    if parts.names:
        symbols = WorkspaceSymbols(home, [folder], environ=os.environ)
        symbols.refresh()
        engine.know(symbols.world, symbols.offered)
    return engine


def _index(home: Path, folder: Path, model: Model) -> Workspace:
    """The workspace's index, with a bar on a terminal: the first time it may take a while."""
    from tinycoder.memory.indexing import index_at_home

    if not sys.stderr.isatty():
        return index_at_home(home, [folder], model.tokenizer)
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("indexing", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return index_at_home(home, [folder], model.tokenizer, progress=progress)


def _json(model: Model, folder: Path, document: Document, place: Place, offers: dict[str, list[Candidate]]) -> str:
    metadata: dict[str, object] = {
        "model": model.name,
        "workspace": str(folder),
        "path": document.path,
        "line": place.line,
        "column": place.column,
    }
    for name, candidates in offers.items():
        metadata[name.replace(" ", "_")] = [
            {"text": each.text, "start": each.start, "end": each.end}
            | {"probability": round(each.probability, 4), "source": each.source}
            for each in candidates
        ]
    return json.dumps(metadata)


def _print(offers: Mapping[str, Sequence[Candidate]]) -> None:
    for name, candidates in offers.items():
        if len(offers) > 1:
            click.echo(f"{name}:")
        if not candidates:
            click.echo(f"no {name} is likely enough here" if name == "ghost text" else "no words begin so", err=True)
        width = min(60, max((len(each.text) for each in candidates), default=0))
        for each in candidates:
            click.echo(f"{each.probability:5.1%}  {each.text:{width}}  {each.source}")
