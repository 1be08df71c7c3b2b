"""Token shards: what is written, that it does not depend on how, what a stop keeps, and runs that learn them."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
from click.testing import Result

from tests.cli.command import command, environment, invoke, write_adders
from tests.conftest import LESSON, run_to_end
from tinycoder.config import TrainConfig
from tinycoder.errors import Cancelled, CorpusError, TrainingError
from tinycoder.storage.checkpoint import Model, load_state
from tinycoder.storage.models import run_folder
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder_training.corpora import python_repos
from tinycoder_training.dataset import Windows
from tinycoder_training.job import Job, resumed_job
from tinycoder_training.shards.build import Plan, build
from tinycoder_training.shards.folder import DESCRIPTION, TOKENIZER, VALIDATION, open_shards
from tinycoder_training.shards.job import shards_job
from tinycoder_training.shards.stream import MappedStream, ShardsAt


def told(done: Result) -> str:
    """What a command that was refused says."""
    return f"{done.exception} {done.stderr}"


SMALL = ("--preset", "nano", "--batch-size", "4", "--steps", "2")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of several sizes, among them copies, near-copies, a secret and a file that git ignores."""
    folder = write_adders(tmp_path_factory.mktemp("source") / "project", 24)
    lines = [f"value_{n} = compute({n}, other_{n % 7})" for n in range(60)]
    (folder / "near_a.py").write_text("\n".join(lines) + "\n")
    (folder / "near_z.py").write_text("\n".join([*lines, "last = 1"]) + "\n")
    (folder / "zz_copy.py").write_text((folder / "add_3.py").read_text() + "\n\n")
    (folder / "token.py").write_text('password = "kq8Zr3vN1xW7pT5s"\n')
    (folder / ".gitignore").write_text("ignored.py\n")
    (folder / "ignored.py").write_text(LESSON)
    return folder


def plan(source: Path, out: Path, model: Model, **changes: Any) -> Plan:
    sizes = {"part_bytes": 4_000, "shard_tokens": 3_000}
    return Plan(**{"paths": (source,), "out": out, "tokenizer": model.tokenizer, **sizes, **changes})


@pytest.fixture(scope="module")
def shards(source: Path, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shards") / "out"
    build(plan(source, out, model), processes=2)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def paths_of(ids: Any, tokenizer: Tokenizer) -> list[str]:
    """The path of each document in a stream."""
    pieces = np.split(ids, np.flatnonzero(ids == tokenizer.end_of_text) + 1)
    return [tokenizer.decode(piece[1:].tolist()).split("\n")[0] for piece in pieces if len(piece)]


def test_shards_hold_what_training_on_the_folder_reads(shards: Path, source: Path) -> None:
    opened, corpus = open_shards(shards), python_repos.read([source])
    train = opened.train[: len(opened.train)]
    held_out = paths_of(opened.validation, opened.tokenizer)
    assert sorted([*paths_of(train, opened.tokenizer), *held_out]) == sorted(
        text.path for text in (*corpus.train, *corpus.validation)
    )
    assert held_out == [text.path for text in corpus.validation]
    said = opened.description
    assert said.data.tokens == len(train)
    assert len(said.train) > 2
    assert said.left_out == {"duplicate": 1, "ignored by git": 1, "near-duplicate": 1}
    assert said.data.secrets_replaced == corpus.n_secrets == 1
    assert b"kq8Zr3vN1xW7pT5s" not in opened.tokenizer.decode_bytes([*train.tolist(), *opened.validation.tolist()])
    assert said.prompts


def test_processes_and_parts_change_nothing(shards: Path, source: Path, model: Model, tmp_path: Path) -> None:
    build(plan(source, tmp_path / "one", model), processes=1)
    assert contents(tmp_path / "one") == contents(shards)
    build(plan(source, tmp_path / "large", model, part_bytes=10**6), processes=2)
    large = contents(tmp_path / "large")
    del large[DESCRIPTION]  # it names its parts
    assert large == {name: held for name, held in contents(shards).items() if name != DESCRIPTION}


def test_another_seed_is_another_order(shards: Path, source: Path, model: Model, tmp_path: Path) -> None:
    build(plan(source, tmp_path / "out", model, seed=1), processes=2)
    assert contents(tmp_path / "out")["train-00000.npy"] != contents(shards)["train-00000.npy"]


def test_a_stopped_build_goes_on_from_its_parts(shards: Path, source: Path, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told: list[int] = []
    with pytest.raises(Cancelled):
        build(plan(source, out, model), processes=1, stop=lambda: len(told) > 1, progress=lambda n, _: told.append(n))
    parts = {file: file.stat().st_mtime_ns for file in (out / "parts").iterdir()}
    assert parts
    with pytest.raises(CorpusError, match="no finished shards"):
        open_shards(out)
    seen: list[int] = []
    build(plan(source, out, model), processes=1, progress=lambda n, _: seen.append(n))
    assert seen[0] >= told[-1] > 0
    assert contents(out) == contents(shards)


def test_a_build_that_is_killed_goes_on(shards: Path, source: Path, model: Model, home: Path, tmp_path: Path) -> None:
    arguments = ("corpus", source, "--out", tmp_path / "killed", "--from", "counter", "--processes", "1")
    for n_parts in (1, 3):
        process = subprocess.Popen(command(*arguments), env=environment(home), stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list((tmp_path / "killed").glob("parts/*.safetensors"))) < n_parts:
            time.sleep(0.005)
        process.kill()
        process.wait(30)
    whole = ("corpus", source, "--out", tmp_path / "whole", "--from", "counter", "--json")
    assert invoke(home, *whole).exit_code == 0
    done = subprocess.run(command(*arguments), env=environment(home), capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_finished_shards_stay_until_new_ones_are_ready(
    shards: Path, source: Path, model: Model, tmp_path: Path
) -> None:
    out, empty = tmp_path / "out", tmp_path / "empty"
    empty.mkdir()
    build(plan(source, out, model), processes=1)
    with pytest.raises(CorpusError, match="fewer than two"):
        build(plan(empty, out, model), processes=1)
    with pytest.raises(Cancelled):
        build(plan(source, out, model, seed=1), processes=1, stop=lambda: True)
    assert open_shards(out).description == open_shards(shards).description
    build(plan(source, out, model), processes=1)  # there already; what was stopped is cleared away by the next build
    (out / VALIDATION).unlink()
    build(plan(source, out, model), processes=1)
    assert contents(out) == contents(shards)


@pytest.mark.parametrize("name", ["parts/thesis.txt", "train-images.npy", ".hidden", "parts"])
def test_a_folder_with_other_files_is_left_as_it_is(source: Path, model: Model, tmp_path: Path, name: str) -> None:
    file = tmp_path / "out" / name
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(CorpusError, match="other files"):
        build(plan(source, tmp_path / "out", model), processes=1)
    assert file.read_text() == "mine"


def test_one_process_builds_at_a_time(source: Path, model: Model, tmp_path: Path) -> None:
    (tmp_path / "out" / "parts").mkdir(parents=True)
    with filelock.FileLock(tmp_path / "out" / ".lock"), pytest.raises(CorpusError, match="another process"):
        build(plan(source, tmp_path / "out", model), processes=1)


def test_files_that_change_are_read_again(source: Path, model: Model, tmp_path: Path) -> None:
    folder = write_adders(tmp_path / "project", 8)
    first = build(plan(folder, tmp_path / "out", model), processes=1)
    before = contents(tmp_path / "out")
    assert build(plan(folder, tmp_path / "out", model), processes=1) == first
    assert contents(tmp_path / "out") == before
    (folder / "add_2.py").write_text("changed = 1\n" * 30)
    second = build(plan(folder, tmp_path / "out", model), processes=1)
    assert second.inputs != first.inputs
    opened = open_shards(tmp_path / "out")
    text = opened.tokenizer.decode([*opened.train[: len(opened.train)].tolist(), *opened.validation.tolist()])
    assert "changed = 1" in text


def job_of(shards: Path, folder: Path, **options: Any) -> Job:
    settings = TrainConfig(steps=6, batch_size=4, n_evals=2)
    return shards_job(
        open_shards(shards),
        folder=folder,
        **{"settings": settings, "preset": "nano", "record": TrainingRecord(), "context": 64, **options},
    )


def test_a_run_resumes_from_the_shards_that_it_began_with(shards: Path, tmp_path: Path) -> None:
    whole = job_of(shards, tmp_path / "whole")
    run_to_end(whole)
    part = job_of(shards, tmp_path / "part")
    for _ in part.train(stop=lambda: part.progress.step >= 2, clock=lambda: 0.0):
        pass
    assert not any(name.startswith("data/train") for name in load_state(run_folder(tmp_path / "part")).arrays)
    again = resumed_job(tmp_path / "part")
    run_to_end(again)
    for name, param in whole.progress.best_params.items():
        np.testing.assert_array_equal(again.progress.best_params[name], param)
    assert whole.record.data == open_shards(shards).description.data


def test_windows_of_mapped_files_are_those_of_one_array() -> None:
    ids = np.arange(1000, dtype=np.uint16)
    stream = MappedStream([ids[:300], ids[300:301], ids[301:]], ShardsAt("somewhere", ""), 1000)
    for start, stop in ((0, 10), (295, 305), (300, 301), (0, 1000), (990, 1005), (7, 7)):
        np.testing.assert_array_equal(stream[start:stop], ids[start:stop])
    whole, mapped = Windows(ids, 16, 4, 0), Windows(stream, 16, 4, 0)
    for step in (0, 3, 100):
        np.testing.assert_array_equal(whole.batch(step)[0], mapped.batch(step)[0])
    with pytest.raises(TrainingError, match="damaged"):
        MappedStream([ids], ShardsAt("somewhere", ""), 999)[990:1000]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / DESCRIPTION).unlink(), "no finished shards"),
        (lambda folder: (folder / DESCRIPTION).write_text("{}"), "damaged"),
        (lambda folder: (folder / "train-00001.npy").unlink(), "train-00001.npy"),
        (lambda folder: (folder / "train-00001.npy").write_bytes(b"\x93NUMPY"), "train-00001.npy"),
        (lambda folder: np.save(folder / "train-00000.npy", np.zeros(7, np.uint16)), "ids"),
        (lambda folder: np.save(folder / VALIDATION, np.array([{}]), allow_pickle=True), VALIDATION),
        (lambda folder: (folder / TOKENIZER).write_text("{}"), TOKENIZER),
    ],
)
def test_damaged_shards_are_a_sentence(shards: Path, tmp_path: Path, harm: Callable[[Path], object], said: str) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, held in contents(shards).items():
        (copy / name).write_bytes(held)
    harm(copy)
    with pytest.raises(CorpusError, match=said):
        open_shards(copy)


def test_a_run_refuses_shards_that_were_written_anew(source: Path, model: Model, home: Path, tmp_path: Path) -> None:
    folder = write_adders(tmp_path / "project", 8)
    build(plan(folder, tmp_path / "out", model), processes=1)
    job = job_of(tmp_path / "out", tmp_path / "run")
    for _ in job.train(stop=lambda: job.progress.step >= 1, clock=lambda: 0.0):
        pass
    (folder / "more.py").write_text(LESSON)
    build(plan(folder, tmp_path / "out", model), processes=1)
    with pytest.raises(CorpusError, match="others than those that the run began with"):
        resumed_job(tmp_path / "run")


def test_another_tokenizer_and_a_model_that_is_there_are_refused(shards: Path, home: Path, tmp_path: Path) -> None:
    done = invoke(home, "train", "--shards", shards, "--from", "base", "--name", "other", *SMALL[2:])
    assert done.exit_code == 1
    assert "another tokenizer than that of base" in told(done)
    assert "--from base" in told(done)
    done = invoke(home, "train", "--shards", shards, "--name", "counter", *SMALL)
    assert done.exit_code == 1
    assert "--overwrite" in told(done)


def test_the_commands_write_and_learn(source: Path, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written = invoke(home, "corpus", source, "--out", out, "--from", "counter", "--json")
    assert written.exit_code == 0, written.stderr
    assert json.loads(written.stdout)["data"]["tokens"] == len(open_shards(out).train)
    learnt = invoke(home, "train", "--shards", out, "--name", "from-shards", "--context", "64", *SMALL)
    assert learnt.exit_code == 0, learnt.stderr
    assert (home / "models" / "from-shards" / "model.safetensors").is_file()


def test_what_is_forgotten_is_in_no_new_shards_and_old_ones_are_refused(tmp_path: Path) -> None:
    folder, own = write_adders(tmp_path / "project", 8), tmp_path / "home"
    assert invoke(own, "corpus", folder, "--out", tmp_path / "old").exit_code == 0
    assert invoke(own, "forget", folder / "add_3.py").exit_code == 0
    refused = invoke(own, "train", "--shards", tmp_path / "old", "--name", "m", *SMALL)
    assert refused.exit_code == 1
    assert "forgotten since" in told(refused)
    assert invoke(own, "corpus", folder, "--out", tmp_path / "new").exit_code == 0
    opened = open_shards(tmp_path / "new")
    names = [
        *paths_of(opened.train[: len(opened.train)], opened.tokenizer),
        *paths_of(opened.validation, opened.tokenizer),
    ]
    assert "add_3.py" not in names
    assert "add_2.py" in names
    assert invoke(own, "train", "--shards", tmp_path / "new", "--name", "m", "--context", "64", *SMALL).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("corpus", "nowhere", "--out", "out"), 1, "nowhere"),
        (("corpus", "empty", "--out", "out"), 1, "fewer than two"),
        (("corpus", "empty", "--out", "full"), 1, "other files"),
        (("corpus", "empty"), 2, "--out"),
        (("train", "--shards", "out"), 2, "--name"),
        (("train", "empty", "--shards", "out", "--name", "m"), 2, "neither PATHS"),
        (("train", "--shards", "empty", "--name", "m"), 1, "no finished shards"),
        (("train", "--shards", "empty", "--name", "m", "--list"), 2, "--list"),
    ],
)
def test_mistakes_are_a_sentence(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    done = invoke(home, *arguments)
    assert done.exit_code == code
    assert said in told(done)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"
