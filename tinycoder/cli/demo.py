"""``tinycoder demo``: train on Python that is on this machine, and complete files that were held back."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli.home import home_folder
from tinycoder.cli.signals import INTERRUPTED, stop_on_signals

if TYPE_CHECKING:
    from tinycoder.evaluate import CompletedLine
    from tinycoder_training.corpora.corpus import Corpus

NAME = "demo"
N_TRIED, N_SHOWN = 200, 5


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Train this long.",
)
@click.pass_context
def demo(context: click.Context, minutes: float) -> None:
    """Train a nano model for a minute on the standard library and on TinyCoder itself, and complete unseen files."""
    import tinycoder
    from tinycoder.checkpoint import load_model, read_training
    from tinycoder.cli.evaluate import engine_maker
    from tinycoder.cli.progress import curve_lines, describe, show
    from tinycoder.complete.candidate import Document
    from tinycoder.complete.parts import Parts
    from tinycoder.config import PRESETS, TrainConfig
    from tinycoder.decode import use_one_blas_thread
    from tinycoder.evaluate import completed_lines
    from tinycoder.store import model_folder, only_writer
    from tinycoder_training.run import new_job

    folder = model_folder(home_folder(context), NAME)
    settings = TrainConfig(minutes=minutes, batch_size=PRESETS["nano"].batch_size)
    corpus = _corpus(Path(tinycoder.__file__).parent)
    with only_writer(folder), stop_on_signals() as stop:
        job = new_job(
            corpus,
            folder=folder,
            preset="nano",
            settings=settings,
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        )
        click.echo(describe(job), err=True)
        with closing(job.train(stop=stop, clock=time.perf_counter)) as reports:
            show(reports, lambda report: [])
    if not job.progress.finished:
        click.echo(f"stopped; go on with: tinycoder train --resume --name {NAME}", err=True)
        context.exit(INTERRUPTED)
    click.echo("\nHeld-out bits per byte over the run:\n")
    click.echo("\n".join(curve_lines(read_training(folder)["curve"])))
    click.echo(
        f"\n{N_TRIED} places in files it did not train on; the {N_SHOWN} completions that promise to save most keys:"
    )
    use_one_blas_thread()
    known, unseen = (
        [Document(path=text.path, text=text.text) for text in texts] for texts in (corpus.train, corpus.validation)
    )
    engine = engine_maker(load_model(folder), known)(Parts())
    lines = completed_lines(engine, unseen, n=N_TRIED, seed=0, inside=True)
    best: dict[str, CompletedLine] = {}
    for line in sorted(lines, key=lambda line: -line.probability * len(line.text)):
        best.setdefault(line.text, line)
    for completed in list(best.values())[:N_SHOWN]:
        click.echo(_side_by_side(completed))
    click.echo(
        f"\nThe model is in {folder}.\n"
        "To use it in an editor: `tinycoder setup` brings it to VS Code, Neovim, Emacs and Helix.\n"
        "In Neovim, for a first look:\n\n"
        "    :lua vim.lsp.start({name = 'tinycoder', cmd = {'tinycoder', 'serve'}})\n\n"
        "in a Python file; then Ctrl-X Ctrl-O completes. To train on your own code: tinycoder train PATH"
    )


def _corpus(package: Path) -> Corpus:
    """Some of the standard library, and TinyCoder's own files."""
    from tinycoder_training.corpora import library, python_repos

    return python_repos.read([*library.paths(), package])


def _side_by_side(line: CompletedLine) -> str:
    """The lines before the cut, what the model offers, and what the author wrote."""
    text = line.document.text
    number = text.count("\n", 0, line.offset) + 1
    start = text.rfind("\n", 0, line.offset) + 1
    before = [row for row in text[:start].splitlines() if row.strip()][-2:]
    typed = text[start : line.offset]
    rows = [f"\n  {line.document.path}:{number}   P = {line.probability:.2f}   {'same' if line.exact else 'different'}"]
    rows += [f"    {'':9} {click.style(row, dim=True)}" for row in before]
    rows.append(f"    {'typed':9} {typed}")
    for who, rest in (("tinycoder", line.text), ("author", line.truth)):
        rows.append(f"    {who:9} {' ' * len(typed)}{click.style(rest, bold=True)}")
    return "\n".join(rows)
