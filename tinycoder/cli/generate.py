"""``tinycoder generate``: text from a prompt."""

import json
import sys
from collections.abc import Iterable
from typing import Any

import click

from tinycoder.cli import options
from tinycoder.cli.terminal import show
from tinycoder.config import GenerationConfig
from tinycoder.errors import ConfigError
from tinycoder.words import counted


@click.command()
@click.argument("prompt")
@options.model("this folder's, else the newest, else base")
@click.option(
    "--max-tokens",
    type=click.IntRange(1),
    help="Tokens at most.  [default: 128, and fewer where greedy text only repeats itself]",
)
@click.option(
    "--temperature",
    type=options.Number(0, 100),
    help="0 is greedy.  [default: 1 with --samples, --top-k, --top-p or --min-p, else 0]",
)
@click.option("--top-k", type=click.IntRange(1), help="Sample among the K best tokens.")
@click.option("--top-p", type=options.Number(0, 1, min_open=True), help="Sample among the best that make up P.")
@click.option("--min-p", type=options.Number(0, 1, min_open=True), help="Drop tokens below P times the best.")
@click.option(
    "--repetition-penalty",
    type=options.Number(0, 100, min_open=True),
    default=1.0,
    show_default=True,
    help="Above 1 makes what was said less likely.",
)
@click.option("--beam", type=click.IntRange(1, 64), default=1, show_default=True, help="Beams; 1 is no search.")
@click.option("--samples", type=click.IntRange(1, 1000), default=1, show_default=True, help="Number of continuations.")
@click.option("--stop", multiple=True, metavar="TEXT", help="End before this text; may be given several times.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first sample.")
@click.option("--stream", is_flag=True, help="Print each piece as it comes.")
@options.as_json
@click.pass_context
def generate(
    context: click.Context,
    /,
    prompt: str,
    model: str | None,
    samples: int,
    stop: tuple[str, ...],
    stream: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Continue PROMPT (- reads it from standard input) and print prompt and continuation."""
    if stream and (as_json or samples > 1 or settings["beam"] > 1):
        raise click.UsageError(
            "--stream prints one sample as it comes; it does not go with --json, --samples or --beam"
        )
    config = _config(samples, stop, settings)
    from tinycoder.complete import generation
    from tinycoder.transformer.blas import use_one_blas_thread

    use_one_blas_thread()
    text = _read_prompt(prompt)
    loaded = options.chosen_model(context, model)
    encoded = generation.encode_prompt(loaded, text)
    if encoded.n_dropped:
        click.echo(
            f"tinycoder: the prompt is too long for the model's window of {loaded.config.context:,} tokens; "
            f"it is read without its first {counted(encoded.n_dropped, 'token')}",
            err=True,
        )
    if as_json:
        completions = generation.generate(loaded, encoded, config, n_samples=samples)
        click.echo(json.dumps({"model": loaded.name, "prompt": text, "completions": completions}))
        return
    pieces: Iterable[str] = generation.stream(loaded, encoded, config)
    if samples > 1 or config.beam > 1:
        several = generation.generate(loaded, encoded, config, n_samples=samples)
        pieces = f"\n\n---\n\n{text}".join(several)
    show(text, nl=False)
    for piece in pieces if stream else ["".join(pieces)]:
        show(piece, nl=False)
        sys.stdout.flush()
    click.echo()


def _config(samples: int, stop: tuple[str, ...], settings: dict[str, Any]) -> GenerationConfig:
    """What the options say. Raises ``click.UsageError`` for options that do not go together."""
    if samples > settings["beam"] > 1:
        raise click.UsageError(f"--beam {settings['beam']} finds no {samples} samples; raise --beam")
    if "" in stop:
        raise click.BadParameter("an empty text would stop at once", param_hint="--stop")
    cuts = [name for name in ("top_k", "top_p", "min_p") if settings[name] is not None]
    if settings["temperature"] == 0 and settings["beam"] == 1 and (cuts or samples > 1):
        option = f"--{cuts[0].replace('_', '-')}" if cuts else f"--samples {samples}"
        raise click.UsageError(f"--temperature 0 takes the best token each time; {option} would change nothing")
    if settings["temperature"] is None:
        settings["temperature"] = float(settings["beam"] == 1 and (samples > 1 or bool(cuts)))
    if settings["max_tokens"] is None:
        settings |= {"max_tokens": GenerationConfig.max_tokens, "repeat": settings["temperature"] > 0}
    try:
        return GenerationConfig(stop=stop, **settings)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None


def _read_prompt(prompt: str) -> str:
    """The prompt's own text or standard input's, in UTF-8 whatever the locale."""
    if prompt != "-":
        return prompt
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"standard input cannot be read ({error.strerror}); give the prompt itself") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"standard input is not UTF-8 ({error.reason} at byte {error.start}); convert it first"
        ) from None
