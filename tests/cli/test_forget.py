"""``tinycoder forget`` as a person runs it: what leaves the disk, what stays out, and which models are named."""

import json
import os
from pathlib import Path
from typing import Any

import filelock
import pytest
from click.testing import Result

from tests.cli.command import invoke as run
from tinycoder.config import TrainConfig
from tinycoder.memory.index_file import load_index
from tinycoder.memory.indexing import index_at_home
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import STATE, load_model, load_state, read_training
from tinycoder.storage.models import copy_model, run_folder, workspace_model_name
from tinycoder.storage.record import TrainingRecord
from tinycoder_training.corpora import python_repos
from tinycoder_training.job import new_job

SECRET = "def quagga_{n}(okapi, stride):\n    total_stride = okapi + stride + {n}\n    return total_stride\n"
TINY = ("--preset", "nano", "--batch-size", "4")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    for n in range(8):
        (folder / f"add_{n}.py").write_text(SECRET.format(n=n).replace("quagga", "add") * (n + 1))
    (folder / "pkg" / "quagga.py").write_text(SECRET.format(n=99) * 3)
    return folder


@pytest.fixture
def home_of(tmp_path: Path) -> Path:
    return tmp_path / "home"


def train(home: Path, *arguments: str | Path) -> Result:
    done = run(home, "train", *arguments)
    assert done.exit_code in (0, 130), done.output
    return done


def stop_after_a_step(folder: Path, repository: Path) -> None:
    """A run that was stopped: its first step is over and it goes on to nothing."""
    job = new_job(
        python_repos.read([repository]),
        folder=folder,
        preset="nano",
        settings=TrainConfig(steps=8, batch_size=4),
        record=TrainingRecord(workspaces=(workspace_model_name(repository),)),
    )
    for _ in job.train(stop=lambda: job.progress.step >= 1, clock=lambda: 0.0):
        pass
    assert not job.progress.finished


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def left_out(home: Path, repository: Path) -> dict[str, str]:
    listed = said(run(home, "train", repository, "--list", "--json"))
    return {entry["path"]: entry["reason"] for entry in listed["left_out"] if "forgotten" in entry["reason"]}


def index_of(home: Path, repository: Path) -> list[str]:
    """Paths in the workspace's index, brought up to date."""
    workspace = index_at_home(home, [repository], load_model(bundled_folder()).tokenizer)
    return list(workspace.corpus.paths)


def stored(home: Path) -> list[str]:
    """Paths in the index files as they lie on the disk."""
    indexes = [load_index(file) for file in (home / "memory").glob("*.safetensors")]
    return sorted(known.path for index in indexes if index for known in index.files)


def test_it_leaves_the_memory_and_stays_out_until_it_is_undone(home_of: Path, repository: Path) -> None:
    quagga = repository / "pkg" / "quagga.py"
    assert "pkg/quagga.py" in index_of(home_of, repository)
    done = run(home_of, "forget", quagga)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        f"{os.path.realpath(quagga)} is forgotten",
        "1 text left the memory",
    ]
    assert "pkg/quagga.py" not in stored(home_of)
    assert len(stored(home_of)) == 8
    assert left_out(home_of, repository) == {"pkg/quagga.py": "forgotten (tinycoder forget)"}
    assert "pkg/quagga.py" not in index_of(home_of, repository)
    assert run(home_of, "forget", "--list").stdout == f"{os.path.realpath(quagga)}\n"
    assert said(run(home_of, "forget", "--undo", quagga, "--json")) == {"forgotten": []}
    assert left_out(home_of, repository) == {}
    assert "pkg/quagga.py" in index_of(home_of, repository)
    assert run(home_of, "forget", "--list").stdout == "nothing is forgotten\n"


def test_a_folder_that_is_deleted_already(home_of: Path, repository: Path) -> None:
    index_of(home_of, repository)
    (repository / "pkg" / "quagga.py").unlink()
    (repository / "pkg").rmdir()
    done = run(home_of, "forget", repository / "pkg")
    assert "pkg is forgotten (there is nothing now)" in done.stdout
    assert "1 text left the memory" in done.stdout
    (repository / "pkg").mkdir()
    (repository / "pkg" / "back.py").write_text(SECRET.format(n=5))
    assert left_out(home_of, repository) == {"pkg/back.py": "forgotten (tinycoder forget)"}


def test_models_that_learnt_from_it_are_named_until_they_are_trained_without(home_of: Path, repository: Path) -> None:
    quagga, own = repository / "pkg" / "quagga.py", workspace_model_name(repository)
    train(home_of, repository, "--steps", "1", *TINY)
    train(home_of, repository / "pkg", "--steps", "1", "--from", own, "--name", "went-on", "--batch-size", "4")
    train(home_of, repository / "add_7.py", "--steps", "1", *TINY, "--name", "another")
    copy_model(home_of / "models" / own, home_of / "models" / "copied")
    found = said(run(home_of, "forget", quagga, "--json"))
    assert {model["name"] for model in found["models"]} == {own, "went-on", "copied"}
    assert [model["report"] for model in found["models"] if model["name"] == own] == [
        str(home_of / "reports" / f"{own}.html")
    ]
    lines = run(home_of, "forget", quagga).stdout
    assert f"`tinycoder checkpoint remove {own}`, or train again, which leaves it out" in lines
    assert "weights cannot unlearn" in lines

    train(home_of, repository, "--steps", "1", *TINY)
    assert len(read_training(home_of / "models" / own).forgotten) == 1
    on = ("--from", "copied", "--name", "went-on", "--overwrite")
    train(home_of, repository, "--steps", "1", *on, "--batch-size", "4")
    found = said(run(home_of, "forget", quagga, "--json"))
    assert {model["name"] for model in found["models"]} == {"went-on", "copied"}  # what it went on from had learnt it
    assert {model["name"] for model in said(run(home_of, "forget", repository, "--json"))["models"]} == {
        own,
        "went-on",
        "copied",
        "another",
    }


def test_a_stopped_run_keeps_the_text_and_does_not_go_on(home_of: Path, repository: Path) -> None:
    quagga, own = repository / "pkg" / "quagga.py", workspace_model_name(repository)
    folder = home_of / "models" / own
    train(home_of, repository, "--steps", "1", *TINY)
    stop_after_a_step(folder, repository)
    place = run_folder(folder)
    assert place != folder
    assert "data/train" in load_state(place).arrays
    found = said(run(home_of, "forget", quagga, "--json"))
    assert [(model["folder"], model["text"]) for model in found["models"]] == [
        (str(folder), None),
        (str(place), str(place / STATE)),
    ]
    assert f"its stopped run keeps what it read in {place / STATE}" in run(home_of, "forget", quagga).stdout

    refused = run(home_of, "train", "--resume", "--name", own, "--steps", "3")
    assert refused.exit_code == 1
    assert "quagga.py, which was forgotten since; start anew with --overwrite" in str(refused.exception)

    assert run(home_of, "forget", "--undo", quagga).exit_code == 0
    train(home_of, "--resume", "--name", own, "--steps", "2")
    stop_after_a_step(folder, repository)
    run(home_of, "forget", quagga)
    train(home_of, repository, "--overwrite", "--steps", "1", *TINY)
    assert said(run(home_of, "forget", quagga, "--json"))["models"] == []


def test_recent_files_that_are_forgotten_are_not_learnt(home_of: Path, repository: Path) -> None:
    run(home_of, "forget", repository)
    done = train(home_of, repository, "--recent", "1", "--from", "base")
    assert "no file to learn from changed within 1 hour;" in done.stdout


def test_a_model_that_is_being_written_is_named(home_of: Path, repository: Path) -> None:
    (home_of / "models").mkdir(parents=True)
    with filelock.FileLock(home_of / "models" / ".mine~lock"):
        done = run(home_of, "forget", repository / "add_0.py")
    assert "mine is being written now" in done.stdout
    assert said(run(home_of, "forget", repository / "add_0.py", "--json"))["written_now"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "give the PATHS"),
        (["--undo"], 2, "give the PATHS"),
        (["--list", "a.py"], 2, "--list goes with neither"),
        (["--undo", "a.py"], 1, "a.py is not on the list of what to forget"),
    ],
)
def test_what_cannot_be_meant_is_refused(home_of: Path, arguments: list[str], code: int, words: str) -> None:
    done = run(home_of, "forget", *arguments)
    assert done.exit_code in (1, code)
    assert words in done.stderr + str(done.exception)


def test_a_damaged_list_stops_what_would_learn(home_of: Path, repository: Path) -> None:
    home_of.mkdir()
    (home_of / "forgotten.json").write_text("{")
    for command in (["forget", "x.py"], ["forget", "--list"], ["train", repository, "--list"], ["train", repository]):
        done = run(home_of, *command)
        assert done.exit_code == 1
        assert "is damaged; put it right, or remove it" in str(done.exception)
    assert (home_of / "forgotten.json").read_text() == "{"


def test_a_path_that_never_was_is_refused_and_changes_nothing(home_of: Path, repository: Path) -> None:
    index_of(home_of, repository)
    done = run(home_of, "forget", repository / "pkg" / "quagga.py", repository / "typo.py")
    assert done.exit_code == 1
    assert "typo.py does not exist, and the memory holds nothing of it; nothing was changed" in str(done.exception)
    assert said(run(home_of, "forget", "--list", "--json")) == {"forgotten": []}
    assert "pkg/quagga.py" in stored(home_of)


def test_a_path_that_is_gone_is_forgotten_where_an_index_cannot_be_read(home_of: Path, repository: Path) -> None:
    index_of(home_of, repository)
    (index,) = (home_of / "memory").glob("*.safetensors")
    index.write_bytes(b"of another version")
    said(run(home_of, "forget", repository / "gone.py", "--json"))
    assert not index.exists()
    assert said(run(home_of, "forget", "--list", "--json")) == {"forgotten": [str(repository / "gone.py")]}


def test_of_a_path_that_is_gone_the_models_are_named_all_the_same(home_of: Path, repository: Path) -> None:
    train(home_of, repository, "--steps", "1", *TINY)
    (repository / "add_7.py").unlink()
    done = run(home_of, "forget", repository / "add_7.py")
    assert done.exit_code == 1
    assert f"if it is deleted, {workspace_model_name(repository)} may have learnt from it" in str(done.exception)


def test_what_is_forgotten_already_may_be_gone(home_of: Path, repository: Path) -> None:
    assert run(home_of, "forget", repository / "pkg").exit_code == 0
    (repository / "pkg" / "quagga.py").unlink()
    assert run(home_of, "forget", repository / "pkg" / "quagga.py").exit_code == 0
