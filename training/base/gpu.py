"""Train on a machine with a GPU that reaches nothing else: carry the corpus there, bring weights and figures back.

    python training/base/gpu.py pack CORPUS --out corpus.tar.xz
    python training/base/gpu.py learn corpus.tar.xz --out OUT [--minutes 6] [--batch-size 32]

``pack`` writes the texts that ``corpus.py`` chose, compressed. ``learn`` unpacks them, cuts them into tokens and trains
two models there in half of the minutes each: the shape of the shipped model, which goes on from its weights, and one
twice as wide with new weights. OUT then holds ``results.json`` (losses, tokens a second), and for each model pieces of
an archive of its folder in float16: ``cat base.tar.* | tar -x``. A piece is small enough for a narrow way back.
"""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import numpy as np
from train import DECAY, read_corpus

from tinycoder.cli.signals import stop_on_signals
from tinycoder.config import ModelConfig, TrainConfig, n_cpus
from tinycoder.errors import TinyCoderError
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import Model, load_model, save_model
from tinycoder.transformer.model import init_params
from tinycoder_training.card import model_card
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.engines.choice import engine_called
from tinycoder_training.job import Job, new_job

MAX_PACKED = 60_000_000  # bytes
PIECE = 15_000_000
BATCH = 32  # windows: a GPU is idle with fewer
EVALUATIONS = 10


@click.group()
def main() -> None:
    """Train where there is a GPU and nothing else."""


@main.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False))
def pack(corpus: Path, out: Path) -> None:
    """Compress the texts of CORPUS."""
    files = [file for part in ("train", "held_out") for file in sorted((corpus / part).rglob("*.py"))]
    with tarfile.open(out, "w:xz", preset=9) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.relative_to(corpus).as_posix())
            entry.size = file.stat().st_size
            with file.open("rb") as text:
                archive.addfile(entry, text)
    size = out.stat().st_size
    if size > MAX_PACKED:
        out.unlink()
        raise click.ClickException(f"{size:,} bytes are more than the {MAX_PACKED:,} that are carried; give less")
    click.echo(f"{out}: {len(files):,} texts in {size:,} bytes")


@main.command()
@click.argument("packed", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=6.0, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=BATCH, show_default=True, help="Windows of a step.")
@click.option("--engine", type=click.Choice(["numpy", "torch"]), default="torch", show_default=True)
def learn(packed: Path, out: Path, minutes: float, batch_size: int, engine: str) -> None:
    """Train two models on the texts of PACKED, and write what OUT is to hold."""
    out.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        begin = time.perf_counter()
        with tarfile.open(packed) as archive:
            archive.extractall(scratch, filter="data")
        corpus = read_corpus(Path(scratch))
        click.echo(f"{len(corpus.train):,} texts unpacked in {time.perf_counter() - begin:.0f} s")
        models = Path(scratch) / "models"
        for name, model in _starts():
            try:
                job = _job(corpus, models / name, model, minutes / 2, batch_size)
                results.append(_train(job, engine))
            except TinyCoderError as error:
                results.append({"name": name, "error": str(error)})
            click.echo(json.dumps({key: value for key, value in results[-1].items() if key != "curve"}))
            (out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
            _write_pieces(models / name, out)  # at once: the machine may be taken away


def _starts() -> Iterator[tuple[str, Model]]:
    """The shipped model, and a new one twice as wide with the same tokenizer."""
    base = load_model(bundled_folder())
    yield "base", base
    shape = base.config
    double = {name: 2 * getattr(shape, name) for name in ("width", "n_heads", "n_kv_heads", "hidden")}
    wide: ModelConfig = dataclasses.replace(shape, **double)
    yield "wide", dataclasses.replace(base, config=wide, params=init_params(wide, np.random.default_rng(0)))


def _job(corpus: Corpus, folder: Path, model: Model, minutes: float, batch_size: int) -> Job:
    """A run of minutes that is not weighed against what it begins with."""
    settings = TrainConfig(
        minutes=minutes,
        batch_size=batch_size,
        shards=min(batch_size, n_cpus()),
        decay=DECAY,
        n_evals=EVALUATIONS,
        evaluation_tokens=65_536,
        save_seconds=1e9,
    )
    job = new_job(corpus, folder=folder, settings=settings, start=model, overwrite=True)
    settings = dataclasses.replace(settings, max_steps=None)
    return dataclasses.replace(job, run=dataclasses.replace(job.run, start=None, train=settings))


def _train(job: Job, engine: str) -> dict[str, Any]:
    """Train to the end and save in float16; what a person wants to know of it."""
    rates: list[float] = []
    with (
        stop_on_signals() as asked,
        closing(job.train(stop=asked, clock=time.perf_counter, open_engine=engine_called(engine))) as reports,
    ):
        for report in reports:
            rates.append(report.tokens_per_second)
            if report.notice or report.evaluation:
                held_out = f"{report.evaluation.bits_per_byte:.4f} bits per byte" if report.evaluation else ""
                click.echo(f"{job.folder.name} {report.step:,} {report.smooth_loss:.4f} {held_out} {report.notice}")
    training = job.training
    save_model(
        job.folder,
        config=job.run.model,
        params=job.progress.best_params,
        tokenizer=job.tokenizer,
        training=training,
        card=model_card(job.folder.name, job.run.model, training, weights="float16"),
        weights="float16",
    )
    return {
        "name": job.folder.name,
        "parameters": training.parameters,
        "tokens": training.tokens_seen,
        "seconds": training.seconds,
        "tokens_per_second": round(float(np.median(rates))),
        "bits_per_byte": training.val_bpb,
        "curve": [dataclasses.asdict(point) for point in training.curve],
    }


def _write_pieces(model: Path, out: Path) -> None:
    """The folder of a model, if it was saved, as an archive that is cut into pieces."""
    if not model.is_dir():
        return
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(model, arcname=model.name)
    held = archive.getvalue()
    for number, start in enumerate(range(0, len(held), PIECE)):
        (out / f"{model.name}.tar.{number:02}").write_bytes(held[start : start + PIECE])


if __name__ == "__main__":
    main()
