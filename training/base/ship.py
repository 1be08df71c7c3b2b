"""From the folder of a long run to the folder of the model that ships: averaged, in int8, measured, with its card.

    python training/base/ship.py RUN --corpus CORPUS --out tinycoder/models/base --log RUN.log

The run stays as it is. Each step has a file of its own.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from average import Candidate, best, late_checkpoints
from card import model_card
from curve import check, draw, read_log, spread, thinned, write_log
from domains import Package, Quality, quality, read_manifest, split
from memorisation import CONTINUED, PROMPT, Memorised, memorised
from train import read_corpus

from tinycoder.bench import report as bench_report
from tinycoder.errors import CheckpointError, CorpusError, TinyCoderError
from tinycoder.storage.checkpoint import WEIGHTS, Model, load_model, save_model
from tinycoder.storage.record import CurvePoint, Quantized, TrainingRecord
from tinycoder.transformer.quantize import dequantize, quantize
from tinycoder_training.corpora.corpus import Corpus

HERE = Path(__file__).parent
MAX_BYTES = 12_000_000  # of the whole folder: it is in every copy of the package
CURVE_POINTS = 60
CHOICE_TOKENS = 131_072  # of the held-out text, for each candidate
KIND = "int8"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What was found about the averaged model in float32 (``exact``) and as it ships, in int8."""

    candidates: tuple[Candidate, ...]
    exact: Quality
    small: Quality
    learnt: Memorised
    unseen: Memorised


def checked_model(run: Path, corpus: Corpus, *, unfinished: bool) -> Model:
    """The run's model. Raises ``CheckpointError`` if it is not finished, ``CorpusError`` if ``corpus`` is not its own.

    Text that it learnt must not judge it, so sizes have to be the same to the byte.
    """
    model = load_model(run)
    if not (model.training.finished or unfinished):
        raise CheckpointError(
            f"the run in {run} is not finished; continue with train.py --resume, or give --unfinished"
        )
    data = model.training.data
    if data is None:
        raise CheckpointError(f"{run}: training.json lacks 'data'; train the model again")
    there = [(len(texts), sum(text.n_bytes for text in texts)) for texts in (corpus.train, corpus.validation)]
    if there != [(data.files, data.bytes), (data.validation_files, data.validation_bytes)]:
        raise CorpusError(f"{run} learnt from another corpus ({data.files:,} files, {data.bytes:,} bytes)")
    return model


def in_int8(model: Model) -> Model:
    """The model as it will be once it is saved and loaded again."""
    params = dequantize(quantize(model.params, KIND), KIND)
    return dataclasses.replace(model, params=params, weights=KIND)


def bundled_record(training: TrainingRecord, measured: Measured, *, machine: str, watts: float) -> TrainingRecord:
    """The record of the bundled model: the run's, with a thinned and rounded curve, and what was measured."""
    chosen = min(measured.candidates, key=lambda candidate: candidate.bits_per_byte)
    return dataclasses.replace(
        training,
        val_bpb=measured.small.overall,
        curve=tuple(map(_rounded_point, spread(training.curve, CURVE_POINTS))),
        quantized=Quantized(weights=KIND),
        bundled={
            "machine": machine,
            "watts": watts,
            "average": chosen.n,
            "candidates": {str(c.n): round(c.bits_per_byte, 5) for c in measured.candidates},
            "bits_per_byte": {"float32": _rounded(measured.exact), KIND: _rounded(measured.small)},
            "by_heart": {
                "prompt": PROMPT,
                "continued": CONTINUED,
                "learnt": {"windows": measured.learnt.n_windows, "by_heart": len(measured.learnt.texts)},
                "unseen": {"windows": measured.unseen.n_windows, "by_heart": len(measured.unseen.texts)},
            },
        },
    )


def _rounded_point(point: CurvePoint) -> CurvePoint:
    return CurvePoint(**{name: value and round(value, 5) for name, value in dataclasses.asdict(point).items()})


def _rounded(found: Quality) -> dict[str, Any]:
    return {"all": round(found.overall, 5), "domains": {name: round(bpb, 5) for name, bpb in found.by_domain.items()}}


def save(model: Model, out: Path, training: TrainingRecord, packages: Sequence[Package]) -> int:
    """Write the folder and return its size in bytes. Raises ``CheckpointError`` if it would be too large."""
    shape = {
        **dataclasses.asdict(model.config),
        "weights_bytes": sum(array.nbytes for array in quantize(model.params, KIND).values()),
        "tokenizer_bytes": len(model.tokenizer.to_json().encode()),
    }
    size = shape["weights_bytes"] + shape["tokenizer_bytes"]
    if size > MAX_BYTES:
        raise CheckpointError(f"the model would have {size / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f}; ship less")
    save_model(
        out,
        config=model.config,
        params=model.params,
        tokenizer=model.tokenizer,
        training=training,
        card=model_card(training, packages, shape),
        weights=KIND,
    )
    (out / WEIGHTS).chmod(0o644)  # it belongs to a package, not to a person
    load_model(out)
    return sum(file.stat().st_size for file in out.iterdir())


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Say how long the block took."""
    begin = time.perf_counter()
    yield
    click.echo(f"  {step}: {time.perf_counter() - begin:.1f} s", err=True)


def measure(model: Model, run: Path, corpus: Corpus, packages: Sequence[Package], n: int) -> tuple[Model, Measured]:
    """The best average of the run's late checkpoints, and what is to be known about it; ``n`` windows each."""
    with timed("choosing an average"):
        model, candidates = best(model, late_checkpoints(run), corpus.validation, n_tokens=CHOICE_TOKENS)
    groups, small_model = split(corpus.validation, packages), in_int8(model)
    with timed("bits per byte, float32"):
        exact = quality(model, groups)
    with timed("bits per byte, int8"):
        small = quality(small_model, groups)
    with timed("what it repeats verbatim"):
        learnt, unseen = (memorised(small_model, texts, n=n, seed=0) for texts in (corpus.train, corpus.validation))
    return model, Measured(candidates=candidates, exact=exact, small=small, learnt=learnt, unseen=unseen)


def report(measured: Measured, examples: int) -> Iterator[str]:
    """Lines for whoever ships, with some of what the model repeats verbatim: to be looked at, not to be published."""
    for candidate in measured.candidates:
        what = f"mean of the last {candidate.n}" if candidate.n else "as the run kept it"
        yield f"{what:24} {candidate.bits_per_byte:.4f} bits per byte"
    exact, small = measured.exact, measured.small
    for name in exact.by_domain:
        yield f"{name:24} {exact.by_domain[name]:.4f} float32  {small.by_domain[name]:.4f} int8"
    yield f"{'all':24} {exact.overall:.4f} float32  {small.overall:.4f} int8"
    for name, found in (("learnt", measured.learnt), ("never seen", measured.unseen)):
        kinds = ", ".join(f"{kind} {n}" for kind, n in found.kinds())
        yield f"verbatim, {name}: {len(found.texts)} of {found.n_windows} ({found.share:.2%}) {kinds}"
        for text in found.texts[:examples]:
            yield "\n".join(f"    | {line}" for line in text.splitlines())
            yield ""


_FILE = click.Path(path_type=Path, dir_okay=False)
_EXISTING = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("run", type=_EXISTING)
@click.option("--corpus", "corpus_folder", required=True, type=_EXISTING)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The shipped folder.")
@click.option("--manifest", type=_FILE, default=HERE / "manifest.json")
@click.option("--log", type=_FILE, help="What train.py wrote; else none is kept.")
@click.option("--keep-log", type=_FILE, default=HERE / "log.jsonl")
@click.option("--curve", type=_FILE, default=HERE.parents[1] / "docs" / "base-curve.svg")
@click.option("--windows", type=click.IntRange(1), default=2000, show_default=True, help="Places that are tried.")
@click.option("--examples", type=click.IntRange(0), default=5, show_default=True, help="Of what it repeats verbatim.")
@click.option("--machine", help="What the run ran on.  [default: this one]")
@click.option("--watts", type=click.FloatRange(0), default=30.0, show_default=True, help="Assumed for the card.")
@click.option("--unfinished", is_flag=True, help="Also a run that is not finished, for a trial.")
def main(
    run: Path,
    corpus_folder: Path,
    out: Path,
    manifest: Path,
    log: Path | None,
    keep_log: Path,
    curve: Path,
    windows: int,
    examples: int,
    machine: str | None,
    watts: float,
    unfinished: bool,
) -> None:
    """Make the model of RUN, trained on CORPUS, the one that ships."""
    try:
        if log:
            check()  # before the minutes that the rest takes
        lines = read_log(log) if log else []
        with timed("reading"):
            packages, corpus = read_manifest(manifest), read_corpus(corpus_folder)
            model = checked_model(run, corpus, unfinished=unfinished)
        model, measured = measure(model, run, corpus, packages, windows)
        record = bundled_record(model.training, measured, machine=machine or _this_machine(), watts=watts)
        with timed("writing"):
            size = save(model, out, record, packages)
            if lines:
                write_log(thinned(lines), keep_log)
                draw(lines, curve, model.training.history)
    except TinyCoderError as error:
        raise click.ClickException(str(error)) from None
    for line in report(measured, examples):
        click.echo(line)
    click.echo(f"{out}: {size / 1e6:.2f} MB")


def _this_machine() -> str:
    processor = bench_report.machine()["processor"] or "an unknown processor"
    return f"{os.cpu_count()} cores of {processor}, no GPU"


if __name__ == "__main__":
    main()
