"""The PyTorch engine: the same numbers as the numpy engine, and as fast as a plain loop in PyTorch.

    python benchmarks/torch_engine.py same
    python benchmarks/torch_engine.py processes
    python benchmarks/torch_engine.py speed [--size 6m] [--seconds 120]

It needs PyTorch. ``same`` takes 50 steps of ``tiny`` from the same start with both engines, and prints the largest
difference of loss and of the first step's gradients. ``processes`` takes 20 steps of ``tiny`` on one process and on
two, on this project's own code, and prints the largest difference of their ten training and held-out losses. ``speed``
takes steps in turns with ``torch.compile``d training as of ``tinycoder bench train``, which has AdamW; a ratio is the
median of those of single rounds, above 1 where the engine is faster.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinycoder.bench.competitor import competitors
from tinycoder.bench.quiet import Others, quiet
from tinycoder.bench.training_step import BATCH, SIZES, steps
from tinycoder.config import PRESETS, ModelConfig, TrainConfig, n_cpus
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import init_params
from tinycoder_training.engines.engine import OpenEngine
from tinycoder_training.engines.numpy_engine import numpy_engine
from tinycoder_training.engines.torch_engine import torch_engine
from tinycoder_training.optim import init_moments

N_STEPS = 50


def batches(model: ModelConfig, n_rows: int) -> Array:  # (N_STEPS,n_rows,T+1)
    """Ids of which each is the one before and a little more: they can be learnt."""
    rng = np.random.default_rng(1)
    first = rng.integers(0, model.vocab_size, (N_STEPS, n_rows, 1))
    more = np.cumsum(rng.integers(0, 4, (N_STEPS, n_rows, model.context + 1)), -1)
    ids: Array = (first + more) % model.vocab_size
    return ids


def learnt(open_engine: OpenEngine, model: ModelConfig, settings: TrainConfig) -> tuple[list[float], dict[str, Array]]:
    """Losses of the steps, and the gradients of the first."""
    params = init_params(model, np.random.default_rng(0))
    losses, first = [], {}
    with open_engine(model, settings, params, init_moments(params, settings)) as engine:
        for number, ids in enumerate(batches(model, settings.batch_size)):
            loss, gradients = engine.gradients(ids[:, :-1], ids[:, 1:])
            if number == 0:
                first = {name: np.array(gradient.tolist()) for name, gradient in gradients.items()}
            engine.update(gradients, number + 1, 1.0)
            losses.append(loss)
    return losses, first


def same() -> dict[str, Any]:
    """Largest differences of both optimizers."""
    model, found = PRESETS["tiny"].model(PRESETS["tiny"].vocab_size), {}
    for optimizer in ("muon", "adamw"):
        settings = TrainConfig(steps=N_STEPS, batch_size=8, optimizer=optimizer)
        losses, gradients = learnt(numpy_engine, model, settings)
        others, other_gradients = learnt(torch_engine, model, settings)
        apart = {name: np.abs(gradients[name] - other_gradients[name]).max() for name in gradients}
        found[optimizer] = {
            "loss": max(abs(one - other) for one, other in zip(losses, others, strict=True)),
            "relative gradient": max(float(apart[name] / np.abs(gradients[name]).max()) for name in gradients),
            "last losses": [losses[-1], others[-1]],
        }
    return found


def curve(home: Path, *command: str) -> list[float]:
    """Training and held-out losses of a run of 20 steps in a process of its own."""
    code = str(Path(__file__).parents[1] / "tinycoder")
    options = [code, "--preset", "tiny", "--steps", "20", "--name", "run"]
    environment = {**os.environ, "TINYCODER_HOME": str(home), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *command, *options], env=environment, check=True)
    training = json.loads((home / "models" / "run" / "training.json").read_text())
    return [float(point[name]) for point in training["curve"] for name in ("train_loss", "val_loss")]


def processes() -> dict[str, Any]:
    """Largest difference of losses between one process and two."""
    two = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "tinycoder_training")
    with tempfile.TemporaryDirectory() as folder:
        one = curve(Path(folder) / "1", "-m", "tinycoder", "train", "--engine", "torch")
        both = curve(Path(folder) / "2", *two)
    return {"loss": max(abs(a - b) for a, b in zip(one, both, strict=True)), "last losses": [one[-1], both[-1]]}


def speed(size: str, seconds: float, others: Others) -> dict[str, Any]:
    """Tokens a second, and ratios to the plain compiled loop, which hold beside other work too."""
    model, threads = SIZES[size], n_cpus()
    arguments = {"model": dataclasses.asdict(model), "batch": BATCH, "threads": threads, "kind": "compile"}
    ours = {"engine": ("adamw", torch_engine), "engine, muon": ("muon", torch_engine), "numpy": ("adamw", numpy_engine)}
    with ExitStack() as stack:
        present, absent = stack.enter_context(
            competitors({"plain": ("torch_train.py", arguments)}, python=sys.executable)
        )
        if absent:
            raise SystemExit(absent["plain"])
        turns: dict[str, Any] = {name: competitor.ask for name, competitor in present.items()}
        for name, (optimizer, engine) in ours.items():
            opened = steps(model, batch=BATCH, threads=threads, optimizer=optimizer, open_engine=engine)
            turns[name] = stack.enter_context(opened)
        rounds: list[dict[str, float]] = []
        end = time.perf_counter() + seconds
        while len(rounds) < 3 or time.perf_counter() < end:
            rounds.append({name: turn() for name, turn in turns.items()})
            if len(rounds) == 2:
                end = time.perf_counter() + seconds  # the first rounds compile
    rounds = rounds[2:]
    return {
        name: {
            "tokens/s": others.value(round(BATCH * model.context / statistics.median(turn[name] for turn in rounds))),
            "ratio": round(statistics.median(turn["plain"] / turn[name] for turn in rounds), 3),
        }
        for name in turns
    } | {"rounds": len(rounds), "refused": others.refused}


def main() -> None:
    """Print what was asked for as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("same", "processes", "speed"))
    parser.add_argument("--size", choices=SIZES, default="6m")
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    with quiet() as others:
        what = {"same": same, "processes": processes, "speed": partial(speed, asked.size, asked.seconds, others)}
        print(json.dumps(what[asked.what](), indent=2))


if __name__ == "__main__":
    main()
