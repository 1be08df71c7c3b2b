"""``tinycoder generate``: text from a prompt, or what is offered at a place in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click
from click.core import ParameterSource

from tinycoder.cli.completion import parse_place, show_completions
from tinycoder.cli.home import chosen_model, home_folder
from tinycoder.config import GenerationConfig
from tinycoder.errors import ConfigError

FOR_PROMPTS = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "beam", "stop", "seed", "stream")
EDITOR_TOKENS = 64  # of ghost text, as in an editor


@click.command()
@click.argument("prompt", required=False)
@click.option(
    "--model",
    help="Name of a model, or path of its folder.  [default: this folder's, else the newest, else base]",
)
@click.option("--max-tokens", type=click.IntRange(1), default=128, show_default=True, help="Tokens at most.")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 100),
    help="0 is greedy.  [default: 1 with --samples, --top-k, --top-p or --min-p, else 0]",
)
@click.option("--top-k", type=click.IntRange(1), help="Sample among the K best tokens.")
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Sample among the best that make up P.")
@click.option("--min-p", type=click.FloatRange(0, 1, min_open=True), help="Drop tokens below P times the best.")
@click.option(
    "--repetition-penalty",
    type=click.FloatRange(0, 100, min_open=True),
    default=1.0,
    show_default=True,
    help="Above 1 makes what was said less likely.",
)
@click.option("--beam", type=click.IntRange(1, 64), default=1, show_default=True, help="Beams; 1 is no search.")
@click.option("--samples", type=click.IntRange(1, 1000), default=1, show_default=True, help="Continuations to make.")
@click.option("--stop", multiple=True, metavar="TEXT", help="End before this text; may be given several times.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first sample.")
@click.option("--stream", is_flag=True, help="Print each piece as it comes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--complete", metavar="FILE:LINE:COL", help="Print what an editor is offered there, counted from 1.")
@click.option("--popup", is_flag=True, help="With --complete: print the words of the popup too.")
@click.option("--without", metavar="PART", multiple=True, help="With --complete: leave out this part of the engine.")
@click.pass_context
def generate(
    context: click.Context,
    /,
    prompt: str | None,
    model: str | None,
    samples: int,
    stop: tuple[str, ...],
    stream: bool,
    as_json: bool,
    complete: str | None,
    popup: bool,
    without: tuple[str, ...],
    **settings: Any,
) -> None:
    """Continue PROMPT (- reads it from standard input) and print prompt and continuation.

    With --complete, say instead what an editor is offered at a place in a file: text, how likely it is, and where it
    comes from. The rest of the file's workspace is read too: the nearest folder with a .git or a pyproject.toml.
    """
    if complete is not None:
        _complete(context, complete, model=model, samples=samples, popup=popup, without=without, as_json=as_json)
        return
    if popup or without:
        raise click.UsageError("--popup and --without say what --complete is to do; give --complete FILE:LINE:COL too")
    if prompt is None:
        raise click.UsageError(
            "give a PROMPT to continue (- reads it from standard input), or --complete FILE:LINE:COL"
        )
    if stream and (as_json or samples > 1 or settings["beam"] > 1):
        raise click.UsageError(
            "--stream prints one sample as it comes; it does not go with --json, --samples or --beam"
        )
    if samples > settings["beam"] > 1:
        raise click.UsageError(f"--beam {settings['beam']} finds no {samples} samples; raise --beam")
    if settings["temperature"] is None:
        sampling = settings["beam"] == 1 and (
            samples > 1 or any(settings[cut] is not None for cut in ("top_k", "top_p", "min_p"))
        )
        settings["temperature"] = 1.0 if sampling else 0.0
    if "" in stop:
        raise click.BadParameter("an empty text would stop at once", param_hint="--stop")
    try:
        config = GenerationConfig(stop=stop, **settings)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    from tinycoder.complete import generation
    from tinycoder.transformer.decode import use_one_blas_thread

    use_one_blas_thread()
    text = _read_prompt(prompt)
    loaded = chosen_model(context, model)
    encoded = generation.encode_prompt(loaded, text)
    if encoded.n_dropped:
        click.echo(
            f"tinycoder: the prompt is too long for the model's window of {loaded.config.context:,} tokens; "
            f"its first {encoded.n_dropped:,} tokens are not read",
            err=True,
        )
    if as_json:
        made = generation.generate(loaded, encoded, config, n_samples=samples)
        click.echo(json.dumps({"model": loaded.name, "prompt": text, "completions": made}))
        return
    pieces: Iterable[str] = generation.stream(loaded, encoded, config)
    if samples > 1 or config.beam > 1:
        pieces = "\n\n---\n\n".join(
            (text if number else "") + made
            for number, made in enumerate(generation.generate(loaded, encoded, config, n_samples=samples))
        )
    click.echo(text, nl=False)
    for piece in pieces if stream else ["".join(pieces)]:
        click.echo(piece, nl=False)
        sys.stdout.flush()
    click.echo()


def _complete(
    context: click.Context,
    text: str,
    *,
    model: str | None,
    samples: int,
    popup: bool,
    without: tuple[str, ...],
    as_json: bool,
) -> None:
    place = parse_place(text)
    given = [name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if "prompt" in given:
        raise click.UsageError("give either a PROMPT or --complete, not both")
    for name in FOR_PROMPTS:
        if name in given:
            raise click.UsageError(f"--{name.replace('_', '-')} is for prompts; it does not go with --complete")
    from tinycoder.complete.parts import without as parts_without
    from tinycoder.transformer.decode import use_one_blas_thread

    try:
        parts = parts_without(without)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    use_one_blas_thread()
    show_completions(
        home_folder(context),
        place,
        model=model,
        n=samples,
        max_tokens=context.params["max_tokens"] if "max_tokens" in given else EDITOR_TOKENS,
        popup=popup,
        parts=parts,
        as_json=as_json,
    )


def _read_prompt(prompt: str) -> str:
    """The prompt's own text or standard input's, in UTF-8 whatever the locale."""
    if prompt != "-":
        return prompt
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"standard input is not UTF-8 ({error.reason} at byte {error.start}); convert it first"
        ) from None
