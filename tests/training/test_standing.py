"""A new run whose model would take the place of a finished one: which of the two is there in the end."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LESSON, run_to_end, text
from tinycoder.config import TrainConfig
from tinycoder.errors import TrainingError
from tinycoder.storage.checkpoint import STATE, load_model
from tinycoder.storage.models import copy_model, drop_run, is_resumable, run_folder
from tinycoder.storage.record import TrainingRecord
from tinycoder_training.corpora import validation
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.job import Job, new_job, resumed_job
from tinycoder_training.quality import measure

CORPUS = Corpus(recipe="code", train=(text("counter.py", LESSON),), validation=(text("held.py", LESSON[:200]),))
RECORD = TrainingRecord(workspaces=("project-0123abcd",))


def job_of(folder: Path, *, steps: int = 1, seed: int = 0, corpus: Corpus = CORPUS, **options: Any) -> Job:
    settings = TrainConfig(steps=steps, batch_size=4, n_evals=2, seed=seed)
    return new_job(corpus, folder=folder, preset="nano", settings=settings, **{"record": RECORD, **options})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that has learnt for 20 steps."""
    run_to_end(job_of(tmp_path / "m", steps=20))
    return tmp_path / "m"


def note(folder: Path, **facts: Any) -> None:
    file = folder / "training.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


def test_a_worse_run_leaves_no_trace(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    job = job_of(folder)
    assert job.run.standing is not None
    assert job.run.standing.bits_per_byte == pytest.approx(load_model(folder).training.val_bpb)
    run_to_end(job)
    assert job.progress.finished
    assert not job.is_better
    assert not job.replaces
    assert (folder / "model.safetensors").read_bytes() == weights
    assert load_model(folder).training.steps == 20
    assert [path.name for path in folder.parent.iterdir()] == ["m"]


def test_a_better_run_replaces_it(folder: Path) -> None:
    job = job_of(folder, steps=60)
    run_to_end(job)
    assert job.is_better
    assert job.replaces
    assert load_model(folder).training.steps == 60
    assert [path.name for path in folder.parent.iterdir()] == ["m"]


def test_a_worse_run_replaces_it_where_that_is_asked_for(folder: Path) -> None:
    job = job_of(folder, overwrite=True)
    run_to_end(job)
    assert job.run.standing is None
    assert load_model(folder).training.steps == 1


def test_both_are_judged_by_the_files_that_the_new_run_holds_out(folder: Path) -> None:
    other = dataclasses.replace(CORPUS, validation=(text("other.py", "zz = [9]\n" * 40),))
    standing = job_of(folder, corpus=other).run.standing
    assert standing is not None
    assert standing == measure(load_model(folder), other.validation)
    assert standing.bits_per_byte > 2 * load_model(folder).training.val_bpb


def test_a_run_that_goes_on_still_knows_what_it_must_beat(folder: Path) -> None:
    job = job_of(folder, steps=2)
    reports = job.train(stop=lambda: job.progress.step >= 1, clock=lambda: 0.0)
    assert len(list(reports)) == 1
    assert is_resumable(folder)
    assert not job.replaces
    again = resumed_job(folder)
    assert again.run.standing == job.run.standing
    run_to_end(again)
    assert load_model(folder).training.steps == 20
    assert not is_resumable(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: note(folder, recipe="shakespeare"), "--recipe shakespeare"),
        (lambda folder: note(folder, workspaces=["another-0123abcd"]), "other folders too"),
        (lambda folder: note(folder, workspaces=[*RECORD.workspaces, "another-0123abcd"]), "other folders too"),
        (lambda folder: note(folder, seed=3), "--seed 3"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "damaged"),
        (lambda folder: (folder / "training.json").unlink(), "damaged"),
    ],
)
def test_what_cannot_be_compared_is_not_replaced_unasked(
    folder: Path, change: Callable[[Path], object], words: str
) -> None:
    change(folder)
    with pytest.raises(TrainingError, match="replace it with --overwrite, or choose another --name") as caught:
        job_of(folder)
    assert words in str(caught.value)
    run_to_end(job_of(folder, overwrite=True))
    assert load_model(folder).training.steps == 1


def test_texts_of_other_recipes_have_to_be_the_same(tmp_path: Path) -> None:
    corpus = validation.read()
    run_to_end(job_of(tmp_path / "m", corpus=corpus))
    assert job_of(tmp_path / "m", corpus=corpus).run.standing is not None
    with pytest.raises(TrainingError, match="another text"):
        job_of(tmp_path / "m", corpus=dataclasses.replace(corpus, train=(text("a", "abc" * 1000),)))


def test_a_model_that_may_have_learnt_what_was_forgotten_since_is_replaced(folder: Path) -> None:
    forgetful = dataclasses.replace(RECORD, forgotten=("0123abcd",))
    run_to_end(job_of(folder, record=forgetful))
    assert load_model(folder).training.forgotten == ("0123abcd",)
    assert job_of(folder, record=forgetful).run.standing is not None  # it has not


def test_a_model_that_goes_on_learning_is_its_own_measure(folder: Path) -> None:
    job = job_of(folder, start=load_model(folder))
    assert job.run.standing is None
    run_to_end(job)
    assert job.progress.best_bits_per_byte <= job.progress.before.bits_per_byte


def test_nothing_stands_in_an_empty_folder_or_one_with_a_run(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert job_of(tmp_path / "empty").run.standing is None
    copy_model(folder, tmp_path / "run")
    (tmp_path / "run" / STATE).write_bytes(b"")
    assert run_folder(tmp_path / "run") == tmp_path / "run"
    assert job_of(tmp_path / "run").run.standing is None
    drop_run(tmp_path / "run")
