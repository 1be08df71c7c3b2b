"""Our side of the race: the Shakespeare recipe as `tinycoder train` runs it, timed to a held-out loss.

    python benchmarks/shakespeare_race.py --file tinyshakespeare.txt [--until 1.88] [--minutes 15]

Prints a JSON line each 20 steps: step, seconds of training (evaluation left out), and the loss over the whole
validation tenth in nats a character, in windows of the model's own context. The learning rate is the one of a run of
--minutes, so that the race is run with the recipe people get.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tinycoder.config import PRESETS, TrainConfig, n_cpus
from tinycoder_training.corpora import shakespeare
from tinycoder_training.evaluation import evaluate
from tinycoder_training.job import new_job

EVERY = 20


def main() -> None:
    """Train until the loss is reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--until", type=float, default=1.88)
    parser.add_argument("--minutes", type=float, default=15.0)
    arguments = parser.parse_args()
    preset = PRESETS["tiny"]
    settings = TrainConfig(minutes=arguments.minutes, batch_size=preset.batch_size, shards=n_cpus(), n_evals=1)
    with TemporaryDirectory() as scratch:
        corpus = shakespeare.read(Path(scratch), file=arguments.file)
        job = new_job(corpus, folder=Path(scratch) / "race", preset="tiny", settings=settings)
        seconds, now = 0.0, time.perf_counter()
        for report in job.train(stop=lambda: False, clock=time.perf_counter):
            seconds += time.perf_counter() - now
            if report.step % EVERY == 0:
                found = evaluate(job.progress.params, job.run.model, job.run.data, n_tokens=None)
                line = {"iteration": report.step, "train_seconds": seconds, "val_loss": found.loss}
                print(json.dumps(line), flush=True)
                if found.loss <= arguments.until:
                    return
            now = time.perf_counter()


if __name__ == "__main__":
    main()
