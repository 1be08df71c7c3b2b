"""``tinycoder checkpoint``: look after model folders."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli import options
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
    click.echo(_listing([HEAD, *map(_columns, summaries)], [_printable(each.problem or "") for each in summaries]))


def _listing(rows: Sequence[tuple[str, ...]], problems: Sequence[str]) -> str:
    """A line a row, or two where that is too wide: the name stands alone. What is wrong stands below its model."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    stacked = sum(widths) + GAP * (len(widths) - 1) > options.width()
    lines = []
    for row, problem in zip(rows, ["", *problems], strict=True):
        cells = [f"{cell:{align}{wide}}" for cell, align, wide in zip(row, ALIGN, widths, strict=True)]
        name, rest = cells[0], (" " if stacked else " " * GAP).join(cells[1:]).rstrip()
        lines += [row[0], f"{'':{GAP}}{rest}"] if stacked else [f"{name}{'':{GAP}}{rest}"]
        lines += [options.wrapped(f"{'':{GAP}}{problem}", " " * GAP)] if problem else []
    return "\n".join(lines)


def _as_json(summary: Summary) -> dict[str, object]:
    training = {} if summary.training == TrainingRecord() else summary.training.to_json()
    row = vars(summary) | {"folder": str(summary.folder), "training": training, "shipped": summary.bundled}
    del row["bundled"]
    return row


def _columns(summary: Summary) -> tuple[str, ...]:
    """The cells below ``HEAD``."""
    parameters, bpb = summary.training.parameters, summary.training.val_bpb
    state = "shipped" if summary.bundled else "resumable" if summary.resumable else "finished"
    return (
        _printable(summary.name),
        _printable(summary.training.recipe or "-")[:11],
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
        _print_markdown(_printable(card.split("---\n", 2)[-1].strip()))  # without the front matter


def _print_markdown(text: str) -> None:
    """Print it as a page for the terminal, as wide as that."""
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=options.width(), highlight=False).print(Markdown(text, hyperlinks=False))


@checkpoint.command()
@click.argument("name")
@click.pass_context
def verify(context: click.Context, name: str) -> None:
    """Read and check every file of the model NAME, and measure what quantised weights cost."""
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
@click.option("--name", "new_name", metavar="TEXT", help="Name of the smaller model.  [default: NAME-int8, ...]")
@click.pass_context
def quantize(context: click.Context, name: str, kind: str, new_name: str | None) -> None:
    """Copy the model NAME with weights of a quarter (int8) or half the size (float16), and say what that costs.

    Weights are float32 again once they are loaded. Hugging Face's transformers reads float16, but not int8.
    """
    from tinycoder.errors import CheckpointError
    from tinycoder.storage.checkpoint import WEIGHTS, load_model, save_model
    from tinycoder.storage.models import model_folder, only_writer
    from tinycoder_training.card import model_card

    model = load_model(_resolved(context, name))
    if model.weights != "float32":
        raise CheckpointError(
            f"{model.name} holds {model.weights} weights already; quantise the model that it was made from"
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
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def export(context: click.Context, name: str, file: Path) -> None:
    """Write the model NAME to FILE in GGUF, the format of llama.cpp, with float32 weights.

    The folder of a float32 model is one for Hugging Face's transformers as it is.
    """
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.storage.gguf import export_gguf

    if file.suffix != ".gguf":
        raise click.UsageError(f"{file} does not end in .gguf, the one format that can be written")
    export_gguf(load_model(_resolved(context, name)), file)
    click.echo(file)


def _measure(model: Model) -> Quantized:
    """Bits per byte on part of the standard library, and the digest of that text."""
    import hashlib

    from tinycoder.storage.record import Quantized
    from tinycoder_training.corpora import library, python_repos
    from tinycoder_training.job import measure

    corpus = python_repos.read(library.paths())
    digest = hashlib.sha256("".join(text.text for text in corpus.validation).encode()).hexdigest()
    evaluation = measure(model, corpus.validation, n_tokens=MEASURED_TOKENS)
    return Quantized(bits_per_byte=evaluation.bits_per_byte, text=digest)


def _cost(model: Model) -> str:
    """Bits per byte of the model now, compared with its float32 model where that was measured."""
    noted, measured = model.training.quantized, _measure(model)
    assert measured.bits_per_byte is not None
    said = f"{model.weights}: {measured.bits_per_byte:.4f} bits per byte on the standard library"
    if noted is None or not noted.bits_per_byte:
        return f"{said}; its float32 model is not known"
    if noted.text != measured.text:
        return f"{said}, another one than it was measured on"
    change = measured.bits_per_byte / noted.bits_per_byte - 1
    return f"{said}, {noted.bits_per_byte:.4f} in float32 ({change:+.3%})"


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
    """Delete the model NAME."""
    from tinycoder.storage.atomic import readable_folder
    from tinycoder.storage.bundled import is_bundled
    from tinycoder.storage.models import remove_model

    folder = _resolved(context, name)
    readable_folder(folder)
    if not (yes or is_bundled(folder)):  # which is refused without a question
        click.confirm(f"Delete {folder}?", abort=True)
    remove_model(folder)


def _printable(text: str) -> str:
    """Without what could command a terminal: the text may be a stranger's."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)
