"""The long run in the background, with a model of a few kilobytes: started once, halted, stopped, resumed, branched."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tinycoder.errors import TrainingError
from tinycoder.storage.checkpoint import STATE, load_model, load_state
from tinycoder_training.background import remembered

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

BASE = Path(__file__).parents[2] / "training" / "base"
STEP = 2048  # tokens of a step of the preset nano
LINE = {"step": 20, "tokens": 40_000, "budget": 100_000, "minutes": 1.0, "done": 0.4, "loss": 2.5}


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BASE)


def script(name: str) -> Any:
    return importlib.import_module(name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place with a corpus, whose tree and environment are those of the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "tree").symlink_to(BASE.parents[1], target_is_directory=True)
    (tmp_path / "env").symlink_to(sys.prefix, target_is_directory=True)
    (tmp_path / "log").mkdir()
    for part, n in (("train", 200), ("held_out", 30)):
        file = tmp_path / "corpus" / part / "alpha" / "code.py"
        file.parent.mkdir(parents=True)
        file.write_text("".join(f"def f_{i}(value):\n    return value + {i}, {i % 7}\n\n\n" for i in range(n)))
    yield tmp_path
    for process in (tmp_path / "log").glob("*.process"):
        place = script("long_run").Place(home=tmp_path, name=process.stem)
        with suppress(TrainingError):
            script("long_run").stop(place, 60)


def detached(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which has ended when this returns."""
    command = [sys.executable, str(BASE / "long_run.py"), arguments[0], "--at", str(home), *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def said(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(script("long_run").main, [arguments[0], "--at", str(home), *arguments[1:]])


def log(home: Path, name: str = "run") -> list[dict[str, Any]]:
    file = home / "log" / f"{name}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 100
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_run_starts_once_stops_with_everything_saved_and_goes_on(home: Path) -> None:
    started = detached(home, "start", "--tokens", "1e9", "--anew", "--preset", "nano")
    assert started.returncode == 0, started.stderr
    wait_until(lambda: log(home))
    assert remembered({}) == [script("long_run").Place(home=home)]
    process = json.loads((home / "log" / "run.process").read_text())
    assert os.getsid(process["pid"]) == process["pid"]
    assert os.getpriority(os.PRIO_PROCESS, process["pid"]) > os.getpriority(os.PRIO_PROCESS, 0)
    assert "run: running, " in said(home, "status").output

    assert detached(home, "start").stderr.startswith("Error: 'run' runs already, as process ")

    assert "run: paused, " in said(home, "pause").output
    assert "run: running, " in said(home, "continue").output
    assert json.loads((home / "log" / "run.pauses").read_text())["seconds"] > 0
    assert "run: stopped, " in said(home, "stop").output
    step = load_state(home / "run").metadata["step"]
    assert step >= 20

    started = detached(home, "start")
    assert started.returncode == 0, started.stderr
    wait_until(lambda: log(home)[-1]["step"] > step)
    assert "run: paused, " in said(home, "pause").output
    assert "run: stopped, " in said(home, "stop").output  # also while it is paused
    assert load_state(home / "run").metadata["step"] > step


def test_a_branch_decays_to_zero_and_leaves_the_run_alone(home: Path) -> None:
    assert detached(home, "start", "--tokens", "1e9", "--anew", "--preset", "nano").returncode == 0
    wait_until(lambda: log(home))
    assert "stopped" in said(home, "stop").output
    state = (home / "run" / STATE).read_bytes()
    step = load_state(home / "run").metadata["step"]

    started = detached(home, "branch", "decayed", "--tokens", str(20 * STEP))
    assert started.returncode == 0, started.stderr
    wait_until(lambda: "decayed: finished, " in said(home, "status", "--name", "decayed").output)
    assert (home / "run" / STATE).read_bytes() == state
    training = load_model(home / "decayed").training
    assert training.finished is True
    assert training.steps == step + 20
    corpus = script("train").read_corpus(home / "corpus")
    script("ship").checked_model(home / "decayed", corpus, unfinished=False)  # raises what would keep it from shipping
    scales = [line["scale"] for line in log(home, "decayed")]
    assert scales == sorted(scales, reverse=True)
    assert scales[0] > 0.8
    assert 0 < scales[-1] <= 0.06
    assert len(list((home / "decayed-late").glob("*.safetensors"))) >= 4

    assert "exists already" in said(home, "branch", "decayed", "--tokens", "1e5").output
    assert "is finished" in said(home, "start", "--name", "decayed").output


def test_a_new_run_needs_a_budget(home: Path) -> None:
    assert "give --tokens" in said(home, "start").output
    assert "saved no state yet" in said(home, "branch", "decayed", "--tokens", "1e5").output
    assert "does not run" in said(home, "stop").output
    assert said(home, "status").output == "run: not started, no step in the log yet\n"


def test_a_run_that_cannot_start_says_why(home: Path) -> None:
    found = detached(home, "start", "--tokens", "1e6", "--from", str(home / "nothing"), "--watch", "120")
    assert found.returncode == 1
    assert "Error: the run ended at once (Error: there is no model folder" in found.stderr


def test_status_says_tokens_rate_and_time_left(home: Path) -> None:
    lines = [
        {**LINE, "step": 10, "tokens": 10_000, "minutes": 0.5, "done": 0.1, "bits_per_byte": 1.25},
        LINE,
    ]
    (home / "log" / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (home / "run").mkdir()
    assert said(home, "status").output == (
        "run: stopped, 0.04 of 0.10 M tokens (40.0%), loss 2.500, 1.2500 bits per byte at 0.01 M, 1,000 tokens/s, "
        "0.0 hours left\n"
    )


def test_a_process_that_only_has_the_number_is_left_alone(home: Path) -> None:
    """Numbers come again: after a reboot, or once they have all been used."""
    long_run = script("long_run")
    process = {"pid": os.getpid(), "began": 1, "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip()}
    for other in (process, {**process, "boot": "another"}, {"pid": os.getpid()}):
        (home / "log" / "run.process").write_text(json.dumps(other))
        assert long_run.running(long_run.Place(home=home)) is None
        for command in ("stop", "pause", "continue"):
            assert "does not run" in said(home, command).output


def test_the_clock_of_a_run_stands_still_while_it_is_paused(tmp_path: Path) -> None:
    train = script("train")
    pauses = tmp_path / "run.pauses"
    assert train.running_seconds(pauses) == pytest.approx(train.running_seconds(None), abs=1)
    pauses.write_text('{"seconds": 500.0, "since": null}')
    assert train.running_seconds(pauses) == pytest.approx(train.running_seconds(None) - 500, abs=1)
