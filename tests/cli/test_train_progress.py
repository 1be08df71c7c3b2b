"""``tinycoder train`` for another program: reports that it can read, and a run that does not outlive it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import command, write_adders
from tinycoder.storage.checkpoint import load_model, load_state

PATIENCE = 60.0
ADDER = "def add_{n}(first, second):\n    total = first + second + {n}\n    return total\n"

Train = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return write_adders(tmp_path / "project", 6, ADDER)


@pytest.fixture
def train(tmp_path: Path, repository: Path) -> Iterator[Train]:
    """Start a run of the model ``m`` whose standard input is held open."""
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str, path: Path = repository) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        processes.append(
            subprocess.Popen(
                command("--home", tmp_path / "home", "train", path, "--name", "m", "--progress", "json", *options),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                text=True,
                env={**os.environ, "PYTHONWARNINGS": "error"},
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=PATIENCE)


def events(text: str) -> list[dict[str, Any]]:
    """What was said on standard error, all of it JSON."""
    return [json.loads(line) for line in text.splitlines()]


def until_a_step(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stderr is not None
    for line in process.stderr:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "progress":
            return event
    raise AssertionError("it ended without a step")


def test_reports_for_a_program(tmp_path: Path, train: Train) -> None:
    process = train("--preset", "nano", "--steps", "40", "--json")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    start, *between, end = events(err)
    assert (start["event"], start["name"], start["step"], start["steps"]) == ("start", "m", 0, 40)
    assert {event["event"] for event in between} == {"progress"}
    assert [event["done"] for event in between] == [event["step"] / 40 for event in between]
    assert between[-1].keys() == {"event", "done", "step", "loss", "tokens_per_second", "seconds", "bits_per_byte"}
    model = load_model(tmp_path / "home" / "models" / "m")
    assert between[-1]["bits_per_byte"] == end["bits_per_byte"] == model.training.val_bpb
    assert (end["event"], end["finished"], end["step"], end["done"]) == ("end", True, 40, 1.0)
    assert Path(end["report"]).is_file()
    assert json.loads(out)["finished"]


def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, train: Train) -> None:
    (tmp_path / "empty").mkdir()
    process = train("--preset", "nano", path=tmp_path / "empty")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert out == ""
    assert err.startswith("tinycoder: ")
    assert err.count("\n") == 1


def test_a_run_that_is_attached_saves_when_standard_input_ends(tmp_path: Path, train: Train) -> None:
    process = train("--preset", "nano", "--minutes", "100", "--attached")
    seen = until_a_step(process)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    end = events(err)[-1]
    assert (end["event"], end["finished"]) == ("end", False)
    assert end["step"] == load_state(tmp_path / "home" / "models" / "m").metadata["step"] >= seen["step"]
    assert out == ""

    resumed = train("--resume", "--minutes", "100", "--attached")
    assert until_a_step(resumed)["step"] > end["step"]


def test_a_run_that_is_not_attached_does_not_care(train: Train) -> None:
    process = train("--preset", "nano", "--steps", "3")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err


def test_standard_input_that_has_ended_before_the_run_begins(train: Train) -> None:
    process = train("--preset", "nano", "--minutes", "100", "--attached")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out == ""


def test_files_that_are_excluded_are_not_read(tmp_path: Path, train: Train) -> None:
    listed = train("--list", "--json", "--exclude", "add_0.py", "--exclude", "add_[12].py")
    out, err = listed.communicate(timeout=PATIENCE)
    assert listed.returncode == 0, err
    found = json.loads(out)
    assert {row["path"] for row in found["train"] + found["held_out"]} == {"add_3.py", "add_4.py", "add_5.py"}
    refused = train("--resume", "--exclude", "add_0.py")
    assert "--exclude" in refused.communicate(timeout=PATIENCE)[1]
    assert refused.returncode == 2
