"""``tinycoder bench``: how fast the engine is here, beside its peers, in turns."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinycoder.cli.options import home_folder
from tinycoder.errors import ConfigError

if TYPE_CHECKING:
    from tinycoder.bench.report import Record

SIZES = ("1m", "6m", "20m")


@click.group()
def bench() -> None:
    """Measure training, decoding, memory and scaling on this machine.

    Everybody takes turns, so that all meet the same noise; figures are medians. Peers (PyTorch, transformers,
    llama.cpp) take part where --peer-python, or this Python, has them.
    """


def _common(command: Any) -> Any:
    """Options that every bench has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Keep the JSON in this file."),
        click.option(
            "--compare", type=click.Path(path_type=Path), help="Print what got slower than in this older --out."
        ),
        click.option(
            "--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw the table (needs tinycoder[plot])."
        ),
        click.option("--threads", type=click.IntRange(1), help="Cores to use.  [default: all; decode: 1]"),
        click.option(
            "--seconds",
            type=click.FloatRange(0, min_open=True),
            default=60.0,
            show_default=True,
            help="Measure about this long; starting the peers comes on top.",
        ),
    ):
        command = option(command)
    return click.pass_context(command)


def _with_peers(command: Any) -> Any:
    for option in (
        click.option("--peer-python", default=sys.executable, help="Python that has the peers.  [default: this one]"),
        click.option("--no-peers", is_flag=True, help="Leave the peers out."),
    ):
        command = option(command)
    return command


@bench.command()
@click.option("--size", type=click.Choice(SIZES), default="6m", show_default=True, help="About how many parameters.")
@_with_peers
@_common
def train(context: click.Context, size: str, peer_python: str, no_peers: bool, **options: Any) -> None:
    """Training tokens a second, beside PyTorch's (eager, compiled, bfloat16)."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.train import run

        python = _python(peer_python)
        return run(size=size, seconds=seconds, threads=threads, peer_python=python, with_peers=not no_peers)

    _bench("train", run, **options)


@bench.command()
@click.option("--model", metavar="NAME", help="Measure this model.  [default: 6 M random weights]")
@_with_peers
@_common
def decode(context: click.Context, model: str | None, peer_python: str, no_peers: bool, **options: Any) -> None:
    """Single tokens, prefill and continuations, beside llama.cpp's and transformers'."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.decode import run
        from tinycoder.storage.checkpoint import load_model
        from tinycoder.storage.models import resolve_model

        return run(
            model=load_model(resolve_model(home_folder(context), model)) if model else None,
            seconds=seconds,
            threads=threads,
            peer_python=_python(peer_python),
            with_peers=not no_peers,
        )

    _bench("decode", run, default_threads=1, **options)


@bench.command()
@click.option("--size", type=click.Choice(SIZES), default="6m", show_default=True, help="About how many parameters.")
@_with_peers
@_common
def memory(context: click.Context, size: str, peer_python: str, no_peers: bool, **options: Any) -> None:
    """The most memory that training holds, beside PyTorch's. Takes as long as it takes."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.memory import run

        return run(size=size, threads=threads, peer_python=_python(peer_python), with_peers=not no_peers)

    _bench("memory", run, **options)


@bench.command()
@_common
def scaling(context: click.Context, **options: Any) -> None:
    """Time and memory of training against context, width, depth, batch and threads. Takes a minute at least."""

    def run(seconds: float, threads: int) -> Record:
        from tinycoder.bench.scaling import run

        return run(seconds=seconds, threads=threads, say=lambda line: click.echo(line, err=True))

    _bench("scaling", run, **options)


def _bench(
    name: str,
    run: Callable[[float, int], Record],
    *,
    as_json: bool,
    out: Path | None,
    compare: Path | None,
    picture: Path | None,
    threads: int | None,
    seconds: float,
    default_threads: int | None = None,
) -> None:
    """Run, and show and keep the record as the options ask."""
    from tinycoder.bench.plot import check, draw
    from tinycoder.bench.report import read_record, slower_rows
    from tinycoder.config import n_cpus

    old = read_record(compare, name) if compare else None
    if picture:
        check()
    if threads is not None and threads > n_cpus():
        raise ConfigError(f"--threads is {threads}; this process may use {n_cpus()} cores")
    record = run(seconds, threads or default_threads or n_cpus())
    data = record.to_json()
    if out:
        try:
            out.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {out} ({error.strerror}); choose another place") from None
    if picture:
        draw(record, picture)
    slower = slower_rows(record.rows, old) if old is not None else []
    if as_json:
        click.echo(json.dumps({**data, "slower": slower} if old is not None else data))
        return
    width = max(len(row.name) for row in record.rows)
    for row in record.rows:
        ratio = "" if row.ratio is None else f"   ours / this {row.ratio:.2f}"
        if row.ratio is not None and name == "decode" and row.higher_is_better:
            ratio = f"   ours with drafts / this {row.ratio:.2f}"
        number = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.3f}"
        click.echo(f"{row.name:{width}}  {number:>9} {row.unit}{ratio}")
    if "sentence" in record.facts:
        click.echo(record.facts["sentence"])
    for peer, reason in record.absent.items():
        click.echo(f"absent: {peer}: {reason}")
    if old is not None:
        click.echo("\n".join(f"slower: {line}" for line in slower) or "nothing got slower")


def _python(path: str) -> str:
    """The interpreter of the peers. Raises ``ConfigError`` if it cannot be run."""
    import shutil

    found = shutil.which(path)
    if found is None:
        raise ConfigError(f"--peer-python {path} is no program; give the path of a Python that has the peers")
    return found
