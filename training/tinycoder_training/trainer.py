"""The training loop, on arrays and a clock.

``train`` yields a report after every step. Everything that the loop changes is one value, ``Progress``: with the saved
and loaded value a stopped run continues bit for bit.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import numpy as np

from tinycoder.config import GenerationConfig, ModelConfig, TrainConfig
from tinycoder.errors import TrainingError
from tinycoder.stop import Stop, never
from tinycoder.storage.record import CurvePoint
from tinycoder.transformer.decode import Session
from tinycoder.transformer.model import Params
from tinycoder.transformer.sampling import sample_ids
from tinycoder_training.dataset import Data, Mixture, Stream, Windows
from tinycoder_training.engines.engine import Engine, EngineLost, OpenEngine
from tinycoder_training.engines.numpy_engine import numpy_engine
from tinycoder_training.evaluation import FINAL_EVALUATION_TOKENS, Evaluation, evaluate
from tinycoder_training.optim import Moments, learning_rate_scale

GREEDY = GenerationConfig(max_tokens=48)  # of samples
SMOOTHING = 0.05
INTERPOLATIONS = (0.25, 0.5, 0.75, 1.0)  # parts of the way from the start to the best weights, of which a run keeps one
ENOUGH = 0.95  # of the largest gain of them


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as a value; with the same run and progress the loop always does the same.

    ``start`` are the weights of the starting model, which are not written to: unless the run finds better ones, it
    ends with them. ``standing`` is how well a finished model does that only a better one may replace.
    """

    model: ModelConfig
    train: TrainConfig
    data: Data
    start: Params | None = None
    standing: Evaluation | None = None


@dataclass(kw_only=True)
class Progress:
    """Everything that changes: current and best weights, moments, counters, and the curve so far.

    ``best_bits_per_byte`` are those of the best weights alone, ``best_judged`` those that they were compared by.
    ``smooth_loss`` is the training loss averaged over about the last 20 steps. ``before`` is the evaluation of the
    starting model. Of a finished run, ``kept`` says whether it found better weights than those, and ``interpolation``
    where its weights are on the way from the start (0) to the best ones (1).
    """

    params: Params
    moments: Moments
    best_params: Params
    best_bits_per_byte: float = math.inf
    best_judged: float = math.inf
    smooth_loss: float | None = None
    step: int = 0
    seconds: float = 0.0
    before: Evaluation | None = None
    finished: bool = False
    kept: bool = False
    interpolation: float = 1.0
    curve: list[CurvePoint] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One step: losses in nats per token, of its batch and smooth; ``done`` is the part of the budget that is used.

    ``notice`` is a sentence of the engine for a person, or "".
    """

    step: int
    done: float
    seconds: float
    loss: float
    smooth_loss: float
    gradient_norm: float
    learning_rate_scale: float
    tokens_per_second: float
    evaluation: Evaluation | None = None
    notice: str = ""


def train(
    run: Run,
    progress: Progress,
    *,
    save: Callable[[Progress], bool],
    stop: Stop = never,
    clock: Callable[[], float] = time.perf_counter,
    open_engine: OpenEngine = numpy_engine,
) -> Generator[Report, None, None]:
    """Train until the budget is used or ``stop`` says so, and yield a report after each step.

    ``save``, which returns whether it has saved, is called at every evaluation, every ``save_seconds``, and at the end,
    also when the caller closes the generator. Raises ``TrainingError`` when the loss is not a number any more, when
    memory does not suffice, and when the engine has lost a process; the last save is kept.
    """
    saved_step = progress.step
    with open_engine(run.model, run.train, progress.params, progress.moments) as engine:

        def keep() -> None:
            nonlocal saved_step
            engine.fetch()
            saved_step = progress.step if save(progress) else saved_step

        try:
            yield from _steps(run, progress, keep, stop, clock, engine)
        except TrainingError as error:
            raise TrainingError(
                f"{error}; {_kept(saved_step)}: start again with --optimizer adamw or another --seed"
            ) from None
        except EngineLost as error:
            again = "continue with --resume" if saved_step else "start again"
            raise TrainingError(f"{error}; {_kept(saved_step)}: {again}") from None
        except MemoryError:
            again = "and continue with --resume" if saved_step else "or choose a smaller --context or --preset"
            raise TrainingError(
                f"step {progress.step + 1} does not fit into memory; {_kept(saved_step)}: close other programs {again}"
            ) from None
        except GeneratorExit:  # the caller is gone; what was learnt is saved all the same
            keep()
            raise
        if not progress.finished:
            keep()


def _steps(
    run: Run, progress: Progress, keep: Callable[[], None], stop: Stop, clock: Callable[[], float], engine: Engine
) -> Iterator[Report]:
    settings, windows = run.train, batches(run)
    if run.start is not None and progress.before is None:
        _evaluate_start(run, run.start, progress, engine)
    last_save = progress.seconds
    started = clock() - progress.seconds
    while not stop() and (done := budget_used(settings, progress)) < 1:
        begin = clock()
        scale = learning_rate_scale(done, warmup=settings.warmup, decay=settings.decay)
        loss, norm = _step(progress, windows, scale, engine)
        end = clock()
        progress.seconds = end - started
        before = loss if progress.smooth_loss is None else progress.smooth_loss
        progress.smooth_loss = before + SMOOTHING * (loss - before)
        evaluation, now = None, budget_used(settings, progress)
        if now >= 1 or int(now * settings.n_evals) > int(done * settings.n_evals):
            evaluation = _evaluate_and_note(run, progress, engine)
            progress.seconds = clock() - started
            now = budget_used(settings, progress)
        if now >= 1:
            evaluation = _finish(run, progress, engine)
        if evaluation or progress.seconds - last_save >= settings.save_seconds:
            keep()
            last_save = progress.seconds
        yield Report(
            step=progress.step,
            done=min(1.0, now),
            seconds=progress.seconds,
            loss=loss,
            smooth_loss=progress.smooth_loss,
            gradient_norm=norm,
            learning_rate_scale=scale,
            tokens_per_second=settings.batch_size * run.model.context / max(end - begin, 1e-9),
            evaluation=evaluation,
            notice=engine.notice(),
        )


def _kept(step: int) -> str:
    return f"the model of step {step} is kept" if step else "nothing was saved yet"


def batches(run: Run) -> Mixture:
    """The batches of the run: its own windows, then those of the replay."""
    data, settings = run.data, run.train
    parts: list[tuple[Stream, int, int]] = [(data.train, settings.batch_size, settings.seed)]
    if data.replay is not None and (n := settings.replay_rows):
        parts = [(data.train, settings.batch_size - n, settings.seed), (data.replay, n, settings.seed + 1)]
    context, end = run.model.context, data.end_of_text
    return Mixture(tuple(Windows(ids, context, n_rows, seed, end) for ids, n_rows, seed in parts))


def budget_used(settings: TrainConfig, progress: Progress) -> float:
    """Part of the budget that is used, 0 to 1 and a little more."""
    if settings.steps is not None:
        return progress.step / settings.steps
    assert settings.minutes is not None
    steps = progress.step / settings.max_steps if settings.max_steps else 0.0
    return max(steps, progress.seconds / (60 * settings.minutes))


def _step(progress: Progress, windows: Mixture, scale: float, engine: Engine) -> tuple[float, float]:
    loss, gradients = engine.gradients(*windows.batch(progress.step))
    if not math.isfinite(loss):
        raise TrainingError(f"the loss became {loss} at step {progress.step + 1}")
    norm = engine.update(gradients, progress.step + 1, scale)
    progress.step += 1
    return loss, norm


def _evaluate_start(run: Run, start: Params, progress: Progress, engine: Engine) -> None:
    """Evaluate the start on the tokens of the final evaluation, and on those of the others, which must beat it."""
    progress.before = evaluation = evaluate(
        start, run.model, run.data, n_tokens=FINAL_EVALUATION_TOKENS, losses=engine.losses
    )
    if len(run.data.validation) > run.train.evaluation_tokens:
        evaluation = _evaluate(start, run, engine, run.train.evaluation_tokens)
    progress.best_bits_per_byte, progress.best_judged = evaluation.bits_per_byte, evaluation.judged


def _evaluate(params: Params, run: Run, engine: Engine, n_tokens: int) -> Evaluation:
    return evaluate(params, run.model, run.data, n_tokens=n_tokens, losses=engine.losses)


def _evaluate_and_note(run: Run, progress: Progress, engine: Engine) -> Evaluation:
    """Evaluate the current weights, keep them if they are the best so far, and add a point to the curve."""
    engine.fetch()
    evaluation = evaluate(
        progress.params, run.model, run.data, n_tokens=run.train.evaluation_tokens, losses=engine.losses
    )
    if evaluation.judged < progress.best_judged:
        progress.best_bits_per_byte, progress.best_judged = evaluation.bits_per_byte, evaluation.judged
        progress.best_params = {name: param.copy() for name, param in progress.params.items()}
    point = CurvePoint(
        step=progress.step,
        seconds=round(progress.seconds, 3),
        train_loss=progress.smooth_loss,
        val_loss=evaluation.loss,
        val_bpb=evaluation.bits_per_byte,
    )
    progress.curve.append(point)
    return dataclasses.replace(evaluation, samples=_samples(run, progress))


def _finish(run: Run, progress: Progress, engine: Engine) -> Evaluation:
    """Evaluate the best weights on more text, for the record. If they are no better, return to the start."""
    if run.start is not None:
        progress.interpolation, progress.best_params = _interpolated(run, run.start, progress.best_params, engine)
    evaluation = evaluate(
        progress.best_params, run.model, run.data, n_tokens=FINAL_EVALUATION_TOKENS, losses=engine.losses
    )
    progress.kept = progress.before is None or evaluation.judged < progress.before.judged
    if run.start is not None and progress.before is not None and not progress.kept:
        progress.best_params, evaluation = run.start, progress.before
    progress.best_bits_per_byte, progress.best_judged = evaluation.bits_per_byte, evaluation.judged
    progress.finished = True
    return dataclasses.replace(evaluation, samples=_samples(run, progress))


def _interpolated(run: Run, start: Params, best: Params, engine: Engine) -> tuple[float, Params]:
    """Of the weights between the start and the best ones, those nearest to the start that gain nearly the most.

    They keep more of what the start knew of other text, and often predict the held-out text better too (WiSE-FT,
    Wortsman et al. 2022).
    """

    def quality(params: Params) -> float:
        return _evaluate(params, run, engine, run.train.evaluation_tokens).judged

    weights = {part: best if part == 1 else _between(start, best, part) for part in INTERPOLATIONS}
    before = quality(start)
    gains = {part: before - quality(params) for part, params in weights.items()}
    enough = ENOUGH * max(gains.values())
    return next(((part, weights[part]) for part in INTERPOLATIONS if gains[part] >= enough > 0), (1.0, best))


def _between(start: Params, end: Params, part: float) -> Params:
    return {name: start[name] + np.float32(part) * (end[name] - start[name]) for name in start}


def _samples(run: Run, progress: Progress) -> tuple[tuple[int, ...], ...]:
    """Greedy continuation of each prompt."""
    session, end = Session(progress.best_params, run.model), run.data.end_of_text
    return tuple(tuple(sample_ids(session, ids, GREEDY, end=end, banned=(), seed=0)) for ids in run.data.prompts)
