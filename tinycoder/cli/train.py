"""``tinycoder train``: learn from local repositories, or from one of the two text recipes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tinycoder.cli.attached import stdin_ends
from tinycoder.cli.home import home_folder
from tinycoder.cli.signals import INTERRUPTED, stop_on_signals
from tinycoder.config import PRESETS, TrainConfig
from tinycoder.errors import ConfigError, TinyCoderError, TrainingError

if TYPE_CHECKING:
    from tinycoder.checkpoint import Model
    from tinycoder.config import ModelConfig
    from tinycoder_training.corpora.corpus import Corpus
    from tinycoder_training.report import Sample
    from tinycoder_training.run import Job

DEFAULT_PRESET = {"code": "tiny", "shakespeare": "tiny", "validation": "nano"}
DEFAULT_BUDGET: dict[str, tuple[int | None, float | None]] = {  # steps, minutes
    "code": (None, 10.0),
    "shakespeare": (None, 15.0),
    "validation": (150, None),
}


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What the options say, by the names that they have below."""

    paths: tuple[Path, ...]
    exclude: tuple[str, ...]
    recipe: str
    preset: str | None
    batch_size: int | None
    window: int | None
    minutes: float | None
    steps: int | None
    name: str | None
    start: str | None
    resume: bool
    overwrite: bool
    optimizer: str
    fim_rate: float
    seed: int
    file: Path | None
    dry_run: bool
    list_only: bool
    as_json: bool
    progress: str
    attached: bool


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out files that match, written as in .gitignore. May be given many times.",
)
@click.option(
    "--recipe",
    type=click.Choice(list(DEFAULT_PRESET)),
    default="code",
    show_default=True,
    help="What to learn: Python files under PATHS, Tiny Shakespeare, or one phrase to check the trainer.",
)
@click.option(
    "--preset", type=click.Choice(list(PRESETS)), help="Size of the model.  [default: tiny; validation: nano]"
)
@click.option("--batch-size", type=click.IntRange(1), help="Windows of a step.  [default: the preset's]")
@click.option("--context", "window", type=click.IntRange(2), help="Tokens of a window.  [default: the preset's]")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Train this long in all.  [default: 10]")
@click.option("--steps", type=click.IntRange(1), help="Train this many steps in all.")
@click.option("--name", help="Name of the model.  [default: the first path's name and hash, or the recipe]")
@click.option("--from", "start", metavar="MODEL", help="Go on from the weights of another model.")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped, exactly where it was.")
@click.option("--overwrite", is_flag=True, help="Start anew though the model holds a run that could be resumed.")
@click.option("--optimizer", type=click.Choice(["muon", "adamw"]), default="muon", show_default=True)
@click.option(
    "--fim-rate",
    type=click.FloatRange(0, 1),
    default=TrainConfig.infill,
    show_default=True,
    help="Part of the windows that teach to fill in the middle, for --recipe code.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of weights and data order.")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Text for --recipe shakespeare, offline.")
@click.option("--dry-run", is_flag=True, help="Say how long the run takes and how much memory it needs, and stop.")
@click.option("--list", "list_only", is_flag=True, help="Show what would be read and what is left out, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the result, or the list, as one JSON object.")
@click.option(
    "--progress",
    type=click.Choice(["auto", "json"]),
    default="auto",
    show_default=True,
    help="On standard error: a bar or lines for a person, or one JSON object a line.",
)
@click.option("--attached", is_flag=True, hidden=True, help="Save and stop when standard input ends.")
@click.pass_context
def train(context: click.Context, /, **options: Any) -> None:
    """Train a model on the Python files under PATHS (default: the current folder).

    Reads only files that git would track, leaves out secrets, keys and generated files, and holds some files
    back to measure the model. --list shows it all beforehand. Ctrl-C saves; --resume goes on.
    """
    wish = _Wish(**options)
    _check(context, wish)
    gone = stdin_ends() if wish.attached else _never
    from tinycoder.store import model_folder, only_writer, workspace_model_name

    home = home_folder(context)
    own_name = workspace_model_name(next(iter(wish.paths), Path())) if wish.recipe == "code" else wish.recipe
    folder = model_folder(home, wish.name or own_name)
    if wish.list_only:
        click.echo(_listing(_read(home, wish), wish.as_json))
        return
    with only_writer(folder):
        job = _job(home, folder, wish)
        if wish.dry_run:
            _forecast(job, wish.as_json)
        else:
            _run(context, job, home, wish, gone)


def _check(context: click.Context, wish: _Wish) -> None:
    """A usage error for options that exclude each other."""
    if wish.minutes is not None and wish.steps is not None:
        raise click.UsageError("choose either --minutes or --steps")
    if wish.recipe != "code":
        if wish.paths:
            raise click.UsageError(f"--recipe {wish.recipe} reads no PATHS")
        _refuse(context, f"--recipe {wish.recipe} reads no PATHS", "exclude")
        _refuse(context, f"--recipe {wish.recipe} has no middle to fill in", "fim_rate")
    if wish.recipe != "shakespeare" and wish.file:
        raise click.UsageError("--file goes with --recipe shakespeare")
    if wish.resume:
        fixed = ("preset", "batch_size", "window", "start", "overwrite", "optimizer", "fim_rate", "seed", "file")
        _refuse(context, "--resume goes on with a run as it is", *fixed, "exclude")
    if wish.start:
        _refuse(context, "--from takes the size from the other model", "preset")


def _job(home: Path, folder: Path, wish: _Wish) -> Job:
    """The run that is to go on, or a new one."""
    from tinycoder.checkpoint import load_model
    from tinycoder.store import resolve_model
    from tinycoder_training.forecast import refuse_what_cannot_fit
    from tinycoder_training.run import new_job, resumed_job

    if wish.resume:
        return resumed_job(folder, steps=wish.steps, minutes=wish.minutes)
    if not wish.dry_run:
        _refuse_to_lose(folder, wish.overwrite)
    model = load_model(resolve_model(home, wish.start)) if wish.start else None
    size = wish.preset or (model.training.get("preset") if model else None)
    size = size if size in PRESETS else DEFAULT_PRESET[wish.recipe]
    settings = _settings(wish, PRESETS[size].batch_size)
    shape = model.config if model else PRESETS[size].model(PRESETS[size].vocab_size)
    refuse_what_cannot_fit(_with_window(shape, wish.window, model), settings)
    corpus = _read(home, wish)
    created = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    return new_job(
        corpus, folder=folder, preset=size, settings=settings, start=model, created=created, context=wish.window
    )


def _with_window(shape: ModelConfig, window: int | None, start: Model | None) -> ModelConfig:
    """``shape`` with the window that was asked for, which a trained model cannot exceed."""
    if start and window and window > start.config.context:
        raise ConfigError(
            f"--context {window} is over the window of {start.name}, {start.config.context} tokens; "
            "use at most that, or train anew without --from"
        )
    return replace(shape, context=window) if window else shape


def _forecast(job: Job, as_json: bool) -> None:
    """Say what the run would take."""
    from tinycoder_training.forecast import forecast

    found = forecast(job.run, job.progress)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(
        f"{job.folder.name}: {job.facts['parameters']:,} parameters, {found.steps:,} steps, "
        f"{found.tokens_per_second:,.0f} tokens/s\n"
        f"time:   {found.seconds / 60:.1f} minutes\nmemory: {found.n_bytes / 1e6:,.0f} MB"
    )


def _run(context: click.Context, job: Job, home: Path, wish: _Wish, gone: Callable[[], bool]) -> None:
    """Train with progress on stderr; say on stdout what came of it."""
    from tinycoder.checkpoint import read_training
    from tinycoder.cli.progress import describe, show
    from tinycoder.cli.progress_lines import say_end, say_start, show_lines
    from tinycoder_training.report import samples_of

    in_lines = wish.progress == "json"
    say_start(job) if in_lines else click.echo(describe(job), err=True)
    with stop_on_signals() as asked:
        with closing(job.train(stop=lambda: asked() or gone(), clock=time.perf_counter)) as reports:
            samples = (show_lines if in_lines else show)(reports, samples_of(job))
        training = read_training(job.place)
        page = _write_report(home, job.folder.name, training, samples)
        if in_lines:
            say_end(job, page)
    if wish.as_json:
        click.echo(json.dumps({"folder": str(job.folder), "report": str(page), **training}))
    if not training["finished"]:
        if not in_lines:
            click.echo(
                f"stopped at step {training['steps']:,} and saved; "
                f"go on with: tinycoder train --resume --name {job.folder.name}",
                err=True,
            )
        context.exit(INTERRUPTED)
    if not wish.as_json:
        click.echo(f"{job.folder.name}: {training['val_bpb']:.4f} bits per byte on held-out text")
        click.echo(f"model:  {job.folder}\nreport: {page}")


def _write_report(home: Path, name: str, training: Mapping[str, Any], samples: Sequence[Sample]) -> Path:
    """Write the page about the run; its path."""
    from tinycoder_training.report import report_html

    page = home / "reports" / f"{name}.html"
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(report_html(name, training, samples), encoding="utf-8")
    except OSError as error:
        raise TinyCoderError(f"the model is saved, but not its report {page} ({error.strerror})") from None
    return page


def _settings(wish: _Wish, batch_size: int) -> TrainConfig:
    """``batch_size`` is the preset's."""
    from tinycoder.config import n_cpus

    batch_size = wish.batch_size or batch_size
    steps, minutes = wish.steps, wish.minutes
    if steps is None and minutes is None:
        steps, minutes = DEFAULT_BUDGET[wish.recipe]
    try:
        return TrainConfig(
            steps=steps,
            minutes=minutes,
            batch_size=batch_size,
            shards=min(batch_size, n_cpus()),
            optimizer=wish.optimizer,
            infill=wish.fim_rate,
            seed=wish.seed,
        )
    except ConfigError as error:
        raise click.UsageError(str(error)) from None


def _refuse_to_lose(folder: Path, overwrite: bool) -> None:
    from tinycoder.checkpoint import STATE
    from tinycoder.store import run_folder

    if (run_folder(folder) / STATE).exists() and not overwrite:
        raise TrainingError(
            f"{folder.name!r} holds a run that was stopped: go on with --resume, "
            "start anew with --overwrite, or choose another --name"
        )


def _read(home: Path, wish: _Wish) -> Corpus:
    from tinycoder_training.corpora import python_repos, shakespeare, validation

    if wish.recipe == "code":
        return python_repos.read(wish.paths or (Path(),), exclude=wish.exclude, seed=wish.seed)
    if wish.recipe == "shakespeare":
        return shakespeare.read(home / "cache", file=wish.file)
    return validation.read()


def _refuse(context: click.Context, reason: str, *names: str) -> None:
    """A usage error if one of these options was given."""
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        option = {"start": "from", "window": "context"}.get(given[0], given[0].replace("_", "-"))
        raise click.UsageError(f"{reason}; it does not go with --{option}")


def _listing(corpus: Corpus, as_json: bool) -> str:
    """What would be read and what is left out, with sizes, and sums at the end."""
    if as_json:
        return json.dumps(
            {
                "recipe": corpus.recipe,
                "train": [{"path": text.path, "n_bytes": text.n_bytes} for text in corpus.train],
                "held_out": [{"path": text.path, "n_bytes": text.n_bytes} for text in corpus.validation],
                "left_out": [asdict(skipped) for skipped in corpus.skipped],
                "secrets_replaced": corpus.n_secrets,
            }
        )
    rows = [(text.path, text.n_bytes, "train") for text in corpus.train]
    rows += [(text.path, text.n_bytes, "held out") for text in corpus.validation]
    rows += [(skipped.path, skipped.n_bytes, f"left out: {skipped.reason}") for skipped in corpus.skipped]
    lines = [f"{size:>10,}  {path}  [{what}]" for path, size, what in sorted(rows)]
    for what, texts in (
        ("to train on", corpus.train),
        ("held out", corpus.validation),
        ("left out", corpus.skipped),
    ):
        lines.append(f"{sum(text.n_bytes for text in texts):>10,}  bytes in {len(texts):,} {what}")
    lines.append(f"{corpus.n_secrets:>10,}  secrets replaced")
    return "\n".join(lines)


def _never() -> bool:
    return False
