"""``tinycoder checkpoint``: look after model folders."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli import options, terminal
from tinycoder.cli.terminal import printable
from tinycoder.storage.home import report_page
from tinycoder.storage.record import TrainingRecord

if TYPE_CHECKING:
    from tinycoder.storage.checkpoint import Model
    from tinycoder.storage.models import Summary
    from tinycoder.storage.record import Quantized

MEASURED_TOKENS = 65_536
HEAD = ("name", "recipe", "parameters", "bits/byte", "size", "written", "state")
ALIGN = "<<>>><<"
GAP = 2  # columns between two cells


def _resolved(context: click.Context, name: str) -> Path:
    """The folder of the model ``name``. Raises ``CheckpointError``."""
    from tinycoder.storage.models import resolve_model

    return resolve_model(options.home_folder(context), name)


@click.group()
def checkpoint() -> None:
    """List, check, copy, shrink, export and remove models."""


@checkpoint.command("list")
@options.as_json
@click.pass_context
def list_command(context: click.Context, as_json: bool) -> None:
    """List the models, one a line."""
    from tinycoder.storage.models import list_models

    summaries = list_models(options.home_folder(context))
    if as_json:
        click.echo(json.dumps([_as_json(summary) for summary in summaries]))
        return
    click.echo(_listing([HEAD, *map(_columns, summaries)], [printable(each.problem or "") for each in summaries]))


def _listing(rows: Sequence[tuple[str, ...]], problems: Sequence[str]) -> str:
    """A line a row, or two where that is too wide: the name stands alone. What is wrong stands below its model."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    stacked = sum(widths) + GAP * (len(widths) - 1) > terminal.width()
    lines = []
    for row, problem in zip(rows, ["", *problems], strict=True):
        cells = [f"{cell:{align}{wide}}" for cell, align, wide in zip(row, ALIGN, widths, strict=True)]
        name, rest = cells[0], (" " if stacked else " " * GAP).join(cells[1:]).rstrip()
        lines += [row[0], f"{'':{GAP}}{rest}"] if stacked else [f"{name}{'':{GAP}}{rest}"]
        lines += [terminal.wrapped(f"{'':{GAP}}{problem}", " " * GAP)] if problem else []
    return "\n".join(lines)


def _as_json(summary: Summary) -> dict[str, object]:
    training = {} if summary.training == TrainingRecord() else summary.training.to_json()
    row = vars(summary) | {"folder": str(summary.folder), "training": training, "shipped": summary.bundled}
    del row["bundled"]
    return row


def _columns(summary: Summary) -> tuple[str, ...]:
    """The cells below ``HEAD``."""
    parameters, bpb = summary.training.parameters, summary.training.val_bpb
    finished = "finished" if summary.training.finished else "not finished"
    state = "shipped" if summary.bundled else "resumable" if summary.resumable else finished
    return (
        printable(summary.name),
        printable(summary.training.recipe or "-")[:11],
        f"{parameters:,}" if parameters else "-",
        "-" if bpb is None else f"{bpb:.3f}",
        f"{summary.n_bytes / 1e6:.1f} MB",
        time.strftime("%Y-%m-%d", time.localtime(summary.modified)) if summary.modified else "-",
        "broken" if summary.problem else state,
    )


@checkpoint.command()
@click.argument("name")
@options.as_json
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """Show what the model NAME is, what it learnt from and how well it does."""
    from tinycoder.storage.atomic import readable_folder
    from tinycoder.storage.checkpoint import TRAINING, read_card, read_json, read_training

    folder = _resolved(context, name)
    read_training(folder)  # refuses a damaged file
    card = None
    if not as_json:
        click.echo(folder)
        card = read_card(folder)
    if card is None:
        click.echo(json.dumps(read_json(readable_folder(folder) / TRAINING), indent=2))
    else:
        _print_markdown(printable(card.split("---\n", 2)[-1].strip()))  # without the front matter


def _print_markdown(text: str) -> None:
    """Print it as a page for the terminal, as wide as that."""
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=terminal.width(), highlight=False).print(Markdown(text, hyperlinks=False))


@checkpoint.command()
@click.argument("name")
@click.pass_context
def verify(context: click.Context, name: str) -> None:
    """Read and check every file of the model NAME, and measure what weights of fewer bits cost."""
    from tinycoder.storage.checkpoint import load_model, load_state
    from tinycoder.storage.models import is_resumable, run_folder
    from tinycoder.transformer.model import n_params

    folder = _resolved(context, name)
    model = load_model(folder)
    resumable = is_resumable(folder)
    if resumable:
        load_state(run_folder(folder))
    click.echo(
        f"{model.name}: valid; {n_params(model.config):,} parameters, {model.config.vocab_size:,} ids"
        + (", can be resumed" if resumable else "")
    )
    if model.weights != "float32":
        click.echo(_cost(model))


@checkpoint.command()
@click.argument("name")
@click.option("--to", "kind", type=click.Choice(["int8", "float16"]), default="int8", show_default=True)
@click.option(
    "--name",
    "new_name",
    metavar="TEXT",
    type=options.TEXT,
    help="Name of the smaller model.  [default: NAME-int8, ...]",
)
@click.pass_context
def quantize(context: click.Context, name: str, kind: str, new_name: str | None) -> None:
    """Copy the model NAME with weights of a byte (int8) or two (float16) a parameter, and say what that costs.

    What computes is float32 in any case, so the copy is as fast as the original. A model that was trained from another
    one is float16 already, and `base` is int8.
    """
    from tinycoder.errors import CheckpointError
    from tinycoder.storage.checkpoint import WEIGHTS, load_model, save_model
    from tinycoder.storage.models import model_folder, only_writer
    from tinycoder.transformer.quantize import KINDS
    from tinycoder_training.card import model_card

    model = load_model(_resolved(context, name))
    if KINDS.index(kind) <= KINDS.index(model.weights):  # from large to small
        raise CheckpointError(
            f"{model.name} has {model.weights} weights, which {kind} would not make smaller; "
            "`tinycoder checkpoint copy` makes a copy, `tinycoder checkpoint export` one in float32 for other programs"
        )
    if not model.training.finished:
        raise CheckpointError(f"{model.name} is not finished; finish it with `tinycoder train --resume`, or copy it")
    target = model_folder(options.home_folder(context), new_name or f"{model.name}-{kind}")
    if target.exists():
        raise CheckpointError(f"there is a model {target.name} already; remove it, or choose another --name")
    measured = dataclasses.replace(_measure(model), weights=kind, origin=model.name)
    training = dataclasses.replace(model.training, quantized=measured)
    with only_writer(target):
        save_model(
            target,
            config=model.config,
            params=model.params,
            tokenizer=model.tokenizer,
            training=training,
            card=model_card(target.name, model.config, training),
            weights=kind,
        )
    sizes = [(each / WEIGHTS).stat().st_size for each in (target, model.folder)]
    click.echo(f"{target}\n{sizes[0] / 1e6:.1f} MB instead of {sizes[1] / 1e6:.1f} ({sizes[0] / sizes[1]:.1%})")
    click.echo(_cost(load_model(target)))


@checkpoint.command()
@click.argument("name")
@click.argument("target", type=options.PATH)
@click.option("--to", "kind", type=click.Choice(["gguf", "hf"]), default="gguf", show_default=True)
@click.pass_context
def export(context: click.Context, name: str, target: Path, kind: str) -> None:
    """Write the model NAME to TARGET for other programs, with float32 weights.

    gguf is a file for llama.cpp, hf a new folder for Hugging Face's transformers.
    """
    from tinycoder.errors import CheckpointError
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.storage.gguf import export_gguf

    if kind == "gguf" and target.suffix != ".gguf":
        raise click.UsageError(f"{target} does not end in .gguf; --to hf writes a folder for transformers")
    if kind == "gguf" and target.is_dir():
        raise click.UsageError(f"{target} is a folder; name the file to write")
    if kind == "hf" and target.exists():
        raise CheckpointError(f"{target} exists already; name a folder that does not")
    model = load_model(_resolved(context, name))
    if kind == "gguf":
        export_gguf(model, target)
    else:
        _export_folder(model, target)
    click.echo(target)


def _export_folder(model: Model, target: Path) -> None:
    """Write the folder. Its card is a new one, which says float32, but for the bundled model, which has its own."""
    from tinycoder.storage.checkpoint import read_card, save_model
    from tinycoder_training.card import model_card

    training = dataclasses.replace(model.training, quantized=None)
    card = read_card(model.folder) if training.bundled else model_card(model.name, model.config, training)
    save_model(
        target,
        config=model.config,
        params=model.params,
        tokenizer=model.tokenizer,
        training=training,
        card=card or "",
    )


def _measure(model: Model) -> Quantized:
    """Bits per byte on part of the standard library, and the digest of that text."""
    import hashlib

    from tinycoder.storage.record import Quantized
    from tinycoder_training.corpora import library, python_repos
    from tinycoder_training.quality import measure

    corpus = python_repos.read(library.paths())
    digest = hashlib.sha256("".join(text.text for text in corpus.validation).encode()).hexdigest()
    evaluation = measure(model, corpus.validation, n_tokens=MEASURED_TOKENS)
    return Quantized(bits_per_byte=evaluation.bits_per_byte, text=digest)


def _cost(model: Model) -> str:
    """Bits per byte of the model now, compared with the model that it was made from where that was measured."""
    noted, measured = model.training.quantized, _measure(model)
    assert measured.bits_per_byte is not None
    said = f"{model.weights}: {measured.bits_per_byte:.4f} bits per byte on the standard library"
    if noted is None or not noted.bits_per_byte:
        return said
    if noted.text != measured.text:
        return f"{said}, another one than it was measured on"
    change = measured.bits_per_byte / noted.bits_per_byte - 1
    return f"{said}, {noted.bits_per_byte:.4f} before ({change:+.3%})"


@checkpoint.command()
@click.argument("name")
@click.argument("new_name")
@click.pass_context
def copy(context: click.Context, name: str, new_name: str) -> None:
    """Copy the model NAME to NEW_NAME."""
    from tinycoder.storage.models import copy_model, model_folder

    target = model_folder(options.home_folder(context), new_name)
    copy_model(_resolved(context, name), target)
    click.echo(target)


@checkpoint.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(context: click.Context, name: str, yes: bool) -> None:
    """Delete the model NAME, a run of it that was stopped, and the page of its training."""
    from tinycoder.storage.models import refuse_to_remove, remove_model

    home, folder = options.home_folder(context), _resolved(context, name)
    refuse_to_remove(folder)  # without a question
    if not yes:
        options.ask(f"Delete {folder}?", "nothing was removed")
    is_at_home = folder.resolve().parent == (home / "models").resolve()
    remove_model(folder)
    if is_at_home:
        _remove_report(report_page(home, folder.name))


def _remove_report(page: Path) -> None:
    """Remove the page of a model that is gone: it quotes what was learnt."""
    from tinycoder.errors import TinyCoderError

    try:
        page.unlink(missing_ok=True)
    except OSError as error:
        raise TinyCoderError(f"the model is removed, but not its report {page} ({error.strerror})") from None
