import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import LESSON, run_to_end, small_job, text
from tinycoder.complete.generation import encode_prompt, generate
from tinycoder.config import GenerationConfig, TrainConfig
from tinycoder.errors import CheckpointError, CorpusError, TrainingError
from tinycoder.storage.checkpoint import load_model, read_training
from tinycoder.transformer.model import loss_and_weight_gradients
from tinycoder_training.corpora import validation
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.engines import numpy_engine
from tinycoder_training.job import Job, new_job, resumed_job
from tinycoder_training.report import report_html, samples_of
from tinycoder_training.trainer import Report


def ticking() -> Callable[[], float]:
    """A clock that is one second later at each look."""
    now = 0.0

    def look() -> float:
        nonlocal now
        now += 1
        return now

    return look


def train_until(job: Job, step: int) -> list[Report]:
    return list(job.train(stop=lambda: job.progress.step >= step, clock=ticking()))


def snapshot(job: Job) -> dict[str, Any]:
    progress = job.progress
    return {
        **{f"params {name}": param.tobytes() for name, param in progress.params.items()},
        **{f"moments {name}": moment.tobytes() for name, moment in progress.moments.items()},
        **{f"best {name}": param.tobytes() for name, param in progress.best_params.items()},
        "step": progress.step,
        "best": progress.best_bits_per_byte,
        "curve": progress.curve,
        "seconds": progress.seconds,
    }


BUDGETS = pytest.mark.parametrize("budget", [{"steps": 12}, {"steps": None, "minutes": 0.5}], ids=["steps", "minutes"])


@BUDGETS
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("stop_at", [[1], [5], [3, 8, 9]])
def test_resumed_is_uninterrupted_bit_for_bit(
    tmp_path: Path, budget: dict[str, Any], optimizer: str, stop_at: list[int]
) -> None:
    whole = small_job(tmp_path / "whole", **{"optimizer": optimizer, **budget})
    train_until(whole, 1000)
    job = small_job(tmp_path / "parts", **{"optimizer": optimizer, **budget})
    for step in stop_at:
        train_until(job, step)
        assert job.progress.step == step
        job = resumed_job(tmp_path / "parts")
    train_until(job, 1000)
    assert snapshot(job) == snapshot(whole)
    for name in ("model.safetensors", "training.json", "tokenizer.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_seed_repeats_a_run_and_another_does_not(tmp_path: Path) -> None:
    jobs = [small_job(tmp_path / str(i), steps=4, seed=seed) for i, seed in enumerate([3, 3, 4])]
    for job in jobs:
        run_to_end(job)
    first, again, other = [snapshot(job) for job in jobs]
    assert first == again
    assert first["params model.norm.weight"] != other["params model.norm.weight"]


def test_shards_change_no_more_than_rounding(tmp_path: Path) -> None:
    losses = []
    for shards in (1, 2, 3):
        reports = list(
            small_job(tmp_path / str(shards), steps=5, shards=shards).train(stop=lambda: False, clock=ticking())
        )
        losses.append([report.loss for report in reports])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-3)


def test_one_text_is_learnt_by_heart(tmp_path: Path) -> None:
    job = small_job(tmp_path / "m", steps=60)
    reports = list(job.train(stop=lambda: False, clock=ticking()))
    assert reports[0].loss > 4
    assert reports[-1].loss < 0.3
    assert [report.step for report in reports] == list(range(1, 61))
    assert reports[-1].done == 1
    assert reports[29].evaluation is not None
    assert reports[28].evaluation is None


def test_the_validation_recipe_continues_its_pattern(tmp_path: Path) -> None:
    job = new_job(
        validation.read(),
        folder=tmp_path / "validation",
        preset="nano",
        settings=TrainConfig(steps=60, batch_size=8, n_evals=1),
    )
    run_to_end(job)
    model = load_model(tmp_path / "validation")
    made = generate(model, encode_prompt(model, "hello"), GenerationConfig(max_tokens=200))[0]
    assert "hello" + made == ("hello world! " * 20)[: 5 + 200]


def test_the_best_model_is_kept(tmp_path: Path) -> None:
    """Training on one text makes another text's loss fall at first and rise then; the model of the turn is kept."""
    other = "\n".join(f"def f{n}(a, b):\n    return a + {n} * b" for n in range(30))
    corpus = Corpus(recipe="code", train=(text("a.py", LESSON),), validation=(text("b.py", other),))
    settings = TrainConfig(steps=60, batch_size=4, n_evals=12)
    job = new_job(corpus, folder=tmp_path / "m", preset="nano", settings=settings)
    run_to_end(job)
    curve = [point.val_bpb for point in job.progress.curve]
    assert curve[-1] > min(curve) + 0.05
    assert job.progress.best_bits_per_byte == pytest.approx(min(curve))
    kept = load_model(tmp_path / "m").params["model.norm.weight"]
    assert not np.array_equal(kept, job.progress.params["model.norm.weight"])


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_saved_model(tmp_path: Path) -> None:
    job = small_job(tmp_path / "m", steps=10)
    train_until(job, 5)
    job = resumed_job(tmp_path / "m")
    job.progress.params["model.norm.weight"][:] = np.nan
    with pytest.raises(TrainingError, match="loss became nan at step 6; the model of step 5 is kept"):
        train_until(job, 10)
    assert resumed_job(tmp_path / "m").progress.step == 5


def test_a_finished_run_has_nothing_to_resume(home: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing is left to resume"):
        resumed_job(home / "models" / "counter")


def test_a_new_budget_replaces_the_old_one(tmp_path: Path) -> None:
    train_until(small_job(tmp_path / "m", steps=12), 3)
    job = resumed_job(tmp_path / "m", steps=6)
    assert [report.step for report in train_until(job, 1000)] == [4, 5, 6]


def test_fine_tuning_starts_where_the_model_is(tmp_path: Path, home: Path) -> None:
    start = load_model(home / "models" / "counter")
    corpus = Corpus(recipe="code", train=(text("a.py", LESSON),), validation=(text("b.py", LESSON[:200]),))
    settings = TrainConfig(steps=2, batch_size=4)
    job = new_job(corpus, folder=tmp_path / "tuned", preset="nano", settings=settings, start=start)
    reports = train_until(job, 1000)
    assert reports[0].loss < 1
    assert read_training(tmp_path / "tuned").origin == "counter"
    assert load_model(tmp_path / "tuned").tokenizer.to_json() == start.tokenizer.to_json()
    np.testing.assert_array_equal(
        start.params["model.norm.weight"], load_model(start.folder).params["model.norm.weight"]
    )


def test_a_finished_model_stays_until_the_new_run_of_its_name_is_finished(tmp_path: Path) -> None:
    run_to_end(small_job(tmp_path / "m", steps=3))
    train_until(small_job(tmp_path / "m", steps=60), 4)
    assert load_model(tmp_path / "m").training.steps == 3
    assert read_training(tmp_path / "m").finished
    train_until(resumed_job(tmp_path / "m"), 1000)
    assert load_model(tmp_path / "m").training.steps == 60
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_budget_that_is_used_up_is_no_run(tmp_path: Path) -> None:
    train_until(small_job(tmp_path / "m", steps=12), 5)
    for budget in ({"steps": 3}, {"minutes": 0.01}):
        with pytest.raises(TrainingError, match=r"is at step 5 after .* already"):
            resumed_job(tmp_path / "m", **budget)  # type: ignore[arg-type]


def test_an_evaluation_that_uses_up_the_minutes_ends_the_run(tmp_path: Path) -> None:
    job = small_job(tmp_path / "m", **{"steps": None, "minutes": 2.5 / 60})
    reports = train_until(job, 1000)
    assert job.progress.finished
    assert reports[-1].evaluation is not None


def test_a_listener_that_leaves_loses_nothing(tmp_path: Path) -> None:
    job = small_job(tmp_path / "m", steps=12)
    reports = job.train(stop=lambda: False, clock=ticking())
    for report in reports:
        if report.step == 4:
            reports.close()
    assert resumed_job(tmp_path / "m").progress.step == 4


def test_a_gradient_that_is_no_number_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = small_job(tmp_path / "m", steps=12)
    train_until(job, 2)
    before = snapshot(job)

    def poisoned(*arguments: Any, **options: Any) -> Any:
        loss, dweights = loss_and_weight_gradients(*arguments, **options)
        dweights["0.qkv"][0] = np.nan
        return loss, dweights

    monkeypatch.setattr(numpy_engine, "loss_and_weight_gradients", poisoned)
    with pytest.raises(TrainingError, match="gradient became nan at step 3"):
        train_until(job, 12)
    after = snapshot(job)
    assert {key: after[key] for key in after if key.startswith(("params", "moments"))} == {
        key: before[key] for key in before if key.startswith(("params", "moments"))
    }


def test_without_memory_to_measure_the_start_it_is_a_sentence(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = load_model(home / "models" / "counter")
    job = new_job(
        Corpus(recipe="code", train=(text("a.py", LESSON),), validation=(text("b.py", LESSON),)),
        folder=tmp_path / "run",
        preset="nano",
        settings=TrainConfig(steps=2, batch_size=4),
        start=start,
    )

    def refuse(*arguments: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(numpy_engine, "losses", refuse)
    with pytest.raises(TrainingError, match="does not fit into memory; nothing was saved yet"):
        train_until(job, 2)


def test_without_memory_for_a_window_the_run_ends_in_a_sentence_and_what_was_saved_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_until(small_job(tmp_path / "run", steps=4), 2)
    job = resumed_job(tmp_path / "run")

    def refuse(*arguments: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(numpy_engine, "loss_and_weight_gradients", refuse)
    with pytest.raises(TrainingError, match=r"step 3 does not fit into memory; .*kept.*--resume"):
        train_until(job, 1000)
    monkeypatch.undo()
    again = resumed_job(tmp_path / "run")
    assert again.progress.step == 2
    train_until(again, 1000)
    whole = small_job(tmp_path / "whole", steps=4)
    train_until(whole, 1000)
    assert snapshot(again) == snapshot(whole)


def test_fine_tuning_never_keeps_a_worse_model(tmp_path: Path, home: Path) -> None:
    start = load_model(home / "models" / "counter")
    corpus = Corpus(recipe="code", train=(text("a.py", "zz = 9\n" * 50),), validation=(text("b.py", LESSON),))
    settings = TrainConfig(steps=5, batch_size=4, n_evals=1)
    job = new_job(corpus, folder=tmp_path / "m", preset="nano", settings=settings, start=start)
    run_to_end(job)
    assert job.progress.curve[-1].val_bpb > job.progress.best_bits_per_byte
    np.testing.assert_array_equal(
        load_model(tmp_path / "m").params["model.norm.weight"], start.params["model.norm.weight"]
    )


def test_training_facts_hold_no_contents(home: Path) -> None:
    raw = (home / "models" / "counter" / "training.json").read_text()
    data = read_training(home / "models" / "counter").data
    assert data is not None
    assert (data.files, data.bytes) == (1, len(LESSON))
    assert len(data.sha256) == 64
    assert "make_counter" not in raw
    assert "counter.py" not in raw


def test_too_little_text(tmp_path: Path) -> None:
    corpus = Corpus(recipe="validation", train=(text("a", "x"),), validation=(text("b", ""),))
    with pytest.raises(CorpusError, match="too little text"):
        new_job(corpus, folder=tmp_path / "m", preset="nano", settings=TrainConfig(steps=1))


def test_very_little_text_is_enough(tmp_path: Path) -> None:
    corpus = Corpus(recipe="code", train=(text("a.py", "x = 1\n"),), validation=(text("b.py", "y\n"),))
    job = new_job(corpus, folder=tmp_path / "m", preset="nano", settings=TrainConfig(steps=2, batch_size=2))
    run_to_end(job)
    assert math.isfinite(job.progress.best_bits_per_byte)


def test_the_report_shows_curves_and_samples(tmp_path: Path) -> None:
    job = small_job(tmp_path / "<m>", steps=10)
    samples = [samples_of(job, report) for report in job.train(stop=lambda: False, clock=ticking())]
    page = report_html("<m>", read_training(tmp_path / "<m>"), samples[-1])
    assert samples[0] == []
    assert samples[-1][0].prompt.partition("\n")[2] in LESSON
    assert page.count("<polyline") == 2
    assert "&lt;m&gt;" in page
    assert "<m>" not in page
    assert "://" not in page


def test_no_evaluation_no_curve(tmp_path: Path) -> None:
    job = small_job(tmp_path / "m", steps=100)
    train_until(job, 1)
    training = read_training(tmp_path / "m")
    assert training.val_bpb is None
    assert "too short" in report_html("m", training, [])
    assert training.settings == job.run.train
