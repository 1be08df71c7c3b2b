"""How a general model becomes a repository's: held-out text before and after, and what is forgotten on the way.

    python benchmarks/personalise.py PATH... [--from MODEL] [--general FOLDER] [--tokens N | --minutes M] [--out FILE]
        [--variant rate=0.3,replay=0.25]... [--cursors N]

One JSON line for each repository and variant: bits per byte of the model alone, without the memory of the workspace, on
the files that training holds out, before and after; the same on Python files of others (``--general``), where a rise is
what was forgotten; both again for weights on the way between start and end; and the curve. With
``--cursors`` the engine is asked too, as it is deployed, with the memory of the files that were learnt: bits per byte,
exact lines, keys of a simulated user, and the share of ghost texts that are of no help, before and after. It is asked
for twice as many lines as cursors, and before ten times as many keys.

A variant changes settings of TrainConfig; ``rate`` multiplies both learning rates of a run from nothing, in place of
what fine-tuning does by itself, and ``anchor`` pulls the weights towards those they began with (L2-SP, Li et al. 2018).
``tuned`` is fine-tuning as it is, which keeps weights on the way too; the others keep the best they found. Budgets are
counted in tokens, so that other work on the machine changes nothing and batches of any size compare; ``--minutes``
needs a quiet machine. Without ``--general`` the standard library's held-out files are taken.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tinycoder.complete.candidate import Document
from tinycoder.complete.parts import Parts
from tinycoder.config import TUNING_BATCH, TrainConfig, n_cpus, tuning
from tinycoder.evaluate.evaluation import Settings, Variant
from tinycoder.evaluate.evaluation import evaluate as engine_evaluate
from tinycoder.library import engine_maker
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.storage.models import resolve_model
from tinycoder.workspace.text import Text
from tinycoder_training import optim, trainer
from tinycoder_training.corpora import library, python_repos
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.evaluation import Evaluation, evaluate
from tinycoder_training.job import Job, new_job
from tinycoder_training.quality import measure
from tinycoder_training.replay import general_texts

GENERAL_TOKENS = 24_000
BLENDS = (0.5, 0.75)  # parts of the way from the start to what was learnt (Wortsman et al. 2022)
VARIANTS = ("tuned", "replay=0", "rate=0.1", "rate=1", "anchor=1", "batch_size=16")


def main() -> None:
    """Run the variants that are asked for, repository after repository."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--from", dest="start", default="base", help="model to begin with, by name or path")
    parser.add_argument("--home", type=Path, default=Path(), help="where models lie that are named")
    parser.add_argument("--general", type=Path, help="folder of Python files that show what is forgotten")
    parser.add_argument("--tokens", type=int, default=600_000, help="read so many in each run")
    parser.add_argument("--minutes", type=float, help="in place of --tokens")
    parser.add_argument("--variant", action="append", help=f"may be given many times; else {' '.join(VARIANTS)}")
    parser.add_argument("--cursors", type=int, default=0, help="how much the engine is asked too")
    parser.add_argument("--out", type=Path, help="add the lines to this file too")
    options = parser.parse_args()
    start = load_model(resolve_model(options.home, options.start))
    held = python_repos.read([options.general] if options.general else library.paths())
    others = (*held.train, *held.validation) if options.general else held.validation
    known = measure(start, others, n_tokens=GENERAL_TOKENS).bits_per_byte
    measured: dict[Path, tuple[Evaluation, dict[str, Any]]] = {}
    for path in options.paths:
        for name in options.variant or VARIANTS:
            row = {"repository": path.resolve().name, "variant": name}
            asked = Settings(n_cursors=options.cursors, n_typed=10 * options.cursors, after_rest=True)
            budget = {"tokens": options.tokens, "minutes": options.minutes}
            row |= compare(path, name, start, others, asked=asked, measured=measured, **budget)
            row["general_before"] = round(known, 4)
            print(json.dumps(row), flush=True)
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")


def compare(
    path: Path,
    name: str,
    start: Model,
    others: Sequence[Text],
    *,
    tokens: int,
    minutes: float | None,
    asked: Settings,
    measured: dict[Path, tuple[Evaluation, dict[str, Any]]],
) -> dict[str, Any]:
    """Train one variant and say what came of it."""
    changes = dict(item.split("=") for item in name.split(",") if item != "tuned")
    anchor, rate = float(changes.pop("anchor", 0)), changes.pop("rate", None)
    with tempfile.TemporaryDirectory() as scratch:
        settings = settings_of(changes, rate, start.config.context, tokens, minutes)
        corpus = python_repos.read([path])
        job = new_job(
            corpus,
            folder=Path(scratch) / "model",
            preset="medium",
            settings=settings,
            start=start,
            general=general_texts(),
        )
        if path in measured:  # the same for all variants
            job.progress.before = measured[path][0]
            job.progress.best_judged = measured[path][0].judged
        begin = time.perf_counter()
        blends = trainer.INTERPOLATIONS if name.startswith("tuned") else (1.0,)
        with anchored(start, anchor), mock.patch.object(trainer, "INTERPOLATIONS", blends):
            for report in job.train(stop=lambda: False, clock=time.perf_counter):
                if report.evaluation:
                    print(f"  {report.done:4.0%} {report.evaluation.bits_per_byte:.4f}", file=sys.stderr, flush=True)
        assert job.progress.before is not None
        row = result(job, start, others) | {"seconds": round(time.perf_counter() - begin)}
        if path not in measured:
            measured[path] = job.progress.before, deployed(start, corpus, asked)
        return row | {
            "deployed_before": measured[path][1],
            "deployed_after": deployed(load_model(job.folder), corpus, asked),
        }


def deployed(model: Model, corpus: Corpus, asked: Settings) -> dict[str, Any]:
    """What the engine with ``model`` and the memory of the training files does in the held-out ones."""
    if not asked.n_cursors:
        return {}
    known, held_out = (
        [Document(path=text.path, text=text.text) for text in texts] for texts in (corpus.train, corpus.validation)
    )
    variant = Variant(name="all", parts=Parts())
    maker = engine_maker(model, known)
    found = engine_evaluate(maker, held_out, [variant], asked, known=known, clock=time.perf_counter).variants[0]
    accepted = found.inline.accepted_of_shown
    return {
        "bits_per_byte": found.prediction.bits_per_byte,
        "exact": found.inline.exact,
        "keys": found.typing.keys_per_character["inline+word"],
        "keys_best_user": found.typing.keys_per_character["best"],
        "ghost_share": found.typing.ghost_share,
        "of_no_help": None if accepted is None else 1 - accepted,
    }


def settings_of(
    changes: dict[str, str], rate: str | None, context: int, tokens: int, minutes: float | None
) -> TrainConfig:
    """Fine-tuning as it is, but for the changes; nothing is saved on the way."""
    plain = TrainConfig(steps=1, batch_size=int(changes.get("batch_size", TUNING_BATCH)), shards=min(2, n_cpus()))
    made = dataclasses.replace(
        tuning(plain),
        save_seconds=1e9,
        n_evals=4,
        evaluation_tokens=12_288,
        steps=None if minutes else max(1, tokens // (plain.batch_size * context)),
        minutes=minutes,
    )
    if rate is not None:
        rates = {name: float(rate) * getattr(plain, name) for name in ("learning_rate", "matrix_learning_rate")}
        made = dataclasses.replace(made, **rates)
    types = {field.name: type(getattr(plain, field.name)) for field in dataclasses.fields(plain)}
    return dataclasses.replace(made, **{key: types[key](value) for key, value in changes.items()})


def result(job: Job, start: Model, others: Sequence[Text]) -> dict[str, Any]:
    """Bits per byte before and after, here and elsewhere, and the curve."""
    assert job.progress.before is not None
    before, after = job.progress.before, job.progress
    tuned = load_model(job.folder)
    general = measure(tuned, others, n_tokens=GENERAL_TOKENS).bits_per_byte
    blends = {}
    for part in BLENDS:
        params = {name: (1 - part) * param + part * tuned.params[name] for name, param in start.params.items()}
        here = evaluate(params, tuned.config, job.run.data, n_tokens=None).bits_per_byte
        there = measure(dataclasses.replace(tuned, params=params), others, n_tokens=GENERAL_TOKENS).bits_per_byte
        blends[str(part)] = [round(here, 4), round(there, 4)]
    read = job.progress.step * job.run.train.batch_size * job.run.model.context
    return {
        "before": round(before.bits_per_byte, 4),
        "after": round(after.best_bits_per_byte, 4),
        "judged_before": round(before.judged, 4),
        "judged_after": round(after.best_judged, 4),
        "general_after": round(general, 4),
        "steps": job.progress.step,
        "tokens": read,
        "epochs": round(read * (1 - job.run.train.replay) / len(job.run.data.train), 2),
        "blend": job.progress.interpolation,
        "blends": blends,
        "curve": [round(point.val_bpb, 4) for point in job.progress.curve],
    }


@contextmanager
def anchored(start: Model, strength: float) -> Iterator[None]:
    """The optimizer with a pull towards the start: after each step a part of the way back."""
    if not strength:
        yield
        return
    update = optim.update

    def pulled(params: Any, grads: Any, moments: Any, config: TrainConfig, step: int, scale: float, each: Any) -> float:
        norm = update(params, grads, moments, config, step, scale, each)
        for name, param in params.items():
            muon = optim.uses_muon(name, param, config)
            part = strength * scale * (config.matrix_learning_rate if muon else config.learning_rate)
            param += part * (start.params[name] - param)
        return norm

    with mock.patch.object(trainer, "update", pulled):
        yield


if __name__ == "__main__":
    main()
