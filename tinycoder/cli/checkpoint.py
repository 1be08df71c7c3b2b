"""``tinycoder checkpoint``: look after model folders."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinycoder.cli.options import home_folder

if TYPE_CHECKING:
    from tinycoder.storage.checkpoint import Model
    from tinycoder.storage.models import Summary

MEASURED_TOKENS = 65_536


@click.group()
def checkpoint() -> None:
    """List, check, copy, shrink, export and remove models."""


@checkpoint.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_context
def list_command(context: click.Context, as_json: bool) -> None:
    """List the models, one a line."""
    from tinycoder.storage.models import list_models

    found = list_models(home_folder(context))
    if as_json:
        rows = [dataclasses.asdict(summary) | {"folder": str(summary.folder)} for summary in found]
        click.echo(json.dumps([row | {"shipped": row.pop("bundled")} for row in rows]))
        return
    width = max(len(summary.name) for summary in found)
    click.echo(f"{'name':{width}}  recipe       parameters  bits/byte      size  written           state")
    for summary in found:
        click.echo(f"{summary.name:{width}}  {_metadata(summary)}")


def _metadata(summary: Summary) -> str:
    """The columns after the name; a damaged training.json may say anything."""
    parameters, bpb = summary.training.get("parameters"), summary.training.get("val_bpb")
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.modified)) if summary.modified else "-"
    state = "shipped" if summary.bundled else "resumable" if summary.resumable else "finished"
    columns = (
        f"{_printable(summary.training.get('recipe') or '-')[:11]:11}",
        f"{f'{parameters:,}' if isinstance(parameters, int) else '-':>10}",
        f"{f'{bpb:.3f}' if isinstance(bpb, float) else '-':>9}",
        f"{summary.n_bytes / 1e6:5.1f} MB",
        f"{written:16}",
        _printable(summary.problem or state),
    )
    return "  ".join(columns)


@checkpoint.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print training.json as it is.")
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """Show what the model NAME is, what it learnt from and how well it does."""
    from tinycoder.storage.checkpoint import read_card, read_training
    from tinycoder.storage.models import resolve_model

    folder = resolve_model(home_folder(context), name)
    training = read_training(folder)
    if as_json:
        click.echo(json.dumps(training, indent=2))
        return
    click.echo(folder)
    card = read_card(folder)
    click.echo(json.dumps(training, indent=2) if card is None else _printable(_without_front_matter(card)))


@checkpoint.command()
@click.argument("name")
@click.pass_context
def verify(context: click.Context, name: str) -> None:
    """Read every file of the model NAME and say whether all is well, and what quantised weights cost."""
    from tinycoder.storage.checkpoint import STATE, load_model, load_state
    from tinycoder.storage.models import resolve_model, run_folder
    from tinycoder.transformer.model import n_params

    folder = resolve_model(home_folder(context), name)
    model = load_model(folder)
    resumable = (run_folder(folder) / STATE).exists()
    if resumable:
        load_state(run_folder(folder))
    click.echo(
        f"{model.name}: sound; {n_params(model.config):,} parameters, {model.config.vocab_size:,} ids"
        + (", can be resumed" if resumable else "")
    )
    if model.weights != "float32":
        click.echo(_cost(model, _measure(model)))


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
    from tinycoder.storage.models import model_folder, only_writer, resolve_model
    from tinycoder_training.card import model_card

    home = home_folder(context)
    model = load_model(resolve_model(home, name))
    if model.weights != "float32":
        raise CheckpointError(
            f"{model.name} holds {model.weights} weights already; quantise the model that it was made from"
        )
    if not model.training.get("finished"):
        raise CheckpointError(f"{model.name} is not finished; finish it with `tinycoder train --resume`, or copy it")
    folder = model_folder(home, new_name or f"{model.name}-{kind}")
    if folder.exists():
        raise CheckpointError(f"there is a model {folder.name} already; remove it, or choose another --name")
    training = {**model.training, "quantized": {"weights": kind, "from": model.name, **_measure(model)}}
    try:
        card = model_card(folder.name, model.config, training)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{model.name}: training.json lacks {error}; train the model again") from None
    with only_writer(folder):
        save_model(
            folder,
            config=model.config,
            params=model.params,
            tokenizer=model.tokenizer,
            training=training,
            card=card,
            weights=kind,
        )
    smaller = load_model(folder)
    sizes = [(place / WEIGHTS).stat().st_size for place in (folder, model.folder)]
    click.echo(f"{folder}\n{sizes[0] / 1e6:.1f} MB instead of {sizes[1] / 1e6:.1f} ({sizes[0] / sizes[1]:.1%})")
    click.echo(_cost(smaller, _measure(smaller)))


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
    from tinycoder.storage.models import resolve_model

    if file.suffix != ".gguf":
        raise click.UsageError(f"{file} does not end in .gguf, the one format that can be written")
    export_gguf(load_model(resolve_model(home_folder(context), name)), file)
    click.echo(file)


def _measure(model: Model) -> dict[str, Any]:
    """Bits per byte on part of the standard library, and which text that was."""
    import hashlib

    from tinycoder_training.corpora import library, python_repos
    from tinycoder_training.job import measure

    corpus = python_repos.read(library.paths())
    digest = hashlib.sha256("".join(text.text for text in corpus.validation).encode()).hexdigest()
    found = measure(model, corpus.validation, n_tokens=MEASURED_TOKENS)
    return {"bits_per_byte": found.bits_per_byte, "text": digest}


def _cost(model: Model, found: dict[str, Any]) -> str:
    """What ``found`` says beside what was noted of the float32 model."""
    noted, now = model.training.get("quantized"), found["bits_per_byte"]
    if not isinstance(noted, dict) or not isinstance(noted.get("bits_per_byte"), float):
        return f"{model.weights}: {now:.4f} bits per byte on the standard library; its float32 model is not known"
    if noted.get("text") != found["text"]:
        return f"{model.weights}: {now:.4f} bits per byte on the standard library, another one than it was measured on"
    before = noted["bits_per_byte"]
    return (
        f"{model.weights}: {now:.4f} bits per byte on the standard library, "
        f"{before:.4f} in float32 ({now / before - 1:+.3%})"
    )


@checkpoint.command()
@click.argument("name")
@click.argument("new_name")
@click.pass_context
def copy(context: click.Context, name: str, new_name: str) -> None:
    """Copy the model NAME to NEW_NAME."""
    from tinycoder.storage.models import copy_model, model_folder, resolve_model

    home = home_folder(context)
    target = model_folder(home, new_name)
    copy_model(resolve_model(home, name), target)
    click.echo(target)


@checkpoint.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(context: click.Context, name: str, yes: bool) -> None:
    """Delete the model NAME."""
    from tinycoder.storage.bundled import is_bundled
    from tinycoder.storage.folder import readable_folder
    from tinycoder.storage.models import remove_model, resolve_model

    folder = resolve_model(home_folder(context), name)
    readable_folder(folder)
    if not (yes or is_bundled(folder)):  # which is refused without a question
        click.confirm(f"Delete {folder}?", abort=True)
    remove_model(folder)


def _without_front_matter(card: str) -> str:
    return card.split("---\n", 2)[-1].strip()


def _printable(text: str) -> str:
    """Without what could command a terminal: the text may be a stranger's."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)
