"""``tinycoder train``: learn from local repositories, or from one of the two text recipes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tinycoder.cli.attached import stdin_ends
from tinycoder.cli.options import home_folder
from tinycoder.cli.signals import INTERRUPTED, stop_on_signals
from tinycoder.config import PRESETS, TUNING_BATCH, TrainConfig, tuning
from tinycoder.errors import ConfigError
from tinycoder.stop import never
from tinycoder.storage.bundled import BUNDLED

if TYPE_CHECKING:
    from tinycoder.config import ModelConfig
    from tinycoder.storage.checkpoint import Model
    from tinycoder_training.corpora.corpus import Corpus
    from tinycoder_training.job import Job

DEFAULT_PRESET = {"code": "tiny", "shakespeare": "tiny", "validation": "nano"}
DEFAULT_BUDGET: dict[str, tuple[int | None, float | None]] = {  # steps, minutes
    "code": (None, 10.0),
    "shakespeare": (None, 15.0),
    "validation": (150, None),
}
RECENT_BUDGET = (None, 1.0)
FROM_SCRATCH = "none"  # as --from: from nothing


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
    seed: int | None
    recent: float | None
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
    "--from",
    "start",
    metavar="MODEL",
    help="Go on from the weights of this model, or 'none': begin with nothing.  [default: base; with --preset: none]",
)
@click.option(
    "--preset", type=click.Choice(list(PRESETS)), help="Size of a new model.  [default: tiny; validation: nano]"
)
@click.option("--batch-size", type=click.IntRange(1), help="Windows of a step.  [default: the preset's, 8 with --from]")
@click.option("--context", "window", type=click.IntRange(2), help="Tokens of a window.  [default: the model's]")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Train this long in all.  [default: 10, 1 with --recent]",
)
@click.option("--steps", type=click.IntRange(1), help="Train this many steps in all.")
@click.option("--name", help="Name of the model.  [default: the first path's name and hash, or the recipe]")
@click.option(
    "--recent",
    metavar="HOURS",
    type=click.FloatRange(0, min_open=True),
    help="Teach the model of PATHS the files that changed within HOURS. It is changed only for the better.",
)
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
@click.option("--seed", type=click.IntRange(0), help="Seed of weights, held-out files and data order.  [default: 0]")
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

    It goes on from the model that TinyCoder comes with, which knows Python in general. Reads only files that git would
    track, leaves out secrets, keys and generated files, and holds some files back to measure the model. --list
    shows it all beforehand. Ctrl-C saves; --resume goes on.
    """
    wish = _Wish(**options)
    _check(context, wish)
    gone = stdin_ends() if wish.attached else never
    from tinycoder.storage.models import model_folder, only_writer, workspace_model_name
    from tinycoder_training.listing import listing, listing_data

    home = home_folder(context)
    workspaces = [workspace_model_name(path) for path in wish.paths or (Path(),)] if wish.recipe == "code" else []
    folder = model_folder(home, wish.name or next(iter(workspaces), wish.recipe))
    if wish.list_only:
        corpus = _read(home, wish, wish.seed or 0)
        click.echo(json.dumps(listing_data(corpus)) if wish.as_json else listing(corpus))
        return
    with only_writer(folder):
        job = _job(home, folder, wish, workspaces)
        if job is None:
            _say_nothing_recent(folder.name, wish)
        elif wish.dry_run:
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
        _refuse(context, "--resume goes on with a run as it is", *fixed, "exclude", "recent")
    if wish.recent is not None:
        if wish.recipe != "code" or wish.start == FROM_SCRATCH:
            raise click.UsageError("--recent goes on from a model of code")
        _refuse(context, "--recent goes on from a model", "preset", "resume", "list_only")
    if wish.start and wish.start != FROM_SCRATCH:
        _refuse(context, "--from takes the size from the other model", "preset")


def _job(home: Path, folder: Path, wish: _Wish, workspaces: Sequence[str]) -> Job | None:
    """The run that is to go on, or a new one; none if nothing is recent."""
    from tinycoder.memory.learners import left_out, refuse_forgotten
    from tinycoder.storage.forget_list import load_forgotten, true_path
    from tinycoder_training.forecast import refuse_what_cannot_fit
    from tinycoder_training.job import new_job, refuse_to_lose, resumed_job
    from tinycoder_training.replay import general_texts

    if wish.resume:
        refuse_forgotten(home, folder)
        return resumed_job(folder, steps=wish.steps, minutes=wish.minutes)
    if not (wish.dry_run or wish.overwrite):
        refuse_to_lose(folder)
    model = _start(home, folder, wish)
    size = wish.preset or (model.training.get("preset") if model else None)
    size = size if size in PRESETS else DEFAULT_PRESET[wish.recipe]
    known = list(model.training.get("workspaces") or ()) if model else []
    seed = _seed(wish.seed, model, workspaces)
    settings = _settings(wish, TUNING_BATCH if model else PRESETS[size].batch_size, seed, tuned=model is not None)
    shape = model.config if model else PRESETS[size].model(PRESETS[size].vocab_size)
    refuse_what_cannot_fit(_with_window(shape, wish.window, model), settings)
    only = _recent(home, wish)
    if only is not None and not only:
        return None
    forgotten = load_forgotten(home)
    corpus = _read(home, wish, seed)
    if only is not None and only.isdisjoint(text.path for text in corpus.train):
        return None
    return new_job(
        corpus,
        folder=folder,
        preset=size,
        settings=settings,
        start=model,
        created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        context=wish.window,
        workspaces=list(dict.fromkeys([*workspaces, *known])),
        general=general_texts() if model and wish.recipe == "code" else (),
        only=only,
        forgotten=left_out(
            forgotten, [true_path(path) for path in wish.paths or (Path(),)], model.training if model else None
        ),
    )


def _start(home: Path, folder: Path, wish: _Wish) -> Model | None:
    """The model that a new run goes on from, if any."""
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.storage.models import exists, resolve_model

    if wish.start is not None:
        return None if wish.start == FROM_SCRATCH else load_model(resolve_model(home, wish.start))
    if wish.recipe != "code" or wish.preset:
        return None
    return load_model(folder if wish.recent is not None and exists(folder) else resolve_model(home, BUNDLED))


def _seed(asked: int | None, start: Model | None, workspaces: Sequence[str]) -> int:
    """A model that knows the workspace was trained with a seed that still says which files it has not seen."""
    if asked is None and start and {start.name, *start.training.get("workspaces", ())} & set(workspaces):
        return int(start.training.get("seed", 0))
    return asked or 0


def _recent(home: Path, wish: _Wish) -> frozenset[str] | None:
    """The files to learn from, where that is not all."""
    from tinycoder.storage.forget_list import load_forgotten
    from tinycoder_training.recent import recent_paths

    if wish.recent is None:
        return None
    return recent_paths(
        wish.paths or (Path(),),
        hours=wish.recent,
        now=time.time(),
        exclude=wish.exclude,
        forgotten=load_forgotten(home),
    )


def _with_window(shape: ModelConfig, window: int | None, start: Model | None) -> ModelConfig:
    """``shape`` with the window that was asked for, which a trained model cannot exceed."""
    if start and window and window > start.config.context:
        raise ConfigError(
            f"--context {window} is over the window of {start.name}, {start.config.context} tokens; "
            "use at most that, or train anew with --from none"
        )
    return replace(shape, context=window) if window else shape


def _forecast(job: Job, as_json: bool) -> None:
    """Say what the run would take."""
    from tinycoder.cli.progress import expected
    from tinycoder_training.forecast import forecast

    found = forecast(job.run, job.progress)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(expected(job, found))


def _run(context: click.Context, job: Job, home: Path, wish: _Wish, gone: Callable[[], bool]) -> None:
    """Train with progress on stderr; say on stdout what came of it."""
    from tinycoder.cli.progress import describe, outcome, show
    from tinycoder.cli.progress_lines import say_end, say_start, show_lines
    from tinycoder_training.clock import awake_clock
    from tinycoder_training.report import samples_of, write_report

    in_lines = wish.progress == "json"
    say_start(job) if in_lines else click.echo(describe(job), err=True)
    with stop_on_signals() as asked:
        with closing(job.train(stop=lambda: asked() or gone(), clock=awake_clock())) as reports:
            samples = (show_lines if in_lines else show)(reports, samples_of(job))
        finished, training = job.progress.finished, job.training
        changed = job.progress.kept or not job.only_better
        page = write_report(home / "reports", job.folder.name, training, samples) if changed else None
        if in_lines:
            say_end(job, page)
    if wish.as_json:
        kept = {"kept": job.progress.kept, "report": page and str(page)}
        click.echo(json.dumps({"folder": str(job.folder), **kept, **training}))
    if not (in_lines or finished):
        click.echo(outcome(job), err=True)
    if not finished:
        context.exit(INTERRUPTED)
    if not wish.as_json:
        click.echo(outcome(job))
        if changed:
            click.echo(f"model:  {job.folder}\nreport: {page}")


def _say_nothing_recent(name: str, wish: _Wish) -> None:
    """Nothing to do is no error."""
    from tinycoder.cli.progress_lines import say_nothing_learnt

    if wish.progress == "json":
        say_nothing_learnt()
    if wish.as_json:
        click.echo(json.dumps({"finished": True, "kept": False, "report": None}))
    else:
        click.echo(f"{name}: no file to learn from changed within {wish.recent:g} hours; the model stays as it is")


def _settings(wish: _Wish, batch_size: int, seed: int, *, tuned: bool) -> TrainConfig:
    """``batch_size`` is what suits the model, ``tuned`` one that was trained before."""
    from tinycoder.config import n_cpus

    batch_size = wish.batch_size or batch_size
    steps, minutes = wish.steps, wish.minutes
    if steps is None and minutes is None:
        steps, minutes = RECENT_BUDGET if wish.recent is not None else DEFAULT_BUDGET[wish.recipe]
    try:
        settings = TrainConfig(
            steps=steps,
            minutes=minutes,
            batch_size=batch_size,
            shards=min(batch_size, n_cpus()),
            optimizer=wish.optimizer,
            infill=wish.fim_rate,
            seed=seed,
        )
        return tuning(settings) if tuned else settings
    except ConfigError as error:
        raise click.UsageError(str(error)) from None


def _read(home: Path, wish: _Wish, seed: int) -> Corpus:
    from tinycoder.errors import CorpusError
    from tinycoder.storage.forget_list import load_forgotten, true_path
    from tinycoder_training.corpora import python_repos, shakespeare, validation

    forgotten = load_forgotten(home)
    if wish.file and forgotten.holds(true_path(wish.file)):
        raise CorpusError(f"{wish.file} is forgotten; `tinycoder forget --undo` lets it be learnt again")
    if wish.recipe == "code":
        return python_repos.read(wish.paths or (Path(),), exclude=wish.exclude, forgotten=forgotten, seed=seed)
    if wish.recipe == "shakespeare":
        return shakespeare.read(home / "cache", file=wish.file)
    return validation.read()


def _refuse(context: click.Context, reason: str, *names: str) -> None:
    """A usage error if one of these options was given."""
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        option = {"start": "from", "window": "context", "list_only": "list"}.get(given[0], given[0].replace("_", "-"))
        raise click.UsageError(f"{reason}; it does not go with --{option}")
