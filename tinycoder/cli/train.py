"""``tinycoder train``: learn from local repositories, or from one of the two text recipes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tinycoder.cli.attached import stdin_ends
from tinycoder.cli.launcher import is_launched, launcher_ends, tell_launcher
from tinycoder.cli.options import FILE, FOLDER, PATH, TEXT, Number, home_folder
from tinycoder.cli.project import recipe_of, shared_settings
from tinycoder.cli.signals import INTERRUPTED, stop_on_signals
from tinycoder.cli.terminal import printable, show, wrapped
from tinycoder.config import FORMER_PRESETS, FROM_SCRATCH, PRESETS
from tinycoder.words import counted

if TYPE_CHECKING:
    from tinycoder_training.engines.engine import OpenEngine
    from tinycoder_training.job import Job

DEFAULT_PRESET = {"code": "tiny", "shakespeare": "tiny", "validation": "nano"}


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The options of the command, by the names that they have below."""

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
    engine: str
    seed: int | None
    recent: float | None
    shards: Path | None
    file: Path | None
    dry_run: bool
    list_only: bool
    as_json: bool
    progress: str
    attached: bool

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders and files to learn from."""
        return self.paths or (Path(),)


def _preset(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The size of that name, also of the name that it had before."""
    if value is None:
        return None
    if value in FORMER_PRESETS:
        click.echo(f"the preset {value} is called {FORMER_PRESETS[value]} now", err=True)
    return str(click.Choice(list(PRESETS)).convert(FORMER_PRESETS.get(value, value), option, context))


@click.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    type=TEXT,
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
    "--from",
    "start",
    metavar="MODEL",
    type=TEXT,
    help="Continue from the weights of this model, or 'none': new weights.  [default: base; with --preset: none]",
)
@click.option(
    "--preset",
    metavar=f"[{'|'.join(PRESETS)}]",
    callback=_preset,
    help="Begin with random weights, in this size.  [default with --from none: tiny; validation: nano]",
)
@click.option("--batch-size", type=click.IntRange(1), help="Windows of a step.  [default: the preset's, 8 with --from]")
@click.option("--context", "window", type=click.IntRange(2), help="Tokens of a window.  [default: the model's]")
@click.option(
    "--minutes",
    type=Number(0, min_open=True),
    help="Train this long in all.  [default: 10, 1 with --recent]",
)
@click.option("--steps", type=click.IntRange(1), help="Train this many steps in all.")
@click.option("--name", type=TEXT, help="Name of the model.  [default: the first path's name and hash, or the recipe]")
@click.option(
    "--recent",
    metavar="HOURS",
    type=Number(0, min_open=True),
    help="Teach the model of PATHS the files that changed within HOURS. It is changed only for the better.",
)
@click.option("--shards", type=FOLDER, help="Learn what `tinycoder corpus` wrote to this folder, in place of PATHS.")
@click.option("--resume", is_flag=True, help="Continue a run that was stopped, exactly where it was.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Start anew though a run could be resumed, and replace the model though the new one may be worse.",
)
@click.option("--optimizer", type=click.Choice(["muon", "adamw"]), default="muon", show_default=True)
@click.option(
    "--engine",
    type=click.Choice(["numpy", "torch"]),
    default="numpy",
    show_default=True,
    help="What computes: numpy on all cores, or PyTorch on a GPU if there is one "
    "(pipx inject tinycoder torch transformers).",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    help="Seed of weights, held-out files and data order.  [default: that of a model of PATHS, else 0]",
)
@click.option("--file", type=FILE, help="Text for --recipe shakespeare, offline.")
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
@click.option(
    "--attached",
    is_flag=True,
    hidden=True,
    help="Save and stop when standard input ends; a run that was stopped goes on, or is replaced.",
)
@click.pass_context
def train(context: click.Context, /, **values: Any) -> None:
    """Train a model on the Python files under PATHS (default: the current folder).

    It continues from the model that TinyCoder comes with, which knows Python in general. It reads only files that git
    would track, leaves out secrets, keys and generated files, and holds some files back to measure the model. --list
    shows it all beforehand. Ctrl-C saves; --resume continues. A model that is there already stays, unless the new one
    predicts the held-out files better. What [tool.tinycoder] in the project's pyproject.toml says of training holds
    where no option is given.
    """
    options = TrainOptions(**values)
    _check(context, options)
    if options.recipe == "code" and not (options.resume or options.shards):
        shared = recipe_of(context, shared_settings(options.roots), tuning=options.recent is not None)
        options = replace(options, **shared)
    gone = stdin_ends() if options.attached else launcher_ends()
    from tinycoder.cli.train_job import is_done, job_of, read_texts, run_of
    from tinycoder.storage.forget_list import load_forgotten
    from tinycoder.storage.models import model_folder, only_writer, workspace_model_name
    from tinycoder_training.corpora.corpus import listing, listing_data
    from tinycoder_training.engines.choice import engine_called

    engine_called(options.engine)  # without it, it is known before anything is read
    home = home_folder(context)
    reads_paths = options.recipe == "code" and options.shards is None
    workspaces = [workspace_model_name(path) for path in options.roots] if reads_paths else []
    folder = model_folder(home, options.name or next(iter(workspaces), options.recipe))
    if options.list_only:
        corpus, _ = read_texts(home, options, load_forgotten(home), options.seed or 0)
        assert corpus is not None
        click.echo(json.dumps(listing_data(corpus))) if options.as_json else show(listing(corpus))
        return
    if is_done(folder):
        click.echo(f"{folder.name}: the run is finished", err=True)
        return
    with nullcontext() if options.dry_run else only_writer(folder):
        job = job_of(home, folder, options, workspaces)
        if job is None:
            _say_nothing_recent(folder.name, options)
        elif options.dry_run:
            _forecast(job, engine_called(options.engine), options.as_json)
        else:
            tell_launcher(run_of(job.record))
            _run(context, job, home, options, gone)


def _check(context: click.Context, options: TrainOptions) -> None:
    """A usage error for options that exclude each other."""
    if options.minutes is not None and options.steps is not None:
        raise click.UsageError("choose either --minutes or --steps")
    if options.list_only and options.dry_run:
        raise click.UsageError("choose either --list or --dry-run")
    if options.recipe != "code":
        if options.paths:
            raise click.UsageError(f"--recipe {options.recipe} reads no PATHS")
        _refuse(context, f"--recipe {options.recipe} reads no PATHS", "exclude")
    if options.recipe != "shakespeare" and options.file:
        raise click.UsageError("--file goes with --recipe shakespeare")
    if options.shards is not None:
        if options.paths or options.recipe != "code":
            raise click.UsageError("--shards hold code already; give neither PATHS nor --recipe with them")
        if options.name is None:
            raise click.UsageError("--shards are no workspace; give the model a --name")
        _refuse(context, "--shards are written as they are", "exclude", "recent", "list_only", "resume")
    if options.resume:
        fixed = ("preset", "batch_size", "window", "start", "overwrite", "optimizer", "seed", "file")
        _refuse(context, "--resume continues a run as it is", *fixed, "exclude", "recent")
    if options.recent is not None:
        if options.recipe != "code" or options.start == FROM_SCRATCH:
            raise click.UsageError("--recent continues from a model of code")
        _refuse(context, "--recent continues from a model", "preset", "resume", "list_only")
    if options.start and options.start != FROM_SCRATCH:
        _refuse(context, "--from takes the size from the other model", "preset")


def _forecast(job: Job, engine: OpenEngine, as_json: bool) -> None:
    """Say what the run would take."""
    from tinycoder.cli.progress import expected
    from tinycoder_training.forecast import forecast

    result = forecast(job.run, job.progress, engine)
    click.echo(json.dumps(asdict(result)) if as_json else expected(job, result))


def _run(context: click.Context, job: Job, home: Path, options: TrainOptions, gone: Callable[[], bool]) -> None:
    """Train with progress on stderr, and print the outcome on stdout."""
    from tinycoder.cli.progress import describe, outcome, say_end, say_start, show, show_lines
    from tinycoder.cli.train_job import where_taken_up
    from tinycoder_training.clock import awake_clock
    from tinycoder_training.engines.choice import engine_called
    from tinycoder_training.report import samples_of, write_report

    in_lines, engine = options.progress == "json", engine_called(options.engine)
    say_start(job) if in_lines else click.echo(printable(describe(job)), err=True)
    with stop_on_signals(relayed=is_launched()) as asked:
        training_run = job.train(stop=lambda: asked() or gone(), clock=awake_clock(), open_engine=engine)
        with closing(training_run) as reports:
            samples = (show_lines if in_lines else partial(show, job))(reports, partial(samples_of, job))
        finished, training = job.progress.finished, job.training
        page = write_report(home / "reports", job.folder.name, training, samples) if job.replaces else None
        if in_lines:
            say_end(job, page)
    if options.as_json:
        kept = {"kept": job.is_better, "standing": job.standing, "report": page and str(page)}
        click.echo(json.dumps({"folder": str(job.folder), **kept, **training.to_json()}))
    if not (in_lines or finished):
        click.echo(printable(outcome(job)), err=True)
    if not finished:
        context.exit(INTERRUPTED)
    if not options.as_json:
        click.echo(printable(outcome(job)))
        if page:
            click.echo(f"model:  {job.folder}\nreport: {page}")
            if taken := where_taken_up(job):
                click.echo(wrapped(taken))


def _say_nothing_recent(name: str, options: TrainOptions) -> None:
    """Say that there is nothing to do, which is no error."""
    from tinycoder.cli.progress import say_nothing_learnt

    if options.progress == "json":
        say_nothing_learnt()
    if options.as_json:
        click.echo(json.dumps({"finished": True, "kept": False, "report": None}))
    else:
        hours = counted(options.recent or 0, "hour")
        click.echo(f"{name}: no file to learn from changed within {hours}; the model stays as it is")


def _refuse(context: click.Context, reason: str, *names: str) -> None:
    """A usage error if one of these options was given."""
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        option = {"start": "from", "window": "context", "list_only": "list"}.get(given[0], given[0].replace("_", "-"))
        raise click.UsageError(f"{reason}; it does not go with --{option}")
