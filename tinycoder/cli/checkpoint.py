"""``tinycoder checkpoint``: look after model folders."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any

import click

from tinycoder.cli.home import home_folder

if TYPE_CHECKING:
    from tinycoder.store import Summary


@click.group()
def checkpoint() -> None:
    """List, check, copy and remove models."""


@checkpoint.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_context
def list_command(context: click.Context, as_json: bool) -> None:
    """List the models, one a line."""
    from tinycoder.store import list_models

    home = home_folder(context)
    found = list_models(home)
    if as_json:
        click.echo(json.dumps([{**dataclasses.asdict(summary), "folder": str(summary.folder)} for summary in found]))
        return
    if not found:
        click.echo(f"no models under {home / 'models'} yet; make one with `tinycoder train .`", err=True)
        return
    width = max(len(summary.name) for summary in found)
    click.echo(f"{'name':{width}}  recipe       parameters  bits/byte      size  written           state")
    for summary in found:
        click.echo(f"{summary.name:{width}}  {_facts(summary)}")


def _facts(summary: Summary) -> str:
    """The columns after the name; a damaged training.json may say anything."""
    parameters, bpb = summary.training.get("parameters"), summary.training.get("val_bpb")
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.modified)) if summary.modified else "-"
    state = summary.problem or ("resumable" if summary.resumable else "finished")
    columns = (
        f"{summary.training.get('recipe') or '-'!s:11}",
        f"{f'{parameters:,}' if isinstance(parameters, int) else '-':>10}",
        f"{f'{bpb:.3f}' if isinstance(bpb, float) else '-':>9}",
        f"{summary.n_bytes / 1e6:5.1f} MB",
        f"{written:16}",
        state,
    )
    return "  ".join(columns)


@checkpoint.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print training.json as it is.")
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """Show what the model NAME is, what it learnt from and how well it does."""
    from tinycoder.checkpoint import CARD, read_training
    from tinycoder.folder import readable_folder
    from tinycoder.store import resolve_model

    folder = resolve_model(home_folder(context), name)
    training = read_training(folder)
    if as_json:
        click.echo(json.dumps(training, indent=2))
        return
    click.echo(folder)
    card = readable_folder(folder) / CARD
    click.echo(
        _without_front_matter(card.read_text(encoding="utf-8")) if card.is_file() else json.dumps(training, indent=2)
    )


@checkpoint.command()
@click.argument("name")
@click.pass_context
def verify(context: click.Context, name: str) -> None:
    """Read every file of the model NAME and say whether all is well."""
    from tinycoder.checkpoint import STATE, load_model, load_state
    from tinycoder.model import n_params
    from tinycoder.store import resolve_model, run_folder

    folder = resolve_model(home_folder(context), name)
    model = load_model(folder)
    resumable = (run_folder(folder) / STATE).exists()
    if resumable:
        load_state(run_folder(folder))
    click.echo(
        f"{model.name}: sound; {n_params(model.config):,} parameters, {model.config.vocab_size:,} ids"
        + (", can be resumed" if resumable else "")
    )


@checkpoint.command()
@click.argument("name")
@click.argument("new_name")
@click.pass_context
def copy(context: click.Context, name: str, new_name: str) -> None:
    """Copy the model NAME to NEW_NAME."""
    from tinycoder.store import copy_model, model_folder, resolve_model

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
    from tinycoder.folder import readable_folder
    from tinycoder.store import remove_model, resolve_model

    folder = resolve_model(home_folder(context), name)
    readable_folder(folder)
    if not yes:
        click.confirm(f"Delete {folder}?", abort=True)
    remove_model(folder)


def _without_front_matter(card: str) -> Any:
    return card.split("---\n", 2)[-1].strip()
