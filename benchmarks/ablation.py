"""Which settings learn the most in a fixed time: variants of one run at an equal time budget, each on one core.

    python benchmarks/ablation.py --out FILE.jsonl [--seconds 150] [--preset tiny] [--path PATH]... [VARIANT]...

A variant is `base`, or changes separated by commas: settings of TrainConfig (`optimizer=adamw`), parts of the preset
(`width=160,n_layers=3`), or `qk_norm=1`, `dropout=0.1` and `newton_schulz=3`, which only this script knows. Without
variants it goes through VARIANTS below. The corpus is every --path; without one, the standard library of this Python.

First the time of a step is measured for all variants, in turns; each is then trained for as many steps as fit in the
budget at that speed, so that a busy machine changes no result. Results are added to --out, and variants that it holds
already are left out, so that a stopped run continues.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is loaded

import numpy as np

from tinycoder.config import PRESETS, Preset, TrainConfig
from tinycoder.transformer import layers, model
from tinycoder_training import optim, trainer
from tinycoder_training.corpora import python_repos
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.job import Job, new_job

VARIANTS = [
    "base",
    "seed=1",
    "seed=2",
    "optimizer=adamw",
    "optimizer=adamw,learning_rate=1e-3",
    "optimizer=adamw,learning_rate=6e-3",
    "learning_rate=1e-3",
    "learning_rate=6e-3",
    "learning_rate=1e-2",
    "matrix_learning_rate=0.01",
    "matrix_learning_rate=0.04",
    "newton_schulz=3",
    "newton_schulz=4",
    "batch_size=4",
    "batch_size=16",
    "batch_size=32",
    "context=128,batch_size=16",
    "context=128",
    "context=512,batch_size=4",
    "context=512",
    "decay=0.15",
    "decay=0.6",
    "decay=1.0",
    "warmup=0.0",
    "warmup=0.1",
    "weight_decay=0.0",
    "weight_decay=0.03",
    "weight_decay=0.3",
    "vocab_size=1024",
    "vocab_size=4096",
    "vocab_size=8192",
    "width=96,n_layers=8,n_heads=3,n_kv_heads=3,hidden=256",
    "width=160,n_layers=3,n_heads=5,n_kv_heads=5,hidden=432",
    "width=192,n_layers=2,n_heads=6,n_kv_heads=6,hidden=512",
    "width=192,n_layers=4,n_heads=6,n_kv_heads=6,hidden=512",
    "n_heads=2,n_kv_heads=2",
    "n_kv_heads=2",
    "n_heads=2,n_kv_heads=1",
    "hidden=256",
    "hidden=512",
    "qk_norm=1",
    "dropout=0.1",
]
CALIBRATION_STEPS = 8


@dataclasses.dataclass(frozen=True)
class Variant:
    """Changes to the base by name."""

    name: str
    train: dict[str, Any]
    preset: dict[str, Any]
    extra: dict[str, float]


def variant_of(name: str) -> Variant:
    """The changes that ``name`` spells."""
    variant = Variant(name, {}, {}, {})
    for item in [] if name == "base" else name.split(","):
        key, _, value = item.partition("=")
        if key in Preset.__dataclass_fields__:
            variant.preset[key] = int(value)
        elif key in TrainConfig.__dataclass_fields__:
            variant.train[key] = type(getattr(TrainConfig(steps=1), key))(value)
        elif key in ("qk_norm", "dropout", "newton_schulz"):
            variant.extra[key] = float(value)
        else:
            raise SystemExit(f"ablation: {key!r} is neither a setting of TrainConfig nor of Preset")
    return variant


def job_of(variant: Variant, base: str, corpus: Corpus, folder: Path, steps: int) -> Job:
    """A run of ``steps`` that saves nothing before its end."""
    preset = dataclasses.replace(PRESETS[base], **variant.preset)
    batch_size = variant.preset.get("batch_size", preset.batch_size)
    settings = TrainConfig(
        **{"steps": steps, "batch_size": batch_size, "shards": 1, "n_evals": 1, "save_seconds": 1e9} | variant.train
    )
    with mock.patch.dict(PRESETS, {"variant": preset}):
        return new_job(corpus, folder=folder, preset="variant", settings=settings)


@contextmanager
def changed(extra: dict[str, float]) -> Iterator[None]:
    """The engine with what only this script knows."""
    patches = []
    if "newton_schulz" in extra:
        iterations = int(extra["newton_schulz"])
        patches.append(mock.patch.object(optim, "orthogonalise", partial(optim.orthogonalise, iterations=iterations)))
    if "qk_norm" in extra:
        patches.append(mock.patch.object(model, "attention_forward", normed_attention_forward))
        patches.append(mock.patch.object(model, "attention_backward", normed_attention_backward))
    if "dropout" in extra:
        dropout = Dropout(extra["dropout"])
        for name in ("attention_backward", "swiglu_backward"):
            patches.append(mock.patch.object(model, name, dropout.backward(getattr(layers, name))))
        for name in ("attention_forward", "swiglu_forward"):
            patches.append(mock.patch.object(model, name, dropout.forward(getattr(layers, name))))
        training = dropout.while_training(trainer.loss_and_weight_gradients)
        patches.append(mock.patch.object(trainer, "loss_and_weight_gradients", training))
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def normed_attention_forward(qkv: layers.Array, H: int) -> tuple[layers.Array, layers.Cache]:
    """Attention whose queries and keys have length sqrt(D) each (Henry et al. 2020), without gains."""
    D, G = qkv.shape[-1], (qkv.shape[2] - H) // 2
    qk, norm = layers.rmsnorm_forward(qkv[:, :, : H + G], 1e-6)
    qk = qk.copy()
    qk[:, :, :H] *= D**-0.5
    y, attention = layers.attention_forward(np.concatenate([qk, qkv[:, :, H + G :]], axis=2), H)
    return y, (*attention, norm)


def normed_attention_backward(dy: layers.Array, cache: layers.Cache) -> layers.Array:
    """Gradient of queries, keys and values before they are normed."""
    *attention, norm = cache
    dqkv = layers.attention_backward(dy, tuple(attention))
    H, D = dy.shape[2:]
    G = (dqkv.shape[2] - H) // 2
    dqkv[:, :, :H] *= D**-0.5
    dqkv[:, :, : H + G] = layers.rmsnorm_backward(dqkv[:, :, : H + G], norm)
    return dqkv


class Dropout:
    """Zeroes of what a block hands to its last product, while training (Srivastava et al. 2014)."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._rng = np.random.default_rng(0)
        self._here = threading.local()

    def forward(self, op: Any) -> Any:
        """``op`` with a mask on its output; the mask is the last thing in its cache."""

        def dropped(*inputs: Any) -> Any:
            y, cache = op(*inputs)
            if not getattr(self._here, "training", False):
                return y, cache
            mask = (self._rng.random(y.shape, np.float32) >= self.rate) * np.float32(1 / (1 - self.rate))
            return y * mask, (*cache, mask)

        return dropped

    def backward(self, op: Any) -> Any:
        """The gradient of ``forward``."""
        return lambda dy, cache: op(dy * cache[-1].reshape(dy.shape), cache[:-1])

    def while_training(self, function: Any) -> Any:
        """``function`` with masks on."""

        def trained(*inputs: Any) -> Any:
            self._here.training = True
            try:
                return function(*inputs)
            finally:
                self._here.training = False

        return trained


def seconds_of_a_step(variants: list[Variant], base: str, corpus: Corpus, folder: Path) -> dict[str, float]:
    """Median time of a step of each variant; every turn gives each of them one step."""
    runs = []
    for variant in variants:
        job = job_of(variant, base, corpus, folder, 1_000_000)
        runs.append((variant, job.train(stop=lambda: False, clock=time.perf_counter)))
    times: dict[str, list[float]] = {variant.name: [] for variant in variants}
    for turn in range(CALIBRATION_STEPS):
        for variant, run in runs:
            with changed(variant.extra):
                start = time.perf_counter()
                next(run)
                if turn > 0:
                    times[variant.name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def main() -> None:
    """Train each variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, action="append", default=[])
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", default="1/1", help="k/n: every n-th variant from the k-th on, for n processes")
    parser.add_argument("--calibrate", action="store_true", help="only measure the time of a step, into --out")
    parser.add_argument("variants", nargs="*")
    arguments = parser.parse_args()
    part, n_parts = map(int, arguments.part.split("/"))
    variants = [variant_of(name) for name in arguments.variants or VARIANTS]
    known = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    speeds = {row["variant"]: row["step_seconds"] for row in known if "step_seconds" in row}
    done = {row["variant"] for row in known if "bits_per_byte" in row}
    stdlib = Path(sysconfig.get_path("stdlib"))
    folders = [path for path in stdlib.iterdir() if path.name not in NOT_OF_THE_LIBRARY]
    paths = arguments.path or [path for path in folders if path.is_dir() or path.suffix == ".py"]
    corpus = python_repos.read(sorted(paths))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        if missing := [variant for variant in variants if variant.name not in speeds]:
            for name, seconds in seconds_of_a_step(missing, arguments.preset, corpus, folder).items():
                speeds[name] = seconds
                note(arguments.out, {"variant": name, "step_seconds": seconds})
        if arguments.calibrate:
            return
        for variant in variants[part - 1 :: n_parts]:
            if variant.name in done:
                continue
            steps = max(1, round(arguments.seconds / speeds[variant.name]))
            job = job_of(variant, arguments.preset, corpus, folder, steps)
            with changed(variant.extra):
                for _ in job.train(stop=lambda: False, clock=time.perf_counter):
                    pass
            tokens = steps * job.run.train.batch_size * job.run.model.context
            row = {
                "variant": variant.name,
                "bits_per_byte": round(job.progress.best_bits_per_byte, 4),
                "steps": steps,
                "tokens": tokens,
                "epochs": round(tokens / len(job.run.data.train), 2),
                "parameters": job.record.parameters,
            }
            note(arguments.out, row)
            print(row, flush=True)


NOT_OF_THE_LIBRARY = ("test", "tests", "idlelib", "site-packages", "ensurepip", "__pycache__", "lib2to3", "turtledemo")


def note(path: Path, row: dict[str, Any]) -> None:
    """Add one line to the results."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
