"""``tinycoder bench``: how fast the engine is here, next to its competitors, in turns."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinycoder.cli import options
from tinycoder.errors import ConfigError

if TYPE_CHECKING:
    from tinycoder.bench.report import Record

SIZES = ("1m", "6m", "20m")


@click.group()
def bench() -> None:
    """Measure training, decoding, memory and scaling on this machine.

    Everybody takes turns, so that all meet the same noise; figures are medians. Competitors (PyTorch, transformers,
    llama.cpp) take part where --competitor-python, or this Python, has them.
    """


def _common(command: Any) -> Any:
    """Options that every bench has."""
    for option in (
        options.as_json,
        click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Keep the JSON in this file."),
        click.option(
            "--compare", type=click.Path(path_type=Path), help="Print what got slower than in this older --out."
        ),
        options.html_to,
        click.option("--threads", type=click.IntRange(1), help="Cores to use.  [default: all; decode: 1]"),
        click.option(
            "--seconds",
            type=click.FloatRange(0, min_open=True),
            default=60.0,
            show_default=True,
            help="Measure about this long; starting the competitors comes on top.",
        ),
    ):
        command = option(command)
    return click.pass_context(command)


def _python(path: str, no_competitors: bool) -> str | None:
    """The interpreter of the competitors, none if they are left out. Raises ``ConfigError`` if it cannot be run."""
    program = None if no_competitors else shutil.which(path)
    if program is None and not no_competitors:
        raise ConfigError(
            f"--competitor-python {path} is no program; give the path of a Python that has the competitors"
        )
    return program


def _with_competitors(command: Any) -> Any:
    for option in (
        click.option(
            "--competitor-python",
            default=sys.executable,
            help="Python that has the competitors.  [default: this one]",
        ),
        click.option("--no-competitors", is_flag=True, help="Leave the competitors out."),
    ):
        command = option(command)
    return command


_size = click.option(
    "--size", type=click.Choice(SIZES), default="6m", show_default=True, help="About how many parameters."
)


@bench.command(context_settings=options.FORMER_NAMES)
@_size
@_with_competitors
@_common
def train(context: click.Context, size: str, competitor_python: str, no_competitors: bool, **common: Any) -> None:
    """Training tokens a second, next to PyTorch's (eager, compiled, bfloat16)."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.train import run

        return run(
            size=size, seconds=seconds, threads=threads, competitor_python=_python(competitor_python, no_competitors)
        )

    _bench("train", run, **common)


@bench.command(context_settings=options.FORMER_NAMES)
@click.option("--model", metavar="NAME", help="Measure this model.  [default: 6 M random weights]")
@_with_competitors
@_common
def decode(
    context: click.Context, model: str | None, competitor_python: str, no_competitors: bool, **common: Any
) -> None:
    """Single tokens, prefill and continuations, next to llama.cpp's and transformers'."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.decode import run

        loaded = options.chosen_model(context, model) if model else None
        return run(
            model=loaded, seconds=seconds, threads=threads, competitor_python=_python(competitor_python, no_competitors)
        )

    _bench("decode", run, default_threads=1, **common)


@bench.command(context_settings=options.FORMER_NAMES)
@_size
@_with_competitors
@_common
def memory(context: click.Context, size: str, competitor_python: str, no_competitors: bool, **common: Any) -> None:
    """The most memory that training holds, next to PyTorch's. Takes as long as it takes."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.memory import run

        return run(size=size, threads=threads, competitor_python=_python(competitor_python, no_competitors))

    _bench("memory", run, **common)


@bench.command(context_settings=options.FORMER_NAMES)
@_common
def scaling(context: click.Context, **common: Any) -> None:
    """Time and memory of training against context, width, depth, batch and threads. Takes a minute at least."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.scaling import run

        return run(seconds=seconds, threads=threads, say=lambda line: click.echo(line, err=True))

    _bench("scaling", run, **common)


def _bench(
    name: str,
    run: Callable[[float, int], Record],
    *,
    as_json: bool,
    out: Path | None,
    compare: Path | None,
    html_to: Path | None,
    threads: int | None,
    seconds: float,
    default_threads: int | None = None,
) -> None:
    """Run, and show and keep the record as the options ask."""
    from tinycoder.bench.page import page
    from tinycoder.bench.report import read_record, slower_rows
    from tinycoder.config import n_cpus

    old = read_record(compare, name) if compare else None
    if threads is not None and threads > n_cpus():
        raise ConfigError(f"--threads is {threads}; this process may use {n_cpus()} cores")
    record = run(seconds, threads or default_threads or n_cpus())
    data = record.to_json()
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
