"""``tinycoder demo``: the bundled model completes code that it has never read, and learns from it."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli.options import Number, home_folder
from tinycoder.cli.signals import INTERRUPTED, stop_on_signals

if TYPE_CHECKING:
    from tinycoder.complete.candidate import Document
    from tinycoder.complete.parts import Parts
    from tinycoder.evaluate.evaluation import PredictingCompleter
    from tinycoder.evaluate.quality import Quality
    from tinycoder.storage.checkpoint import Model
    from tinycoder_training.corpora.corpus import Corpus
    from tinycoder_training.job import Job

NAME = "demo"
SEED = 0
WIDTH = 78  # columns of text
N_CURSORS, N_BYTES = 60, 6_000  # to measure at; fewer after less than a minute
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
    maker = engine_maker(model, files.known)
    click.echo(_introduction(model, files))
    engine = maker(Parts())
    show_lines(engine, files.unseen, seed=SEED)
    show_lists(engine, files.unseen, seed=SEED)
    if minutes:
        _learn(context, model, files, minutes, maker)
    click.echo(
        "What next:\n\n"
        "  tinycoder setup vscode   completes in VS Code; or neovim, emacs, helix\n"
        "  tinycoder train .        teaches it the code in this folder in ten minutes\n"
        "  tinycoder doctor         checks the installation"
    )


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
    return f"{textwrap.fill(text, WIDTH)}\n"


def _learn(
    context: click.Context, model: Model, files: _Files, minutes: float, maker: Callable[[Parts], PredictingCompleter]
) -> None:
    """Train on the known files, and say what it changes in the others."""
    from tinycoder.library import engine_maker
    from tinycoder.storage.checkpoint import load_model

    click.echo(
        _filled("Now the model learns from the known files, as it would from yours, and is measured on the others.")
    )
    before = _measure(maker, files, minutes)
    job = _train(context, model, files, minutes)
    assert job.progress.before is not None
    after = _measure(engine_maker(load_model(job.folder), files.known), files, minutes)
    alone = (job.progress.before.bits_per_byte, job.progress.best_bits_per_byte)
    click.echo("\n".join(["", *_comparison(before, after, alone)]))
    click.echo(f"\n`tinycoder checkpoint remove {NAME}` removes {job.folder} again.\n")


def _train(context: click.Context, start: Model, files: _Files, minutes: float) -> Job:
    """As ``tinycoder train`` does it. Leaves the program if it is asked to stop."""
    from tinycoder.cli.progress import describe, outcome, show
    from tinycoder.library import tuning_job
    from tinycoder.storage.models import model_folder, only_writer

    folder = model_folder(home_folder(context), NAME)
    with only_writer(folder), stop_on_signals() as stop:
        job = tuning_job(files.corpus, start, folder, minutes=minutes, seed=SEED, overwrite=True)
        click.echo("\n".join(textwrap.fill(line, WIDTH) for line in describe(job).splitlines()), err=True)
        with closing(job.train(stop=stop, clock=time.perf_counter)) as reports:
            show(reports, lambda report: [])
    click.echo(outcome(job), err=True)
    if not job.progress.finished:
        context.exit(INTERRUPTED)
    return job


def _measure(maker: Callable[[Parts], PredictingCompleter], files: _Files, minutes: float) -> Quality:
    """Query at cursors of the files that nobody has seen, as many as a run of so many minutes is worth."""
    from rich.console import Console

    from tinycoder.evaluate.evaluation import Settings, evaluate, variants_of

    part = max(MIN_SHARE, min(1.0, minutes))
    settings = Settings(n_cursors=round(part * N_CURSORS), n_typed=0, n_bytes=round(part * N_BYTES), seed=SEED)
    variants = variants_of(baselines=False)
    with Console(stderr=True).status("asking in the files that were held back"):
        results = evaluate(maker, files.unseen, variants, settings, known=files.known, clock=time.perf_counter)
    return results.variants[0]


def _comparison(before: Quality, after: Quality, alone: tuple[float, float]) -> list[str]:
    """A table; ``alone`` is what the model makes of all held-out files without the memory."""
    both = (before, after)
    rows = [
        ("bits per byte, the model alone", *(f"{bits:.3f}" for bits in alone)),
        ("bits per byte, with the memory", *(f"{each.prediction.bits_per_byte:.3f}" for each in both)),
        (f"lines exactly right, of {before.inline.n} asked", *(f"{each.inline.exact:.1%}" for each in both)),
        ("keys that this saves, of all to the lines' ends", *(f"{each.inline.keys_saved:.1%}" for each in both)),
        (
            f"right word on top after one letter, of {before.popup[1].n}",
            *(f"{each.popup[1].top_1:.1%}" for each in both),
        ),
    ]
    width = max(len(row[0]) for row in rows)
    return [f"{name:{width}}  {old:>7}  {new:>7}" for name, old, new in [("", "before", "after"), *rows]]
