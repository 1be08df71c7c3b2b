"""``tinycoder demo``: the bundled model completes code that it has never read, and learns from it."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from tinycoder.cli import terminal
from tinycoder.cli.options import Number
from tinycoder.cli.signals import INTERRUPTED, stop_on_signals

if TYPE_CHECKING:
    from tinycoder.complete.candidate import Document
    from tinycoder.evaluate.quality import Quality
    from tinycoder.storage.checkpoint import Model
    from tinycoder_training.corpora.corpus import Corpus

NAME = "demo"
SEED = 0
N_TYPED, N_BYTES = 3_000, 8_000  # characters and bytes to measure on; fewer after less than a minute
MIN_SHARE = 0.1  # of these


@dataclass(frozen=True, kw_only=True)
class _Files:
    """TinyCoder's own files: those that the memory knows and the model may learn, and those that nobody has seen."""

    corpus: Corpus
    known: Sequence[Document]
    unseen: Sequence[Document]


@click.command()
@click.option(
    "--minutes",
    type=Number(0),
    default=1.0,
    show_default=True,
    help="Then learn for this long, and compare; 0 only completes.",
)
@click.pass_context
def demo(context: click.Context, minutes: float) -> None:
    """Complete code that the model has never read, TinyCoder's own; then learn from it for a minute, and compare."""
    click.echo(_filled("TinyCoder completes its own source code. The model that comes with it has never read that."))
    from tinycoder.cli.examples import show_lines, show_lists
    from tinycoder.complete.parts import Parts
    from tinycoder.library import engine_maker
    from tinycoder.storage.bundled import bundled_folder
    from tinycoder.storage.checkpoint import load_model

    model, files = load_model(bundled_folder()), _files()
    click.echo(_introduction(model, files))
    engine = engine_maker(model, files.known)(Parts())
    show_lines(engine, files.unseen, seed=SEED)
    show_lists(engine, files.unseen, seed=SEED)
    if minutes:
        _learn(context, model, files, minutes)
    program = program_name()
    steps = {
        "setup vscode": "completes in VS Code; or neovim, emacs, helix",
        "train .": "learns the code in this folder, in ten minutes",
        "doctor": "checks the installation",
    }
    width = max(map(len, steps))
    click.echo("What next:\n")
    for arguments, does in steps.items():
        line = f"  {program} {arguments:{width}}  {does}"
        click.echo(line if len(line) <= terminal.width() else f"  {program} {arguments}\n      {does}")


def _files() -> _Files:
    import tinycoder
    import tinycoder_lsp
    import tinycoder_training
    from tinycoder.complete.candidate import Document
    from tinycoder_training.corpora import python_repos

    packages = (tinycoder, tinycoder_lsp, tinycoder_training)
    corpus = python_repos.read([Path(str(package.__file__)).parent for package in packages], seed=SEED)
    known, unseen = (
        [Document(path=text.path, text=text.text.replace("\r\n", "\n")) for text in texts]
        for texts in (corpus.train, corpus.validation)
    )
    return _Files(corpus=corpus, known=known, unseen=unseen)


def _introduction(model: Model, files: _Files) -> str:
    from tinycoder.transformer.model import n_params

    size = f"{n_params(model.config) / 1e6:.1f} million parameters"
    return _filled(
        f"The model, {model.name}, knows Python in general ({size}). The memory has just read {len(files.known)} "
        f"files. {len(files.unseen)} others are held back: of these both see what comes before the "
        f"cursor, and no more."
    )


def _filled(text: str) -> str:
    return f"{terminal.wrapped(text)}\n"


def _learn(context: click.Context, model: Model, files: _Files, minutes: float) -> None:
    """Train on the known files, and say what it changes in the others. The trained model is not kept."""
    from tinycoder.storage.checkpoint import load_model

    click.echo(
        _filled("Now the model learns from the known files, as it would from yours, and is measured on the others.")
    )
    before = _measure(model, files, minutes)
    with TemporaryDirectory(prefix="tinycoder-demo-") as folder:
        _train(context, model, files, minutes, Path(folder) / NAME)
        after = _measure(load_model(Path(folder) / NAME), files, minutes)
    click.echo(f"\n{_comparison(before, after)}\n")


def _train(context: click.Context, start: Model, files: _Files, minutes: float, folder: Path) -> None:
    """As ``tinycoder train`` does it. Leaves the program if it is asked to stop."""
    from tinycoder.cli.progress import describe, show
    from tinycoder.library import tuning_job

    with stop_on_signals() as stop:
        job = tuning_job(files.corpus, start, folder, minutes=minutes, seed=SEED)
        click.echo(describe(job), err=True)
        with closing(job.train(stop=stop, clock=time.perf_counter)) as reports:
            show(job, reports, lambda report: [])
    if not job.progress.finished:
        click.echo("stopped; nothing of this run is kept", err=True)
        context.exit(INTERRUPTED)


def _measure(model: Model, files: _Files, minutes: float) -> tuple[Quality, ...]:
    """Type in the files that nobody has seen, as much as a run of so many minutes is worth; then without the memory."""
    from rich.console import Console

    from tinycoder.complete.parts import Parts
    from tinycoder.evaluate.evaluation import Settings, Variant, evaluate
    from tinycoder.library import engine_maker

    part = max(MIN_SHARE, min(1.0, minutes))
    both = Settings(n_cursors=0, n_typed=round(part * N_TYPED), n_bytes=round(part * N_BYTES), seed=SEED)
    alone = replace(both, n_cursors=1, n_typed=0)  # bytes, and next to nothing else
    maker = engine_maker(model, files.known)
    found: list[Quality] = []
    with Console(stderr=True).status("typing in the files that were held back"):
        for parts, settings in ((Parts(), both), (Parts(memory=False), alone)):
            variant, clock = Variant(name=NAME, parts=parts), time.perf_counter
            found += evaluate(maker, files.unseen, [variant], settings, known=files.known, clock=clock).variants
    return tuple(found)


def _comparison(before: Sequence[Quality], after: Sequence[Quality]) -> str:
    """The keys that TinyCoder saves, in a sentence, and bits per byte of the same text with and without the memory."""
    from tinycoder.evaluate.summary import keys_saved

    saved = [keys_saved(each[0].typing) or 0 for each in (before, after)]
    rows = [("", "before", "after"), ("keys saved of 100", *(f"{keys:.1f}" for keys in saved))]
    for i, parts in enumerate(("model and memory", "the model alone")):
        bits = [each[i].prediction.bits_per_byte for each in (before, after)]
        rows.append((f"bits per byte, {parts}", *(f"{value:.3f}" for value in bits)))
    width = max(len(row[0]) for row in rows)
    return (
        terminal.wrapped(
            f"In files that it has not seen, TinyCoder saves {saved[0]:.0f} of 100 keys, and {saved[1]:.0f} after what "
            f"it has just learnt. That is for {after[0].typing.n_characters:,} characters, typed by somebody who takes "
            "each offer that spares a key."
        )
        + "\n\n"
        + "\n".join(f"{name:{width}}  {old:>7}  {new:>7}" for name, old, new in rows)
        + "\n\n"
        + terminal.wrapped("Bits per byte say how surprising the held-out text is: fewer are better.")
    )


def program_name() -> str:
    """How this program is started in the shell that it was started from."""
    from tinycoder.editors.installation import own_command

    command = own_command(os.environ)
    if command.ours:
        return "tinycoder"
    program, *arguments = command.argv
    with suppress(ValueError):
        program = str(Path(program).relative_to(Path.cwd()))
    return shlex.join([program, *arguments])
