"""Variants of one run at an equal number of steps, in one process, one after the other.

    python benchmarks/ablation.py [--path PATH]... [--file TEXT] [--preset tiny] [--steps 500] VARIANT...

A variant is `base` or settings of TrainConfig, such as `optimizer=adamw,learning_rate=1e-3`. The corpus is the Python
files under every --path, or the characters of the text of --file. Prints held-out bits per byte and the time of each.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tinycoder.config import PRESETS, TrainConfig, n_cpus
from tinycoder_training.corpora import python_repos, shakespeare
from tinycoder_training.run import new_job


def settings_of(variant: str, config: TrainConfig) -> TrainConfig:
    """``config`` with the changes that ``variant`` names."""
    if variant == "base":
        return config
    changes: dict[str, object] = {}
    for item in variant.split(","):
        name, _, value = item.partition("=")
        kind = type(getattr(config, name))
        changes[name] = kind(value)
    return dataclasses.replace(config, **changes)  # type: ignore[arg-type]


def main() -> None:
    """Train each variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, action="append", default=[])
    parser.add_argument("--file", type=Path)
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("variants", nargs="+")
    arguments = parser.parse_args()
    preset = PRESETS[arguments.preset]
    base = TrainConfig(steps=arguments.steps, batch_size=preset.batch_size, shards=n_cpus(), evaluations=1)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        text = shakespeare.read(folder, file=arguments.file) if arguments.file else None
        corpus = text or python_repos.read(arguments.path)
        for variant in arguments.variants:
            settings = settings_of(variant, base)
            job = new_job(corpus, folder=folder / "model", preset=arguments.preset, settings=settings)
            start = time.perf_counter()
            for _ in job.train(stop=lambda: False, clock=time.perf_counter):
                pass
            seconds = time.perf_counter() - start
            print(f"{variant}: {job.progress.best_bits_per_byte:.4f} bits per byte, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
