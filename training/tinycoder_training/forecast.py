"""The cost of a run before it begins: seconds from a few trial steps, bytes from the shapes of its arrays."""

import dataclasses
import math
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass

from tinycoder.config import ModelConfig, TrainConfig, n_cpus
from tinycoder.errors import TrainingError
from tinycoder.transformer.layers import ATTENTION_BLOCK, LOGITS_CHUNK
from tinycoder.transformer.model import TOKENS_AT_A_TIME, n_params
from tinycoder_training.engines.engine import Engine, OpenEngine
from tinycoder_training.engines.numpy_engine import numpy_engine
from tinycoder_training.evaluation import FINAL_EVALUATION_TOKENS, evaluate
from tinycoder_training.memory import free_memory
from tinycoder_training.optim import init_moments
from tinycoder_training.trainer import INTERPOLATIONS, Progress, Run, train

TRIAL_STEPS, TRIAL_SECONDS = 3, 4.0
SLACK = 48 * 2**20  # bytes of pieces that the allocator keeps for each thread


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """``seconds`` of ``steps`` steps with their evaluations, and the most ``n_bytes`` of memory.

    ``notice`` is what the engine says of itself and of the trial, or "".
    """

    steps: int
    seconds: float
    n_bytes: int
    tokens_per_second: float
    notice: str = ""


def forecast(run: Run, progress: Progress, open_engine: OpenEngine = numpy_engine) -> Forecast:
    """Time a few steps and an evaluation on copies, for some seconds; nothing is changed or saved."""
    settings, copies = run.train, {name: param.copy() for name, param in progress.params.items()}
    trial = Progress(params=copies, moments=init_moments(copies, settings), best_params=copies)
    tokens = min(len(run.data.validation), settings.evaluation_tokens)
    with open_engine(run.model, settings, trial.params, trial.moments) as engine:
        step, notice = _seconds_of_step(run, trial, engine)
        begin = time.perf_counter()
        evaluate(copies, run.model, run.data, n_tokens=tokens, losses=engine.losses)
        of_a_token = (time.perf_counter() - begin) / tokens
        n_bytes = engine.peak_memory()
    final = min(len(run.data.validation), FINAL_EVALUATION_TOKENS)
    if run.start is not None:  # it is evaluated too, and so are the weights between it and the best ones
        final = 2 * final + (2 + len(INTERPOLATIONS)) * tokens
    evaluating = of_a_token * settings.n_evals * tokens
    steps = math.inf if settings.steps is None else settings.steps - progress.step
    if settings.max_steps is not None:
        steps = min(steps, settings.max_steps - progress.step)
    seconds = steps * step + evaluating
    if settings.minutes is not None and (left := 60 * settings.minutes - progress.seconds) <= seconds:
        steps, seconds = max(0, round((left - evaluating) / step)), left
    return Forecast(
        steps=int(steps),
        seconds=seconds + of_a_token * final,
        n_bytes=n_bytes,
        tokens_per_second=settings.batch_size * run.model.context / step,
        notice=notice,
    )


def _seconds_of_step(run: Run, trial: Progress, engine: Engine) -> tuple[float, str]:
    endless = dataclasses.replace(run.train, steps=10**9, minutes=None, save_seconds=1e12)
    reports = train(
        dataclasses.replace(run, train=endless, start=None),
        trial,
        save=lambda progress: False,
        open_engine=lambda *_: nullcontext(engine),
    )
    times, notices = list[float](), list[str]()
    start = time.perf_counter()
    while len(times) < TRIAL_STEPS + 1 or time.perf_counter() < start + TRIAL_SECONDS:
        begin = time.perf_counter()
        notices.append(next(reports).notice)
        times.append(time.perf_counter() - begin)
    reports.close()
    return statistics.fmean(times[1:]), "; ".join(filter(None, notices))  # the first one is slower


def needed_memory(model: ModelConfig, settings: TrainConfig) -> int:
    """Bytes that a run needs besides the interpreter and the texts, from the shapes of its arrays."""
    n_threads = min(settings.shards, n_cpus())
    copies = 3 + (2 if settings.optimizer == "adamw" else 1.3)  # current, best, where it began, moments
    of_a_step = 3 + settings.shards  # fused weights, gradients before and after, and one sum for each shard
    rows = -(-settings.batch_size // settings.shards)
    at_once = max(model.context, min(TOKENS_AT_A_TIME, rows * model.context))
    heads = model.n_heads + 2 * model.n_kv_heads
    seen = min(model.context, model.context / 2 + ATTENTION_BLOCK)
    of_a_token = model.n_layers * (
        4 * model.width + 2 * heads * model.head_width + 5 * model.hidden + model.n_heads * seen
    )
    activations = n_threads * (at_once * of_a_token + 2 * min(LOGITS_CHUNK, at_once) * model.vocab_size)
    embedded = settings.batch_size * model.context * model.width
    batch = settings.batch_size * (model.context + 1) * 8 * 2
    floats = (copies + of_a_step) * n_params(model) + activations + embedded
    return int(4 * floats + batch) + SLACK * n_threads


def refuse_what_cannot_fit(model: ModelConfig, settings: TrainConfig) -> None:
    """Raise ``TrainingError`` with what would fit, if the run needs more memory than this machine has free."""
    free, needed = free_memory(), needed_memory(model, settings)
    if free is None or needed <= free:
        return
    smaller = settings
    while smaller.batch_size > smaller.shards and needed_memory(model, smaller) > free:
        smaller = dataclasses.replace(smaller, batch_size=max(smaller.shards, smaller.batch_size // 2))
    fits = needed_memory(model, smaller) <= free
    raise TrainingError(
        f"a batch of {settings.batch_size:,} windows of {model.context:,} tokens needs about "
        f"{needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free: "
        + (f"use --batch-size {smaller.batch_size}" if fits else "use a smaller --preset or --context")
    )
