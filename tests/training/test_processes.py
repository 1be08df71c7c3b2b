"""A run on two processes: it learns what one would, and survives the end of any of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.command import tinycoder
from tinycoder.cli.launcher import tell_launcher
from tinycoder.storage.checkpoint import read_training
from tinycoder.storage.record import TrainingRecord

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux who started a process")

RUN = ("--recipe", "validation", "--name", "run")
STEPS = 120
EVERY = STEPS // 10  # a run is saved at each of its ten evaluations
FAR = 3 * EVERY
NEW = ("--batch-size", "5", "--steps", str(STEPS))
FAILING = """
import os, sys
from tinycoder_training.__main__ import main
from tinycoder_training.engines.torch_engine import TorchEngine

rank, method, error = sys.argv.pop(1), sys.argv.pop(1), __builtins__.__dict__[sys.argv.pop(1)]
do, calls = getattr(TorchEngine, method), []

def fail(*arguments, **options):
    calls.append(1)
    if os.environ["RANK"] == rank and len(calls) == (1 if method == "__init__" else 3):
        raise error("as the test wants it")
    return do(*arguments, **options)

setattr(TorchEngine, method, fail)
main()
"""  # a method of the engine raises an error in one process


def environment(home: Path) -> dict[str, str]:
    """A compiler would take longer than these runs."""
    return {**os.environ, "TINYCODER_HOME": str(home), "OMP_NUM_THREADS": "1", "TORCH_COMPILE_DISABLE": "1"}


@contextmanager
def launched(
    home: Path, *options: str, restarts: int = 0, program: tuple[str, ...] = ("-m", "tinycoder_training")
) -> Iterator[subprocess.Popen[str]]:
    """Two processes, and what started them. None of them stays."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", f"--max-restarts={restarts}"]
    command = [*launcher, *program, *RUN, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(home)) as process:
        try:
            yield process
        finally:
            for number in with_home(home):
                os.kill(number, signal.SIGKILL)


def with_home(home: Path) -> Iterator[int]:
    """The processes that write there; those of the launcher are in sessions of their own."""
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"TINYCODER_HOME={home}".encode() in environ.read_bytes().split(b"\0"):
                yield int(environ.parent.name)


def ended(home: Path, *options: str, program: tuple[str, ...] = ("-m", "tinycoder_training")) -> tuple[int, str]:
    """Exit code and standard error of a run."""
    with launched(home, *options, program=program) as process:
        _, said = process.communicate(timeout=120)
    return process.returncode, said


def alone(home: Path, *options: str) -> None:
    """The same on one process."""
    done = tinycoder(home, "train", *RUN, "--engine", "torch", *options, env=environment(home))
    assert done.returncode == 0, done.stderr


def learnt(home: Path) -> TrainingRecord:
    training = read_training(home / "models" / "run")
    assert training.finished
    return training


def curve(home: Path) -> list[float]:
    return [value for point in learnt(home).curve for value in (point.train_loss or 0.0, point.val_loss)]


def until_step(process: subprocess.Popen[str], step: int) -> list[int]:
    """Wait until the run is that far; the processes of the run, the first one first."""
    assert process.stderr is not None
    for line in process.stderr:
        event: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
        if event.get("step", 0) >= step:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            return sorted(map(int, children))
    raise AssertionError("the run ended before")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the run that nobody interrupted, on one process."""
    home = tmp_path_factory.mktemp("whole")
    alone(home, *NEW)
    return home


def test_two_processes_learn_what_one_would(tmp_path: Path, whole: Path) -> None:
    """Also where a batch has no two equal halves."""
    code, said = ended(tmp_path, *NEW)
    assert code == 0, said
    assert "2 processes" in said
    np.testing.assert_allclose(curve(tmp_path), curve(whole), rtol=0, atol=1e-4)


@pytest.mark.parametrize("victim", [0, 1])
def test_after_the_end_of_a_process_the_launcher_goes_on_from_the_last_save(
    tmp_path: Path, whole: Path, victim: int
) -> None:
    with launched(tmp_path, *NEW, "--progress", "json", restarts=1) as process:
        os.kill(until_step(process, FAR)[victim], signal.SIGKILL)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    sentence = r"tinycoder: (process 1 of 2 ends: )?a process of this run has gone"
    assert re.search(sentence, said), said
    starts = [json.loads(line)["step"] for line in said.splitlines() if line.startswith('{"event": "start"')]
    assert [step % EVERY for step in starts] == [0], said
    assert FAR <= starts[0] < STEPS
    assert "tinycoder_training/" not in said  # no traceback goes through our files
    np.testing.assert_allclose(curve(tmp_path), curve(whole), rtol=0, atol=1e-4)


def test_without_its_launcher_a_run_is_saved_and_one_process_goes_on(tmp_path: Path, whole: Path) -> None:
    with launched(tmp_path, *NEW, "--progress", "json") as process:
        until_step(process, FAR)
        process.kill()
        _, said = process.communicate(timeout=120)  # its end is that of the processes, which hold the pipe
    assert "Traceback" not in said
    if not read_training(tmp_path / "models" / "run").finished:
        alone(tmp_path, "--resume")
    np.testing.assert_allclose(curve(tmp_path), curve(whole), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("rank", "method", "sentence"),
    [
        (0, "part", "step 3 does not fit into memory; nothing was saved yet"),
        (1, "part", "step 3 does not fit into memory; nothing was saved yet"),
        (1, "losses", rf"step {FAR + 1} does not fit into memory; the model of step {2 * EVERY} is kept: .* --resume"),
        (1, "__init__", "this does not fit into memory"),
    ],
)
def test_a_process_without_memory_ends_the_run_in_a_sentence(
    tmp_path: Path, rank: int, method: str, sentence: str
) -> None:
    code, said = ended_by(tmp_path, rank, method, "MemoryError")
    assert code != 0
    assert re.search(f"tinycoder: {sentence}", said), said
    assert "tinycoder_training/" not in said
    assert said.count("tinycoder: ") == 1


def test_an_error_of_one_process_ends_the_others(tmp_path: Path) -> None:
    code, said = ended_by(tmp_path, 1, "part", "ValueError")
    assert code != 0
    assert "ValueError: as the test wants it" in said
    assert "tinycoder: a process of this run has failed; nothing was saved yet: start again" in said


def ended_by(home: Path, rank: int, method: str, error: str) -> tuple[int, str]:
    """Exit code and standard error of a run of which one process fails."""
    program = home / "failing.py"
    program.write_text(FAILING)
    return ended(home, *NEW, program=(str(program), str(rank), method, error))


@pytest.mark.parametrize("launcher", [os.getppid(), 0], ids=["going", "gone"])
def test_a_launcher_that_goes_while_texts_are_read_need_not_be_told(
    monkeypatch: pytest.MonkeyPatch, launcher: int
) -> None:
    asked = []

    def no_store() -> None:
        asked.append(1)
        raise torch.distributed.DistNetworkError("connection refused")

    monkeypatch.setattr("tinycoder_training.engines.processes.launcher_store", no_store)
    monkeypatch.setenv("TINYCODER_LAUNCHER", str(launcher))
    tell_launcher("run")
    assert len(asked) == (launcher != 0)  # PyTorch tries for long


def test_more_processes_than_windows_are_no_matter(tmp_path: Path) -> None:
    code, said = ended(tmp_path, "--steps", "4", "--batch-size", "1")
    assert code == 0, said
    assert learnt(tmp_path).steps == 4


def test_what_is_refused_is_said_once(tmp_path: Path) -> None:
    code, said = ended(tmp_path, "--steps", "4", "--minutes", "1")
    assert code != 0
    assert said.count("choose either --minutes or --steps") == 1
    assert "process 1 of 2" not in said
