"""Keep a long run going in the background, from a frozen copy of the tree: start, halt, branch it, say its state.

    python training/base/long_run.py start --at PLACE --tokens 130e6
    python training/base/long_run.py status --at PLACE

PLACE holds ``tree`` (a copy of the repository), ``env`` (a virtual environment in which that copy is installed) and
``corpus``; the run is kept in ``run`` and its output in ``log``. It is a session of its own with the lowest priority,
and outlives the shell. ``start`` also continues a run that was stopped. A branch is a short decay from the saved state
of the run, next to it and under a name of its own; the other commands take it by ``--name``. Linux only, as
``tinycoder_training.background`` says.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import filelock
from curve import MEASURED, read_log

from tinycoder.errors import CorpusError, TinyCoderError, TrainingError
from tinycoder.storage.models import exists, is_resumable
from tinycoder_training.background import (
    Place,
    identified,
    is_paused,
    needed,
    pause,
    remember,
    resume,
    running,
    write,
)

NICE = 19
RATE_LINES = 10  # of the log, over which tokens a second are counted
WATCHED_S = 8.0  # how long a run is watched that may not begin at all


def start(place: Place, arguments: Sequence[str], watch_s: float = WATCHED_S) -> None:
    """Start ``train.py`` of the frozen tree, detached.

    Raises ``TrainingError`` if it runs already, or ends within ``watch_s`` with an error.
    """
    place.file("lock").parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(place.file("lock")):
        refuse_if_running(place)
        script = place.home / "tree" / "training" / "base" / "train.py"
        python = place.home / "env" / "bin" / "python"
        fixed = [place.home / "corpus", "--folder", place.model, "--pauses", place.file("pauses")]
        write(place.file("pauses"), {"seconds": 0.0, "since": None})
        with place.file("jsonl").open("ab") as log, place.file("errors").open("ab") as errors:
            started = subprocess.Popen(
                ["nice", "-n", str(NICE), python, script, *fixed, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=errors,
                start_new_session=True,
            )
        _be_nice_to_other_sessions(started.pid)
        if process := identified(started.pid):
            write(place.file("process"), dataclasses.asdict(process))
            remember(place)
        with suppress(subprocess.TimeoutExpired):
            if started.wait(watch_s):
                said = place.file("errors").read_text(errors="replace").strip().rpartition("\n")[2]
                raise TrainingError(f"the run ended at once ({said}); {place.file('errors')} may say more")


def refuse_if_running(place: Place) -> None:
    """Raise ``TrainingError`` if it does, paused or not."""
    if process := running(place):
        raise TrainingError(f"{place.name!r} runs already, as process {process.pid}")


def stop(place: Place, wait_s: float) -> bool:
    """Ask the process to save everything and end, and whether it has within ``wait_s``."""
    process = needed(place)
    os.kill(process.pid, signal.SIGTERM)
    with suppress(TrainingError, ProcessLookupError):
        resume(place)  # a paused process hears nothing
    end = time.monotonic() + wait_s
    while running(place) and time.monotonic() < end:
        time.sleep(0.1)
    return not running(place)


def status(place: Place) -> str:
    """One line: tokens of the budget, the last evaluation, tokens a second, what it does, and how long it will take."""
    process = running(place)
    doing = "stopped" if process is None else "paused" if is_paused(place) else "running"
    try:
        lines = read_log(place.file("jsonl"))
    except CorpusError:
        return f"{place.name}: {doing if process or exists(place.model) else 'not started'}, no step in the log yet"
    last = lines[-1]
    if last["done"] >= 1 and process is None:
        doing = "finished"
    parts = [doing, f"{last['tokens'] / 1e6:,.2f} of {last['budget'] / 1e6:,.2f} M tokens ({last['done']:.1%})"]
    parts.append(f"loss {last['loss']:.3f}")
    measured = [line for line in lines if MEASURED in line]
    if measured:
        parts.append(f"{measured[-1][MEASURED]:.4f} bits per byte at {measured[-1]['tokens'] / 1e6:,.2f} M")
    rate = tokens_per_second(lines)
    if rate:
        parts.append(f"{rate:,.0f} tokens/s")
        parts.append(f"{max(0, last['budget'] - last['tokens']) / rate / 3600:.1f} hours left")
    return f"{place.name}: {', '.join(parts)}"


def tokens_per_second(lines: Sequence[dict[str, Any]]) -> float:
    """The rate over the last lines of a log, evaluations and saves included; 0 where that cannot be told."""
    first, last = lines[max(0, len(lines) - 1 - RATE_LINES)], lines[-1]
    seconds = 60 * (last["minutes"] - first["minutes"])
    return (last["tokens"] - first["tokens"]) / seconds if seconds > 0 else 0.0


def _arguments(place: Place, tokens: float | None, model: Path | None, preset: str | None) -> list[str]:
    """The arguments of ``train.py``, besides the folders. Raises ``TrainingError`` if there is nothing to start."""
    refuse_if_running(place)
    budget = [] if tokens is None else ["--tokens", str(tokens)]
    if is_resumable(place.model):
        return ["--resume", *budget]
    if exists(place.model):
        raise TrainingError(f"{place.name!r} is finished; begin another run with --name")
    if tokens is None:
        raise TrainingError("a new run needs a budget; give --tokens")
    if preset:
        return [*budget, "--preset", preset]
    return [*budget, "--start", str(model or place.home / "tree" / "tinycoder" / "models" / "base")]


def _be_nice_to_other_sessions(pid: int) -> None:
    """Linux may share the cores out by session, and a nice value then counts within its own session only."""
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICE))


def _on_place(act: Callable[..., object]) -> Callable[..., None]:
    """A command that does ``act`` at the place its options name, and then says its state in one line."""

    @click.option("--at", "home", required=True, type=_FOLDER)
    @click.option("--name", default="run", show_default=True, help="The run, or a branch of it.")
    @functools.wraps(act)
    def command(home: Path, name: str, **options: Any) -> None:
        place = Place(home=home, name=name)
        try:
            other = act(place, **options)
        except TinyCoderError as error:
            raise click.ClickException(str(error)) from None
        click.echo(status(other if isinstance(other, Place) else place))

    return command


_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True)
_TOKENS = click.FloatRange(1)


@click.group()
def main() -> None:
    """A long run in the background, from the frozen copy in PLACE."""


@main.command("start")
@click.option("--tokens", type=_TOKENS, help="Budget from the beginning; needed for a new run.")
@click.option("--from", "model", type=click.Path(path_type=Path), help="Begin with it.  [default: the shipped model]")
@click.option("--anew", is_flag=True, help="Begin a new run with new weights, not those of a model.")
@click.option("--preset", default="medium", show_default=True, help="Size of a run with new weights.")
@click.option(
    "--watch", "watch_s", type=click.FloatRange(0), default=WATCHED_S, help="Seconds to see whether it begins."
)
@_on_place
def start_command(
    place: Place, tokens: float | None, model: Path | None, anew: bool, preset: str, watch_s: float
) -> None:
    """Start a run, or continue one that was stopped."""
    start(place, _arguments(place, tokens, model, preset if anew else None), watch_s)


@main.command("branch")
@click.argument("branch")
@click.option("--tokens", type=_TOKENS, required=True, help="Over which the learning rate falls to zero.")
@_on_place
def branch_command(run: Place, branch: str, tokens: float) -> Place:
    """Start a decay from the saved state of the run, as BRANCH; the run stays as it is."""
    place = Place(home=run.home, name=branch)
    if exists(place.model):
        raise TrainingError(f"{branch!r} exists already; choose another name, or continue it: start --name {branch}")
    if not is_resumable(run.model):
        raise TrainingError("the run has saved no state yet; try again in some minutes")
    start(place, ["--branch", str(run.model), "--tokens", str(tokens)])
    return place


@main.command("stop")
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=300.0, show_default=True, help="Seconds.")
@_on_place
def stop_command(place: Place, wait_s: float) -> None:
    """Save everything and end."""
    stop(place, wait_s)


main.command("pause", help="Halt the process where it is, for a measurement that needs the cores.")(_on_place(pause))
main.command("continue", help="Let a paused process continue.")(_on_place(resume))
main.command("status", help="Say in one line what the run does and how far it is.")(_on_place(running))


if __name__ == "__main__":
    main()
