"""What a round of learning in a pause is worth: half of a day's work is learnt, then the other half is written.

    python benchmarks/idle.py REPOSITORY... [--from MODEL] [--teach STEPS] [--steps N] [--files N] [--seed N]

Some files of a copy of the repository are `today's`: only their first halves are there. The same number are left out
altogether. The memory knows what is there, and the model knows it too with --teach, which trains it on the other files
first. Then a round with the settings of `tinycoder train --recent` learns the first halves. Each line says, with and
without the round, the bits per byte of today's second halves and of the files that nobody has seen: by the model alone,
and mixed with the memory, which learns along as in an editor. A model of which the judge, the held-out files of the
rest, says that it is no better is not kept, and nothing changes then. Steps in place of minutes, so that other work on
the machine changes nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycoder.checkpoint import Model, load_model
from tinycoder.cli.evaluate import engine_maker
from tinycoder.complete.candidate import Document
from tinycoder.complete.parts import Parts
from tinycoder.config import TUNING_BATCH, TrainConfig, n_cpus, tuning
from tinycoder.decode import use_one_blas_thread
from tinycoder.evaluate.completer import Cost
from tinycoder.evaluate.quality import Outcomes, quality
from tinycoder.store import resolve_model
from tinycoder_training.corpora import python_repos
from tinycoder_training.corpora.corpus import Corpus, Text
from tinycoder_training.replay import general_texts
from tinycoder_training.run import Job, new_job

SIZES = (3_000, 12_000)  # bytes of a file that is written in a day
EVALUATIONS = 4  # as in a run of a minute
VARIANTS = {"model": Parts(memory=False), "mixed": Parts()}


@dataclass(frozen=True, kw_only=True)
class Day:
    """Files of which half is written, files that nobody has seen, and what lies in the folder."""

    today: Sequence[Text]
    unseen: Sequence[Text]
    corpus: Corpus


def main() -> None:
    """A day in each repository, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--from", dest="start", default="base", help="model to begin with, by name or path")
    parser.add_argument("--home", type=Path, default=Path(), help="where models lie that are named")
    parser.add_argument("--teach", type=int, default=0, help="first train this many steps on the other files")
    parser.add_argument("--steps", type=int, default=20, help="steps of the round")
    parser.add_argument("--files", type=int, default=4, help="files of today, and as many that nobody has seen")
    parser.add_argument("--seed", type=int, default=0, help="which files these are")
    parser.add_argument("--out", type=Path, help="add the lines to this file too")
    options = parser.parse_args()
    start = load_model(resolve_model(options.home, options.start))
    for repository in options.repositories:
        with tempfile.TemporaryDirectory() as scratch:
            row = {"repository": repository.resolve().name, "seed": options.seed}
            row |= one_day(repository, Path(scratch), start, options)
        print(json.dumps(row), flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(row) + "\n")


def one_day(repository: Path, scratch: Path, start: Model, options: argparse.Namespace) -> dict[str, Any]:
    """Half a day, a round, and what the other half costs with and without it."""
    day = half_a_day(repository, scratch / repository.resolve().name, n=options.files, seed=options.seed)
    first_halves = {text.path for text in day.today}
    if options.teach:
        others = tuple(text for text in day.corpus.train if text.path not in first_halves)
        taught = Corpus(recipe="code", train=others, validation=day.corpus.validation)
        start = trained(taught, scratch / "taught", start, options.teach).model
    without = scores(start, day)
    begin = time.perf_counter()
    after = trained(day.corpus, scratch / "round", start, options.steps, only=first_halves)
    seconds = round(time.perf_counter() - begin)
    learnt = scores(after.model, day)
    return {
        "taught": options.teach,
        "steps": options.steps,
        "learnt_bytes": sum(text.n_bytes for text in day.corpus.train if text.path in first_halves),
        "seconds": seconds,
        "judge": [round(after.before, 4), round(after.after, 4)],
        "kept": after.kept,
        **{name: [without[name], learnt[name]] for name in learnt},
    }


def half_a_day(repository: Path, folder: Path, *, n: int, seed: int) -> Day:
    """Copy the repository to ``folder`` as it is at noon."""
    shutil.copytree(repository, folder, ignore=shutil.ignore_patterns(".git"))
    learnable = [text for text in python_repos.read([folder]).train if SIZES[0] <= text.n_bytes <= SIZES[1]]
    chosen = np.random.default_rng(seed).permutation(len(learnable))[: 2 * n]
    if len(chosen) < 2 * n:
        raise SystemExit(f"idle: {repository} has only {len(learnable)} files of {SIZES} bytes; choose fewer --files")
    today, unseen = ([learnable[i] for i in part] for part in (chosen[:n], chosen[n:]))
    for text in today:
        (folder / text.path).write_text(text.text[: half_of(text.text)], encoding="utf-8", newline="")
    for text in unseen:
        (folder / text.path).unlink()
    return Day(today=today, unseen=unseen, corpus=python_repos.read([folder]))


def half_of(text: str) -> int:
    """The offset of the first line that ends behind the middle."""
    return text.find("\n", len(text) // 2) + 1 or len(text)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model and what the judge says: bits per byte before and after, and whether it was kept."""

    model: Model
    before: float
    after: float
    kept: bool


def trained(corpus: Corpus, folder: Path, start: Model, steps: int, *, only: Collection[str] | None = None) -> Trained:
    """Train as ``tinycoder train`` does, with ``only`` as with --recent."""
    settings = tuning(TrainConfig(steps=steps, batch_size=TUNING_BATCH, shards=min(TUNING_BATCH, n_cpus())))
    job = new_job(
        corpus,
        folder=folder,
        preset="medium",
        settings=dataclasses.replace(settings, evaluations=EVALUATIONS),
        start=start,
        general=general_texts(),
        only=only,
    )
    run(job)
    before = job.progress.before
    assert before is not None
    kept = job.progress.kept
    best = min([before.bits_per_byte, *(point["val_bpb"] for point in job.progress.curve)])
    return Trained(
        model=load_model(folder) if kept else start,
        before=before.bits_per_byte,
        after=job.progress.best_bits_per_byte if kept else best,
        kept=kept,
    )


def run(job: Job) -> None:
    """Train to the end, and show on stderr how it goes."""
    for report in job.train(stop=lambda: False, clock=time.perf_counter):
        if report.evaluation:
            print(f"  {report.done:4.0%} {report.evaluation.bits_per_byte:.4f}", file=sys.stderr, flush=True)


def scores(model: Model, day: Day) -> dict[str, float | None]:
    """Bits per byte of today's second halves and of the unseen files, by the model alone and mixed with the memory."""
    use_one_blas_thread(prefill=1)
    there = (*day.corpus.train, *day.corpus.validation)
    make = engine_maker(model, [Document(path=text.path, text=text.text) for text in there])
    found: dict[str, float | None] = {}
    for name, parts in VARIANTS.items():
        for what, texts, begin in (("today", day.today, half_of), ("unseen", day.unseen, top_of)):
            outcomes = Outcomes()
            completer = make(parts)
            for text in texts:
                document = Document(path=text.path, text=text.text.replace("\r\n", "\n"))
                completer.observe(document)  # open: the memory has it from the editor, not from the disk
                outcomes.costs.extend(behind(completer.costs(document, stop=lambda: False), document, begin))
                completer.forget(text.path)
            found[f"{what}_{name}"] = quality(name, outcomes).prediction.bits_per_byte
    return found


def behind(costs: Any, document: Document, begin: Callable[[str], int]) -> list[Cost]:
    """The costs of what stands behind an offset of the document; what is above is read too, as when it is typed."""
    n_above, n_bytes = len(document.text[: begin(document.text)].encode()), 0
    kept: list[Cost] = []
    for cost in costs:
        if n_bytes >= n_above:
            kept.append(cost)
        n_bytes += cost.n_bytes
    return kept


def top_of(text: str) -> int:
    """The whole file counts."""
    return 0


if __name__ == "__main__":
    main()
