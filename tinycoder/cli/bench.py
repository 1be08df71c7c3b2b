"""``tinycoder bench``: how fast the engine is here, next to its competitors, in turns."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tinycoder.cli import options
from tinycoder.errors import ConfigError

if TYPE_CHECKING:
    from tinycoder.bench.report import Record

_size = click.option(
    "--size", type=click.Choice(["1m", "6m", "20m"]), default="6m", show_default=True, help="About how many parameters."
)
_competitors = (
    click.option("--no-competitors", is_flag=True, help="Leave the competitors out."),
    click.option(
        "--competitor-python",
        type=options.TEXT,
        default=sys.executable,
        help="Python that has the competitors.  [default: this one]",
    ),
)
_seconds = (
    click.option(
        "--seconds",
        type=options.Number(0, min_open=True),
        default=60.0,
        show_default=True,
        help="Measure about this long; starting the competitors comes on top.",
    ),
)
_common = (
    click.option("--threads", type=click.IntRange(1), help="Cores to use.  [default: all; decode: 1]"),
    options.html_to,
    click.option("--compare", type=options.FILE, help="Print what got slower than in this older --out."),
    click.option("--out", type=options.FILE, help="Keep the JSON in this file."),
    options.as_json,
)


@click.group()
def bench() -> None:
    """Measure keystrokes, training, decoding, memory and scaling on this machine.

    Everybody takes turns, so that all meet the same noise; figures are medians. Competitors (PyTorch, transformers,
    llama.cpp) take part where this Python, or another that is named, has them.
    """


def _command(*extra: Any, default_threads: int | None = None) -> Callable[[Callable[..., Record]], click.Command]:
    """Add a function that measures to the group: with ``extra`` options, and with those that every bench has."""

    def decorate(measure: Callable[..., Record]) -> click.Command:
        def command(
            threads: int | None, out: Path | None, compare: Path | None, html_to: Path | None, as_json: bool, **own: Any
        ) -> None:
            from tinycoder.bench.quiet import Others, busy, halted
            from tinycoder.bench.report import page, read_record, slower_rows
            from tinycoder.config import n_cpus

            old = read_record(compare, measure.__name__) if compare else None
            if threads is not None and threads > n_cpus():
                raise ConfigError(f"--threads is {threads}; this process may use {n_cpus()} cores")
            if "no_competitors" in own and own.pop("no_competitors"):
                if _given("competitor_python"):
                    raise click.UsageError("choose either --no-competitors or --competitor-python")
                own["competitor_python"] = None
            elif "competitor_python" in own:
                own["competitor_python"] = _program(own["competitor_python"])
            with halted():
                others = Others()
                record = measure(threads=threads or default_threads or n_cpus(), **own)
                share = others.share()
            if beside := busy(share):
                click.echo(f"{beside}; times are better on a quiet machine", err=True)
            data = {**record.to_json(), "others": share}
            if out:
                options.write_text(out, json.dumps(data, indent=2) + "\n")
            if html_to:
                options.write_text(html_to, page(record))
            slower = slower_rows(record.rows, old) if old is not None else []
            if as_json:
                click.echo(json.dumps({**data, "slower": slower} if old is not None else data))
                return
            click.echo("\n".join(_lines(record)))
            if old is not None:
                click.echo("\n".join(f"slower: {line}" for line in slower) or "nothing got slower")

        for option in reversed((*extra, *_common)):
            command = option(command)
        return bench.command(measure.__name__, help=measure.__doc__, context_settings=options.FORMER_NAMES)(command)

    return decorate


def _given(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _program(python: str) -> str:
    """The interpreter of the competitors. Raises ``ConfigError`` if it cannot be run."""
    program = shutil.which(python)
    if program is None:
        raise ConfigError(
            f"--competitor-python {python} is no program; give the path of a Python that has the competitors"
        )
    return program


@_command(_size, *_competitors, *_seconds)
def train(**asked: Any) -> Record:
    """Training tokens a second, next to PyTorch's (eager, compiled, bfloat16)."""
    from tinycoder.bench.train import run

    return run(**asked)


@_command(options.model("6 M random weights"), *_competitors, *_seconds, default_threads=1)
def decode(model: str | None, **asked: Any) -> Record:
    """Single tokens, prefill and continuations, next to llama.cpp's and transformers'."""
    from tinycoder.bench.decode import run

    return run(model=options.chosen_model(click.get_current_context(), model) if model else None, **asked)


@_command(_size, *_competitors)
def memory(**asked: Any) -> Record:
    """The most memory that training holds, next to PyTorch's. Takes as long as it takes."""
    from tinycoder.bench.memory import run

    return run(**asked)


@_command(*_seconds)
def scaling(**asked: Any) -> Record:
    """Time and memory of training against context, width, depth, batch and threads. Takes a minute at least."""
    from tinycoder.bench.scaling import run

    return run(**asked, say=lambda line: click.echo(line, err=True))


@_command(
    click.argument("folder", type=options.FOLDER, required=False),
    options.model("base"),
    click.option("--against", type=options.FOLDER, help="Type with this other checkout too, in turns."),
    *_seconds,
)
def keystroke(model: str | None, **asked: Any) -> Record:
    """Where the time of a completion goes, part by part, while code of a folder is typed.

    Without a FOLDER the code is asyncio's, of the standard library.
    """
    from tinycoder.bench.keystroke import run

    chosen = options.chosen_model(click.get_current_context(), model) if model else None
    return run(model=chosen.folder if chosen else None, **asked)


def _lines(record: Record) -> Iterator[str]:
    width = max(len(row.name) for row in record.rows)
    for row in record.rows:
        ours = "ours with drafts" if record.bench == "decode" and row.higher_is_better else "ours"
        ratio = "" if row.ratio is None else f"   {ours} / this {row.ratio:.2f}"
        number = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.3f}"
        yield f"{row.name:{width}}  {number:>9} {row.unit}{ratio}"
    if "sentence" in record.metadata:
        yield record.metadata["sentence"]
    for competitor, reason in record.absent.items():
        yield f"absent: {competitor}: {reason}"
