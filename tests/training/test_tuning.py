"""Runs that go on from a model: other text beside their own, the start as the judge, and recent files alone."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import LESSON, run_to_end, text
from tinycoder.config import TrainConfig, tuning
from tinycoder.errors import ConfigError
from tinycoder.storage.checkpoint import Model, State, load_model, load_state, read_training
from tinycoder.storage.models import exists, run_folder
from tinycoder.storage.record import Size
from tinycoder.transformer.model import Params
from tinycoder.workspace import tree
from tinycoder_training import trainer
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.dataset import Mixture, Windows
from tinycoder_training.evaluation import Evaluation
from tinycoder_training.job import Job, new_job, resumed_job
from tinycoder_training.replay import general_texts, recent_paths, replay_of
from tinycoder_training.resume import run_of
from tinycoder_training.trainer import batches

OTHER = "\n".join(f"def f{n}(a, b):\n    return a + {n} * b" for n in range(30))
CORPUS = Corpus(recipe="code", train=(text("a.py", OTHER),), validation=(text("b.py", OTHER[:400]),))


def tuned_job(folder: Path, start: Model, *, corpus: Corpus = CORPUS, steps: int = 6, **options: object) -> Job:
    settings = tuning(TrainConfig(steps=steps, batch_size=4))
    general = (text("general.py", LESSON),)
    return new_job(corpus, folder=folder, preset="nano", settings=settings, start=start, general=general, **options)  # type: ignore[arg-type]


def ticking() -> Callable[[], float]:
    """A clock that is one second later at each look."""
    now = iter(range(10**9))
    return lambda: float(next(now))


def test_a_batch_has_its_share_of_every_part() -> None:
    own, other = Windows(np.arange(1000), 16, 3, seed=0), Windows(np.arange(5000, 6000), 16, 1, seed=1)
    for step in (0, 7, 300):
        inputs, targets = Mixture((own, other)).batch(step)
        assert inputs.shape == targets.shape == (4, 16)
        assert [row[0] >= 5000 for row in inputs] == [False, False, False, True]
        np.testing.assert_array_equal(inputs[:3], own.batch(step)[0])
        np.testing.assert_array_equal(targets, inputs + 1)


@pytest.mark.parametrize(
    ("share", "batch_size", "rows"), [(0.25, 8, 2), (0.25, 16, 4), (0.9, 2, 1), (0.5, 1, 0), (0, 8, 0)]
)
def test_the_share_is_rounded_to_rows(share: float, batch_size: int, rows: int) -> None:
    assert TrainConfig(steps=1, batch_size=batch_size, shards=1, replay=share).replay_rows == rows


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_lies_between_0_and_1(share: float) -> None:
    with pytest.raises(ConfigError, match="replay"):
        TrainConfig(steps=1, replay=share)


def test_replay_is_learnt_but_is_no_text_of_the_workspace(tmp_path: Path, model: Model) -> None:
    settings = TrainConfig(steps=1, batch_size=4)
    plain = new_job(CORPUS, folder=tmp_path / "p", preset="nano", settings=settings, start=model)
    job = tuned_job(tmp_path / "m", model)
    assert job.record.data == plain.record.data
    assert job.record.replay == Size(files=1, bytes=len(LESSON))
    np.testing.assert_array_equal(job.run.data.validation, plain.run.data.validation)
    assert job.run.data.replay is not None
    inputs, _ = batches(job.run).batch(0)
    assert len(inputs) == 4
    shown = [model.tokenizer.decode(row.tolist()) for row in inputs]
    assert ["Counter" in words for words in shown] == [False, False, False, True]


def test_nothing_to_replay_is_no_replay(tmp_path: Path, model: Model) -> None:
    settings = tuning(TrainConfig(steps=1, batch_size=4))
    job = new_job(CORPUS, folder=tmp_path / "m", preset="nano", settings=settings, start=model)
    assert job.run.train.replay == 0
    assert job.run.data.replay is None


def test_what_is_held_out_is_not_replayed() -> None:
    texts = (text("x.py", "x = 1\n"), text("y.py", "y = 2\n"), text("z.py", "z = 3\n" * 100))
    corpus = Corpus(recipe="code", train=(text("t.py", "t\n"),), validation=(text("copy.py", "y = 2\n"),))
    assert {t.path for t in replay_of(texts, corpus)} == {"x.py", "z.py"}
    assert {t.path for t in replay_of(texts, corpus, n_bytes=50)} == {"x.py"}
    assert replay_of(texts, corpus, seed=3) == replay_of(texts, corpus, seed=3)


def test_general_texts_are_python_of_this_machine() -> None:
    texts = general_texts()
    assert sum(found.n_bytes for found in texts) > 500_000
    assert all(found.path.endswith((".py", ".pyi")) for found in texts)


def test_resumed_is_uninterrupted_bit_for_bit(tmp_path: Path, model: Model) -> None:
    whole = tuned_job(tmp_path / "whole", model)
    for _ in whole.train(stop=lambda: False, clock=ticking()):
        pass
    job = tuned_job(tmp_path / "parts", model)
    for step in (1, 4):
        for _ in job.train(stop=lambda job=job, step=step: job.progress.step >= step, clock=ticking()):  # type: ignore[misc]
            pass
        job = resumed_job(tmp_path / "parts")
        assert job.run.data.replay is not None
        assert job.progress.before == whole.progress.before
    run_to_end(job)
    for name, param in whole.progress.params.items():
        assert param.tobytes() == job.progress.params[name].tobytes(), name
    assert job.progress.best_bits_per_byte == whole.progress.best_bits_per_byte
    assert job.progress.best_judged == whole.progress.best_judged
    assert job.progress.kept == whole.progress.kept


def test_a_run_that_was_stopped_before_the_memory_judged_goes_on_as_it_began(tmp_path: Path, model: Model) -> None:
    job = tuned_job(tmp_path / "m", model)
    for _ in job.train(stop=lambda: job.progress.step >= 2, clock=ticking()):
        pass
    folder = run_folder(tmp_path / "m") if exists(run_folder(tmp_path / "m")) else tmp_path / "m"
    state, saved = load_state(folder), load_model(folder)
    arrays = {name: array for name, array in state.arrays.items() if not name.startswith("beside/")}
    metadata = {key: value for key, value in state.metadata.items() if key != "best_judged"}
    metadata["standing"] = 9.0
    metadata["before"] = {key: metadata["before"][key] for key in ("loss", "bits_per_byte")}
    metadata["settings"] = {key: value for key, value in metadata["settings"].items() if key != "beside_memory"}
    run, progress = run_of(State(arrays=arrays, metadata=metadata), saved)
    assert run.standing is not None
    assert (run.standing.judged, run.data.beside, run.train.beside_memory) == (9.0, None, False)
    for _ in trainer.train(run, progress, save=lambda progress: False):
        pass
    assert progress.finished
    assert progress.best_judged == progress.best_bits_per_byte


def test_before_and_after_are_measured_alike(tmp_path: Path, model: Model) -> None:
    job = tuned_job(tmp_path / "m", model, steps=30)
    run_to_end(job)
    training = read_training(tmp_path / "m")
    assert job.progress.kept
    assert training.val_bpb < training.before.bits_per_byte
    again = tuned_job(tmp_path / "again", load_model(tmp_path / "m"), steps=1)
    run_to_end(again)
    assert again.progress.before is not None
    assert again.progress.before.bits_per_byte == pytest.approx(training.val_bpb, rel=1e-3)  # float16


def test_if_nothing_is_better_the_start_comes_out(tmp_path: Path, model: Model) -> None:
    """What is learnt has nothing to do with what judges it, which the model knows by heart."""
    corpus = Corpus(recipe="code", train=(text("a.py", "zz = 9\n" * 50),), validation=(text("b.py", LESSON),))
    job = tuned_job(tmp_path / "m", model, corpus=corpus)
    run_to_end(job)
    assert not job.progress.kept
    training = read_training(tmp_path / "m")
    assert training.val_bpb == training.before.bits_per_byte
    kept = load_model(tmp_path / "m")
    for name, param in model.params.items():
        np.testing.assert_allclose(kept.params[name], param, atol=2e-3, err_msg=name)


def test_models_are_judged_by_what_the_memory_leaves_of_the_held_out_text(tmp_path: Path, model: Model) -> None:
    """Of a text that stands in another file, the memory has nearly all: learning it too is no gain."""
    beside, alone = {}, {}
    for name, held_out in {"copied": OTHER[:400], "new": OTHER[:400].replace("f", "g").replace("a", "q")}.items():
        corpus = Corpus(recipe="code", train=CORPUS.train, validation=(text("b.py", held_out),))
        job = tuned_job(tmp_path / name, model, corpus=corpus, steps=12)
        run_to_end(job)
        training = read_training(tmp_path / name)
        assert training.settings.beside_memory
        assert training.before.beside_memory > training.beside_memory
        assert training.beside_memory == pytest.approx(job.progress.best_judged)
        alone[name] = training.before.bits_per_byte - training.val_bpb
        beside[name] = training.before.beside_memory - training.beside_memory
    assert beside["copied"] < 0.5 * alone["copied"]
    assert beside["copied"] / alone["copied"] < 0.7 * beside["new"] / alone["new"]


def test_weights_that_only_the_model_alone_gains_from_are_not_kept(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, job = trainer.evaluate, tuned_job(tmp_path / "m", model, steps=12)

    def worse_beside(params: Params, *arguments: Any, **options: Any) -> Evaluation:
        found = measured(params, *arguments, **options)
        return dataclasses.replace(found, beside=1.0 if params is job.run.start else 1.1)

    monkeypatch.setattr(trainer, "evaluate", worse_beside)
    run_to_end(job)
    assert not job.progress.kept
    assert read_training(tmp_path / "m").val_bpb == job.progress.before.bits_per_byte


def test_a_model_from_nothing_is_judged_alone(tmp_path: Path) -> None:
    job = new_job(CORPUS, folder=tmp_path / "m", preset="nano", settings=TrainConfig(steps=2, batch_size=4))
    run_to_end(job)
    assert job.run.data.beside is None
    assert read_training(tmp_path / "m").beside_memory is None


def test_the_memory_of_recent_files_is_that_of_all_files(tmp_path: Path, model: Model) -> None:
    files = (text("new.py", OTHER), text("old.py", LESSON))
    corpus = Corpus(recipe="code", train=files, validation=(text("b.py", LESSON[:300]),))
    whole = tuned_job(tmp_path / "w", model, corpus=corpus)
    recent = tuned_job(tmp_path / "r", model, corpus=corpus, only={"new.py"})
    np.testing.assert_array_equal(np.sort(whole.run.data.beside), np.sort(recent.run.data.beside))


def test_a_model_of_a_model_is_halved_and_goes_on(tmp_path: Path, model: Model) -> None:
    job = tuned_job(tmp_path / "m", model, steps=4)
    for _ in job.train(stop=lambda: job.progress.step >= 2, clock=ticking()):
        pass
    assert load_model(tmp_path / "m").weights == "float32"  # on the way, so that it can go on exactly
    run_to_end(resumed_job(tmp_path / "m"))
    found = load_model(tmp_path / "m")
    assert found.weights == "float16"
    whole, half = ((folder / "model.safetensors").stat().st_size for folder in (model.folder, tmp_path / "m"))
    assert half < 0.6 * whole
    card = (tmp_path / "m" / "README.md").read_text()
    assert "| weights | float16 |" in card
    assert "| started from | counter |" in card
    run_to_end(tuned_job(tmp_path / "next", found, steps=2))
    assert read_training(tmp_path / "next").origin == "m"


def test_only_what_is_named_is_learnt_and_the_rest_is_replayed(tmp_path: Path, model: Model) -> None:
    corpus = Corpus(
        recipe="code",
        train=(text("new.py", OTHER), text("old.py", "import sys\n" * 40)),
        validation=(text("b.py", OTHER[:400]),),
    )
    job = tuned_job(tmp_path / "m", model, corpus=corpus, only={"new.py", "gone.py"}, steps=8)
    assert job.record.recent == Size(files=1, bytes=len(OTHER))
    assert job.record.data.files == 2
    assert job.record.replay.files == 2
    assert not any(tmp_path.iterdir())
    for _ in job.train(stop=lambda: job.progress.step >= 4, clock=ticking()):
        pass
    assert not any(tmp_path.iterdir())  # what was stopped is forgotten
    run_to_end(job)
    assert job.progress.kept
    assert read_training(tmp_path / "m").finished


def test_recent_files_that_teach_nothing_leave_the_model_alone(tmp_path: Path, model: Model) -> None:
    corpus = Corpus(recipe="code", train=(text("a.py", "zz = 9\n" * 50),), validation=(text("b.py", LESSON),))
    job = tuned_job(tmp_path / "m", model, corpus=corpus, only={"a.py"})
    run_to_end(job)
    assert job.progress.finished
    assert not job.progress.kept
    assert not any(tmp_path.iterdir())


def test_which_files_are_recent(tmp_path: Path) -> None:
    now = 1_000_000_000.0
    for name, hours in (("new.py", 1.0), ("old.py", 30.0), ("future.py", -5.0), ("new.txt", 1.0), ("mine_new.py", 1.0)):
        (tmp_path / name).write_text("x = 1\n")
        os.utime(tmp_path / name, (now, now - 3600 * hours))
    files, _ = tree.walk([tmp_path])
    assert recent_paths(files, hours=24, now=now) == {"new.py", "future.py", "mine_new.py"}
    assert recent_paths(files, hours=48, now=now) >= {"old.py"}
    assert recent_paths(files, hours=24, now=now + 10**9) == frozenset()


def test_a_small_text_needs_fewer_minutes(tmp_path: Path, model: Model) -> None:
    settings = tuning(TrainConfig(minutes=100, batch_size=4))
    job = new_job(CORPUS, folder=tmp_path / "m", preset="nano", settings=settings, start=model)
    most = job.run.train.max_steps
    assert most is not None
    large = Corpus(recipe="code", train=(text("a.py", OTHER * 200),), validation=CORPUS.validation)
    longer = new_job(large, folder=tmp_path / "l", preset="nano", settings=settings, start=model)
    assert longer.run.train.max_steps is not None
    assert longer.run.train.max_steps > 4 * most
    run_to_end(job)
    assert (job.progress.step, job.progress.finished) == (most, True)
    anew = new_job(CORPUS, folder=tmp_path / "n", preset="nano", settings=settings)
    assert anew.run.train.max_steps is None


@pytest.mark.parametrize(("minutes", "evaluations"), [(0.5, 4), (2, 4), (5, 7), (10, 10), (60, 10)])
def test_evaluations_suit_the_minutes(minutes: float, evaluations: int) -> None:
    assert tuning(TrainConfig(minutes=minutes)).n_evals == evaluations


def test_what_is_kept_lies_on_the_way_from_the_start(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for part in (1.0, 0.5):
        monkeypatch.setattr(trainer, "INTERPOLATIONS", (part,))
        run_to_end(tuned_job(tmp_path / str(part), model, steps=20))
        assert read_training(tmp_path / str(part)).interpolation == part
        found[part] = load_model(tmp_path / str(part)).params
    for name, start in model.params.items():
        np.testing.assert_allclose(found[0.5][name], (start + found[1.0][name]) / 2, atol=2e-3, err_msg=name)
    assert not np.array_equal(found[0.5]["model.norm.weight"], found[1.0]["model.norm.weight"])


@pytest.mark.parametrize(("enough", "part"), [(0.01, 0.25), (1.0, None)])
def test_the_nearest_to_the_start_that_gains_enough_is_kept(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch, enough: float, part: float | None
) -> None:
    monkeypatch.setattr(trainer, "ENOUGH", enough)
    job = tuned_job(tmp_path / "m", model, steps=20)
    run_to_end(job)
    assert job.progress.kept
    if part:
        assert job.progress.interpolation == part
    else:  # no other part is better
        assert read_training(tmp_path / "m").val_bpb == pytest.approx(_best_of_parts(tmp_path, model, monkeypatch))


def _best_of_parts(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> float:
    found = []
    for part in trainer.INTERPOLATIONS:
        monkeypatch.setattr(trainer, "INTERPOLATIONS", (part,))
        job = tuned_job(tmp_path / str(part), model, steps=20)
        run_to_end(job)
        found.append(job.progress.best_bits_per_byte)
    return min(found)
