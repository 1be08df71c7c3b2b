"""Steps of training on random ids, as the trainer takes them; run as a module, in a process of its own with its memory.

    python -m tinycoder.bench.training_step JSON

prints ``{"seconds": of a step, "mib": most memory ever held}``.
"""

import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from tinycoder.config import ModelConfig, TrainConfig
from tinycoder.errors import TinyCoderError
from tinycoder.transformer.model import init_params
from tinycoder_training.dataset import Data
from tinycoder_training.engines.engine import OpenEngine
from tinycoder_training.engines.numpy_engine import numpy_engine
from tinycoder_training.memory import peak_memory
from tinycoder_training.optim import init_moments
from tinycoder_training.trainer import Progress, Run, train

SIZES = {
    "1m": ModelConfig(vocab_size=1024, width=128, n_layers=4, n_heads=4, n_kv_heads=4, hidden=352, context=128),
    "6m": ModelConfig(vocab_size=4096, width=256, n_layers=6, n_heads=8, n_kv_heads=8, hidden=704, context=256),
    "20m": ModelConfig(vocab_size=8192, width=384, n_layers=10, n_heads=12, n_kv_heads=12, hidden=1056, context=256),
}
BATCH = 16


@contextmanager
def steps(
    model: ModelConfig, *, batch: int, threads: int, optimizer: str, open_engine: OpenEngine = numpy_engine
) -> Iterator[Callable[[], float]]:
    """A function that takes one step of training and returns its seconds."""
    ids = np.random.default_rng(0).integers(0, model.vocab_size, 64 * (model.context + 1))
    data = Data(train=ids, validation=ids, bytes_of_id=np.ones(model.vocab_size, np.int64), prompts=(), end_of_text=0)
    settings = TrainConfig(
        steps=10**9, batch_size=batch, shards=threads, optimizer=optimizer, n_evals=1, save_seconds=1e12
    )
    params = init_params(model, np.random.default_rng(0))
    progress = Progress(params=params, moments=init_moments(params, settings), best_params=dict(params))
    run = Run(model=model, train=settings, data=data)
    reports = train(run, progress, save=lambda progress: False, open_engine=open_engine)
    with closing(reports):

        def step() -> float:
            start = time.perf_counter()
            next(reports)
            return time.perf_counter() - start

        yield step


def measure_steps(model: ModelConfig, *, batch: int, threads: int, n_steps: int = 4) -> dict[str, float]:
    """Median seconds of a step after the first, and the memory, measured in a new process."""
    arguments = {"model": dataclasses.asdict(model), "batch": batch, "threads": threads, "n_steps": n_steps}
    done = subprocess.run(
        [sys.executable, "-m", "tinycoder.bench.training_step", json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise TinyCoderError(f"a run of some training steps ended ({reason[0]}); try fewer threads or a smaller size")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _main(arguments: dict[str, Any]) -> None:
    model = ModelConfig(**arguments["model"])
    with steps(model, batch=arguments["batch"], threads=arguments["threads"], optimizer="adamw") as step:
        step()
        seconds = statistics.median(step() for _ in range(arguments["n_steps"]))
    sys.stdout.write(json.dumps({"seconds": seconds, "mib": peak_memory() / 2**20}) + "\n")


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
