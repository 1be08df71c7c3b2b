"""``tinycoder evaluate``: how good completions are in files that the model has not seen, next to simple baselines."""

from __future__ import annotations

import fnmatch
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinycoder.cli import options, terminal
from tinycoder.cli.project import shared_settings
from tinycoder.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    from tinycoder.complete.candidate import Document
    from tinycoder.evaluate.evaluation import Progress, Results
    from tinycoder.storage.checkpoint import Model
    from tinycoder_training.corpora.corpus import Corpus


@click.command(context_settings=options.FORMER_NAMES)
@click.argument("paths", nargs=-1, type=options.PATH)
@options.model("that of the paths, else base")
@click.option(
    "--without",
    "parts",
    metavar="PART",
    multiple=True,
    type=options.TEXT,
    help="Measure the engine without this part too.",
)
@click.option("--ablate", is_flag=True, help="Measure it without each of its parts in turn.")
@click.option("--baselines/--no-baselines", default=True, show_default=True, help="Measure simple completers too.")
@click.option(
    "--after",
    type=click.Choice(["none", "rest"]),
    default="none",
    show_default=True,
    help="What follows the cursor's line: nothing, or the rest of the file.",
)
@click.option(
    "--cursors",
    type=click.IntRange(0),
    default=150,
    show_default=True,
    help="Identifiers to ask popups for; ghost text at twice as many cursors.",
)
@click.option("--typing", type=click.IntRange(0), default=1_500, show_default=True, help="Characters to type.")
@click.option("--bytes", "n_bytes", type=click.IntRange(0), default=20_000, show_default=True, help="Bytes to predict.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the choice of cursors.")
@click.option(
    "--held-out",
    metavar="GLOB",
    type=options.TEXT,
    multiple=True,
    help="Score these files, by path; the rest is known.  [default: what training held out]",
)
@click.option(
    "--learnt",
    metavar="PATH",
    type=options.PATH,
    multiple=True,
    help="More code that the model was trained on, to look for copies of it.",
)
@click.option("--full", is_flag=True, help="Print all that was measured.")
@click.option("--json", "json_to", type=options.PATH, help="Write JSON to a file or -.")
@options.html_to
@click.pass_context
def evaluate(
    context: click.Context,
    paths: tuple[Path, ...],
    model: str | None,
    parts: tuple[str, ...],
    ablate: bool,
    baselines: bool,
    after: str,
    cursors: int,
    typing: int,
    n_bytes: int,
    seed: int,
    held_out: tuple[str, ...],
    learnt: tuple[Path, ...],
    full: bool,
    json_to: Path | None,
    html_to: Path | None,
) -> None:
    """Complete held-out Python files under PATHS (default: the current folder), and compare with the author's text.

    The engine knows the other files, as in an editor, and is queried in the files that training held out: for
    names, for the rest of lines, and before each key of a simulated user. Long verbatim copies in what it offers
    are counted, each with its source. What is printed begins with the answer; --full, the JSON and the page have
    all of it. The JSON has figures and paths only; the page quotes your code.
    """
    from tinycoder.evaluate.evaluation import Settings, variants_of
    from tinycoder.evaluate.evaluation import evaluate as run
    from tinycoder.library import choose_model, engine_maker
    from tinycoder.storage.checkpoint import load_model
    from tinycoder_training.corpora import python_repos

    for path in (json_to, html_to):
        if path and path != Path("-") and not path.absolute().parent.is_dir():  # better before the work than after it
            raise ConfigError(f"cannot write {path} (there is no such folder); choose another path")
    variants = variants_of(parts, ablate=ablate, baselines=baselines)
    settings = Settings(n_cursors=cursors, n_typed=typing, n_bytes=n_bytes, after_rest=after == "rest", seed=seed)
    home, paths = options.home_folder(context), paths or (Path(),)
    shared_settings(paths)  # whose mistakes are said before the work
    loaded = load_model(choose_model(home, paths, model))
    known, scored = _files(home, loaded, paths, held_out)
    maker = engine_maker(loaded, known)
    _warn_of_unsearched_texts(loaded)
    read = _documents(python_repos.read(learnt)) if learnt else []
    texts = {"known": known, "learnt": read}
    with _bar() as report:
        results = run(maker, scored, variants, settings, **texts, clock=time.perf_counter, report=report)
    metadata = {"model": loaded.name, "files scored": f"{len(scored):,}", "files known": f"{len(known):,}"}
    _write(results, metadata | {"behind the cursor": after}, json_to, html_to, full=full)


def _files(
    home: Path, model: Model, paths: Sequence[Path], globs: Sequence[str]
) -> tuple[list[Document], list[Document]]:
    """Known and scored files. Raises an error for files to score that the model has learnt."""
    from tinycoder.storage.forget_list import load_forgotten
    from tinycoder_training.corpora import python_repos

    corpus = python_repos.read(paths, forgotten=load_forgotten(home), seed=model.training.seed)
    scored = {text.path for text in corpus.validation}
    if globs:
        paths_of_all = [text.path for text in (*corpus.train, *corpus.validation)]
        scored = {path for glob in globs for path in fnmatch.filter(paths_of_all, glob)}
        if not scored:
            raise CorpusError(f"no file matches --held-out {' '.join(globs)}; paths look like {paths_of_all[0]}")
    if not _is_of(model, corpus):
        note = (
            f"note: {model.name} was not trained on exactly these files; where it has read the files that are scored, "
            "the figures flatter it"
        )
        click.echo(terminal.wrapped(note), err=True)
    elif learnt := sorted(scored & {text.path for text in corpus.train} - {text.path for text in corpus.validation}):
        raise ConfigError(
            f"{model.name} was trained on {learnt[0]}, so its figures there would say nothing; "
            "score files that training held out, or a model that was trained on other files"
        )
    documents = _documents(corpus)
    if not globs:  # a single file is on both sides, in parts
        return documents[: len(corpus.train)], documents[len(corpus.train) :]
    known = [document for document in documents if document.path not in scored]
    return known, [document for document in documents if document.path in scored]


def _documents(corpus: Corpus) -> list[Document]:
    from tinycoder.complete.candidate import Document

    return [Document(path=text.path, text=text.text) for text in (*corpus.train, *corpus.validation)]


def _warn_of_unsearched_texts(model: Model) -> None:
    from tinycoder.storage.bundled import is_bundled

    origin = model.name if is_bundled(model.folder) else model.training.origin
    if origin:
        note = (
            f"note: what {origin} was trained on is not here, so copies of it are not counted; "
            f"`tinycoder checkpoint show {origin}` says how much {origin} repeats verbatim where that was measured"
        )
        click.echo(terminal.wrapped(note), err=True)


def _is_of(model: Model, corpus: Corpus) -> bool:
    """Whether the model was trained on this corpus, as far as its sizes tell."""
    data = model.training.data
    if model.training.recipe != "code" or data is None:
        return False
    sizes = [(len(texts), sum(text.n_bytes for text in texts)) for texts in (corpus.train, corpus.validation)]
    return sizes == [(data.files, data.bytes), (data.validation_files, data.validation_bytes)]


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """Draw progress on stderr, or print a line for each measure where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.percentage:>3.0f}%"),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    said: set[tuple[str, str]] = set()
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def report(step: Progress) -> None:
            bar.update(task, completed=step.done, description=f"{step.variant}: {step.measure}")
            if not console.is_terminal and (step.variant, step.measure) not in said:
                said.add((step.variant, step.measure))
                click.echo(f"{step.done:4.0%}  {step.variant}: {step.measure}", err=True)

        yield report


def _write(
    results: Results, metadata: dict[str, str], json_to: Path | None, html_to: Path | None, *, full: bool
) -> None:
    from tinycoder.evaluate.page import page

    data: dict[str, Any] = {**metadata, **results.to_json()}
    if html_to:
        options.write_text(html_to, page(f"{metadata['model']} - TinyCoder evaluation", metadata, results))
    if json_to == Path("-"):
        click.echo(json.dumps(data))
        return
    if json_to:
        options.write_text(json_to, json.dumps(data, indent=1) + "\n")
    _print(results, metadata, full=full)


def _print(results: Results, metadata: dict[str, str], *, full: bool) -> None:
    """The answer, the table that it is from with its words explained, and all other tables if they are asked for."""
    from tinycoder.evaluate.summary import legend, sentences, summary_table
    from tinycoder.evaluate.tables import tables

    summary = summary_table(results)
    click.echo(terminal.wrapped(sentences(results)) + "\n")
    click.echo(terminal.text_table(summary.columns, summary.rows) + "\n")
    click.echo(terminal.wrapped(legend(results), " " * 15))
    said = ", ".join(f"{name}: {value}" for name, value in metadata.items())
    click.echo("\n" + terminal.wrapped(said if full else f"{said}; --full says all that was measured"))
    for table in tables(results) if full else ():
        click.echo(f"\n{terminal.wrapped(table.title)}\n{terminal.text_table(table.columns, table.rows)}")
