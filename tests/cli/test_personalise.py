"""``tinycoder train`` that makes a model a workspace's own: where it starts, what it says, and recent files alone."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.command import invoke, write_adders
from tests.conftest import LESSON
from tinycoder.storage.checkpoint import STATE, load_model, read_training
from tinycoder.storage.models import resolve_model, workspace_model_name
from tinycoder_training import forecast
from tinycoder_training.corpora import python_repos
from tinycoder_training.quality import measure

ADDER = "def add_{n}(first, second):\n    total = first + second + {n}\n    return total\n"
SMALL = ("--batch-size", "4")
HOUR = 3600.0


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return write_adders(tmp_path / "project", adder=ADDER)


@pytest.fixture
def counter(home: Path) -> Path:
    """Folder of a small model to go on from."""
    return home / "models" / "counter"


def train(tmp_path: Path, *arguments: str | Path) -> Result:
    return invoke(tmp_path / "home", "train", *arguments)


def events(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]


def age(folder: Path, hours: float) -> None:
    """Say of all files in ``folder`` that they were written so long ago."""
    then = time.time() - HOUR * hours
    for path in folder.iterdir():
        os.utime(path, (then, then))


def test_code_goes_on_from_the_model_that_ships(tmp_path: Path, repository: Path) -> None:
    done = train(tmp_path, repository, "--steps", "1", *SMALL, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["from"] == "base"
    name = workspace_model_name(repository)
    assert said["workspaces"] == [name]
    base, made = load_model(resolve_model(tmp_path / "home", "base")), load_model(tmp_path / "home" / "models" / name)
    assert made.config == base.config
    assert made.weights == "float16"
    assert said["replay"]["bytes"] > 500_000
    assert said["settings"]["replay"] > 0


@pytest.mark.parametrize("options", [["--preset", "nano"], ["--from", "none", "--context", "64"]])
def test_from_nothing(tmp_path: Path, repository: Path, options: list[str]) -> None:
    done = train(tmp_path, repository, "--steps", "1", "--batch-size", "2", *options)
    assert done.exit_code == 0, done.output
    assert "bits per byte on held-out text" in done.stdout
    training = read_training(tmp_path / "home" / "models" / workspace_model_name(repository))
    assert (training.origin, training.before) == (None, None)
    assert training.preset == ("nano" if "nano" in options else "tiny")
    assert training.settings.replay == 0


@pytest.mark.parametrize("options", [[], ["--progress", "json"]])
def test_before_and_after_are_said(tmp_path: Path, repository: Path, counter: Path, options: list[str]) -> None:
    done = train(tmp_path, repository, "--from", counter, "--steps", "30", "--name", "m", *SMALL, *options)
    assert done.exit_code == 0, done.output
    training = read_training(tmp_path / "home" / "models" / "m")
    before, after = training.before.bits_per_byte, training.val_bpb
    change = 100 * (after / before - 1)
    assert f"held-out text: {before:.3f} bits per byte before, {after:.3f} after ({change:+.1f} %)" in done.stdout
    assert after < before
    if not options:
        assert "continues from counter" in done.stderr
        return
    end = events(done)[-1]
    assert (end["event"], end["finished"], end["kept"]) == ("end", True, True)
    assert (end["before"], end["bits_per_byte"]) == (before, after)


@pytest.mark.parametrize(("options", "is_own"), [((), True), (("--name", "other"), False)])
def test_a_workspaces_own_model_is_said_to_need_no_restart(
    tmp_path: Path, repository: Path, options: tuple[str, ...], is_own: bool
) -> None:
    done = train(tmp_path, repository, "--preset", "nano", "--steps", "1", *SMALL, *options)
    assert done.exit_code == 0, done.output
    assert ("no restart is needed" in " ".join(done.stdout.split())) is is_own


def test_a_model_from_nothing_has_no_before(tmp_path: Path, repository: Path) -> None:
    done = train(tmp_path, repository, "--preset", "nano", "--steps", "2", *SMALL, "--progress", "json")
    end = events(done)[-1]
    assert (end["before"], end["kept"]) == (None, True)


def test_a_run_that_finds_nothing_better_says_so(tmp_path: Path, counter: Path) -> None:
    folder, seed = _odd_project(tmp_path)
    options = ("--from", counter, "--seed", seed, "--name", "m", "--steps", "4", *SMALL)
    done = train(tmp_path, folder, *options)
    assert done.exit_code == 0, done.output
    assert "nothing that was tried is better: the weights stay those of counter" in " ".join(done.stdout.split())
    assert read_training(tmp_path / "home" / "models" / "m").finished


def _odd_project(tmp_path: Path) -> tuple[Path, str]:
    """A folder, and the seed that holds out of it the one file that the model knows."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "counter.py").write_text(LESSON)
    for n in range(3):
        (folder / f"odd_{n}.py").write_text(f"zz_{n} = [{n}, 9]\n" * 50)

    def held_out(seed: str) -> list[str]:
        return [row["path"] for row in _listed(tmp_path, folder, "--seed", seed)["held_out"]]

    return folder, next(seed for seed in map(str, range(99)) if held_out(seed) == ["counter.py"])


def measured(folder: Path, repository: Path) -> float:
    """Bits per byte of a model on the files that are held out."""
    return measure(load_model(folder), python_repos.read([repository]).validation).bits_per_byte


@pytest.mark.parametrize("options", [["--preset", "nano"], ["--from", "none"]])
def test_a_finished_model_stays_unless_the_new_one_is_better(
    tmp_path: Path, repository: Path, options: list[str]
) -> None:
    assert train(tmp_path, repository, "--steps", "1", *SMALL).exit_code == 0  # from the bundled model
    folder = tmp_path / "home" / "models" / workspace_model_name(repository)
    files = [*folder.iterdir(), tmp_path / "home" / "reports" / f"{folder.name}.html"]
    before = {file: file.read_bytes() for file in files}
    standing = measured(folder, repository)

    worse = train(tmp_path, repository, *options, "--steps", "1", *SMALL, "--json")
    assert worse.exit_code == 0, worse.output
    assert f"there is a model {folder.name} already: {standing:.3f} bits per byte on the same" in worse.stderr
    said = json.loads(worse.stdout)
    assert (said["kept"], said["report"]) == (False, None)
    assert said["standing"] == pytest.approx(standing)
    assert said["standing"] < said["val_bpb"]
    assert {file: file.read_bytes() for file in files} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    told = train(tmp_path, repository, *options, "--steps", "1", *SMALL)
    assert f"the model {folder.name} stays as it was: {standing:.3f} bits per byte" in told.stdout
    assert "--overwrite" in told.stdout

    asked = train(tmp_path, repository, *options, "--steps", "1", *SMALL, "--overwrite")
    assert f"there is a model {folder.name} already; this run will replace it" in asked.stderr
    assert read_training(folder).origin is None


def test_a_model_is_judged_by_files_that_it_has_not_learnt(tmp_path: Path, repository: Path, counter: Path) -> None:
    assert train(tmp_path, repository, "--from", counter, "--steps", "3", "--seed", "7", *SMALL).exit_code == 0
    again = train(tmp_path, repository, "--from", counter, "--steps", "5", *SMALL, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["seed"] == 7
    refused = train(tmp_path, repository, "--from", counter, "--steps", "5", "--seed", "0", *SMALL)
    assert refused.exit_code == 1
    for words in ("--seed 7", "--overwrite", "--name"):
        assert words in str(refused.exception)


def test_the_former_name_of_a_size_is_taken_with_a_sentence(tmp_path: Path, repository: Path) -> None:
    done = train(tmp_path, repository, "--preset", "base", "--steps", "1", "--batch-size", "1", "--context", "16")
    assert done.exit_code == 0, done.output
    assert "the preset base is called medium now" in done.stderr
    assert read_training(tmp_path / "home" / "models" / workspace_model_name(repository)).preset == "medium"
    assert train(tmp_path, repository, "--preset", "enormous").exit_code == 2


@pytest.mark.parametrize("options", [["--dry-run"], ["--from", "nobody"], ["--resume"], ["--exclude", "*"]])
def test_a_command_that_writes_no_model_leaves_nothing(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(forecast, "TRIAL_SECONDS", 0)
    small = [] if "--resume" in options else SMALL
    done = train(tmp_path, repository, *options, "--steps", "1", *small)
    assert (done.exit_code == 0) == ("--dry-run" in options)
    models = tmp_path / "home" / "models"
    assert not (models.is_dir() and list(models.iterdir()))


def test_what_a_run_takes_beforehand(
    tmp_path: Path, repository: Path, counter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "TRIAL_SECONDS", 0)
    for options in (["--from", str(counter)], ["--from", "none"]):
        done = train(tmp_path, repository, *options, "--steps", "5", *SMALL, "--dry-run", "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["steps"] == 5
    assert not (tmp_path / "home" / "models" / workspace_model_name(repository)).exists()


def test_a_stopped_run_goes_on_as_it_is(tmp_path: Path, repository: Path, counter: Path) -> None:
    done = train(tmp_path, repository, "--from", counter, "--steps", "3", "--name", "m", *SMALL)
    assert done.exit_code == 0, done.output
    refused = train(tmp_path, repository, "--resume", "--name", "m", "--recent", "2")
    assert refused.exit_code == 2
    assert "--recent" in refused.stderr


def test_one_file_of_a_few_lines_is_enough(tmp_path: Path, counter: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "only.py").write_text("".join(f"value_{n} = {n}\n" for n in range(20)))
    done = train(tmp_path, folder, "--from", counter, "--steps", "3", *SMALL)
    assert done.exit_code == 0, done.output
    assert "the last lines of the only file held out" in done.stderr
    assert "the figures are rough" in done.stderr
    assert "held-out text: " in done.stdout


def test_recent_files_are_learnt_by_the_workspaces_own_model(tmp_path: Path, repository: Path, counter: Path) -> None:
    first = train(tmp_path, repository, "--from", counter, "--steps", "8", "--seed", "3", *SMALL)
    assert first.exit_code == 0, first.output
    folder = tmp_path / "home" / "models" / workspace_model_name(repository)
    held_out = read_training(folder).data.validation_bytes
    age(repository, 48)
    learnt = {row["path"] for row in _listed(tmp_path, repository, "--seed", "3")["train"]}
    for path in sorted(learnt)[-2:]:
        os.utime(repository / path)
    done = train(tmp_path, repository, "--recent", "24", "--steps", "20", *SMALL, "--json", "--progress", "json")
    assert done.exit_code == 0, done.output
    start, *_, end = events(done)
    assert (start["event"], end["event"], end["kept"]) == ("start", "end", True)
    training = read_training(folder)
    assert training.origin == folder.name
    assert training.recent.files == 2
    assert training.data.files == len(learnt)
    assert (training.seed, training.data.validation_bytes) == (3, held_out)  # the same files judge
    assert training.val_bpb == end["bits_per_byte"] < end["before"]
    assert training.workspaces == (folder.name,)


def _listed(tmp_path: Path, repository: Path, *options: str) -> dict[str, Any]:
    listed: dict[str, Any] = json.loads(train(tmp_path, repository, "--list", "--json", *options).stdout)
    return listed


def test_nothing_recent_is_no_error(tmp_path: Path, repository: Path, counter: Path) -> None:
    age(repository, 48)
    done = train(tmp_path, repository, "--recent", "24", "--from", counter, "--progress", "json")
    assert done.exit_code == 0, done.output
    assert "no file to learn from changed within 24 hours" in done.stdout
    (end,) = events(done)
    assert (end["event"], end["finished"], end["kept"], end["report"]) == ("end", True, False, None)
    assert not (tmp_path / "home" / "models" / workspace_model_name(repository)).exists()


def test_held_out_files_are_not_learnt_though_they_are_recent(tmp_path: Path, repository: Path, counter: Path) -> None:
    age(repository, 48)
    for row in _listed(tmp_path, repository)["held_out"]:
        os.utime(repository / row["path"])
    done = train(tmp_path, repository, "--recent", "24", "--from", counter)
    assert done.exit_code == 0, done.output
    assert "no file to learn from changed" in done.stdout


def test_recent_files_that_make_nothing_better_change_nothing(tmp_path: Path, counter: Path) -> None:
    folder, seed = _odd_project(tmp_path)
    options = ("--from", counter, "--seed", seed, "--steps", "4", *SMALL, "--progress", "json")
    done = train(tmp_path, folder, "--recent", "24", *options)
    assert done.exit_code == 0, done.output
    end = events(done)[-1]
    assert (end["finished"], end["kept"], end["report"]) == (True, False, None)
    assert end["bits_per_byte"] == end["before"]
    assert not (tmp_path / "home" / "models" / workspace_model_name(folder)).exists()


def test_a_stopped_run_of_the_model_is_not_lost_to_recent_files(
    tmp_path: Path, repository: Path, counter: Path
) -> None:
    folder = tmp_path / "home" / "models" / workspace_model_name(repository)
    assert train(tmp_path, repository, "--from", counter, "--steps", "3", *SMALL).exit_code == 0
    (folder / STATE).write_bytes(b"a run that was stopped")
    done = train(tmp_path, repository, "--recent", "24")
    assert done.exit_code == 1
    assert "--resume" in str(done.exception)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--recent", "24", "--preset", "nano"], "--preset"),
        (["--recent", "24", "--list"], "--list"),
        (["--recent", "24", "--from", "none"], "--recent"),
        (["--recent", "24", "--recipe", "validation"], "--recent"),
        (["--recent", "0"], "--recent"),
        (["--from", "base", "--preset", "nano"], "--preset"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, options: list[str], word: str) -> None:
    refused = train(tmp_path, *options)
    assert refused.exit_code == 2
    assert word in refused.stderr
