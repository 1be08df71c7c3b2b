"""Benchmarks halt the run in the background while they measure, and refuse times beside other work."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from tinycoder.bench import quiet as module
from tinycoder.bench.quiet import BUSY, Others, halted, own_seconds, quiet
from tinycoder.cli import cli
from tinycoder_training.background import PLACE, Place, identified, pause, remember, remembered, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

BURNS = "import time\nwhile time.process_time() < 0.5: pass\n"
HALTS = """import signal, sys
from tinycoder.bench.quiet import halted
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
with halted():
    print("halted", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A run in the background that does nothing."""
    place = Place(home=tmp_path)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    known = identified(process.pid)
    assert known
    place.file("process").parent.mkdir()
    write(place.file("process"), dataclasses.asdict(known))
    monkeypatch.setenv(PLACE, str(tmp_path))
    with process:
        yield place
        with suppress(ProcessLookupError):
            process.kill()


def is_halted(run: Place) -> bool:
    pid = json.loads(run.file("process").read_text())["pid"]
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_run_is_halted_for_the_block_only(run: Place) -> None:
    with halted():
        wait_until(lambda: is_halted(run))
    wait_until(lambda: not is_halted(run))


def test_the_run_continues_after_an_exception(run: Place, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), halted():
        raise ZeroDivisionError
    wait_until(lambda: not is_halted(run))
    assert capfd.readouterr().err == f"run in {run.home} is halted for a measurement, and continues at its end\n"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_run_continues_however_a_benchmark_ends(run: Place, end: signal.Signals) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HALTS], stdin=pipe, stdout=pipe, stderr=pipe) as benchmark:
        assert benchmark.stdout
        assert benchmark.stdout.readline() == b"halted\n"
        wait_until(lambda: is_halted(run))
        benchmark.send_signal(end)
        wait_until(lambda: not is_halted(run))


def test_what_somebody_halted_stays_halted(run: Place) -> None:
    pause(run)
    with halted():
        pass
    wait_until(lambda: is_halted(run))


def test_where_a_run_was_started_is_remembered(run: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert remembered({}) == []
    remember(run)
    assert remembered({}) == [run]
    assert remembered({PLACE: ""}) == []
    assert remembered({PLACE: str(tmp_path / "elsewhere")}) == []


def test_work_of_a_child_is_ours_while_it_lives_and_afterwards() -> None:
    before = own_seconds((os.getpid(),))
    with subprocess.Popen([sys.executable, "-c", f"{BURNS}input()"], stdin=subprocess.PIPE):
        wait_until(lambda: own_seconds((os.getpid(),)) - before > 0.4)
    assert own_seconds((os.getpid(),)) - before > 0.4


def test_work_of_a_process_outside_the_tree_is_that_of_others_unless_it_is_named() -> None:
    orphan = f"import os\nif os.fork(): os._exit(0)\nprint(os.getpid(), flush=True)\n{BURNS}input()"
    with subprocess.Popen([sys.executable, "-c", orphan], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.wait()
        wait_until(lambda: own_seconds((pid,)) > 0.4)
        ours, both = own_seconds((os.getpid(),)), own_seconds((os.getpid(), pid))
        assert both - ours > 0.4


@pytest.fixture
def others_work(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let others use a share of the cores."""

    def work(share: float) -> None:
        monkeypatch.delenv(BUSY)
        rate = share * len(os.sched_getaffinity(0))
        monkeypatch.setattr(module, "busy_seconds", lambda: own_seconds((os.getpid(),)) + rate * time.monotonic())

    return work


def test_times_are_refused_beside_other_work(others_work: Callable[[float], None]) -> None:
    others_work(0.5)

    def measure() -> None:
        with quiet() as others:
            time.sleep(0.2)  # a tick is a hundredth of a second
            assert others.figure("5 ms").startswith("refused: other processes used ")
            assert others.value({"p50": 5.0}) is None

    with pytest.raises(SystemExit, match=r"times were refused, since other processes used .* %"):
        measure()


def test_times_are_marked_beside_other_work_where_they_are_wanted(
    others_work: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    others_work(0.5)
    monkeypatch.setenv(BUSY, "1")
    with quiet() as others:
        time.sleep(0.2)
        assert others.figure("5 ms").startswith("5 ms (other processes used ")
        assert others.value(5.0) == 5.0


def test_times_stand_on_a_quiet_machine(others_work: Callable[[float], None]) -> None:
    others_work(-0.5)
    with quiet() as others:
        time.sleep(0.2)
        assert (others.figure("5 ms"), others.value(5.0)) == ("5 ms", 5.0)


def test_times_stand_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing() -> float:
        raise FileNotFoundError

    monkeypatch.setattr(module, "busy_seconds", nothing)
    with quiet() as others:
        assert (others.figure("5 ms"), others.value(5.0)) == ("5 ms", 5.0)
    assert capsys.readouterr().err == "what other processes use of the cores cannot be told on this system\n"


def test_bench_keeps_its_figures_and_warns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Others, "share", lambda self: 0.12)
    out = tmp_path / "out.json"
    result = CliRunner().invoke(
        cli, ["bench", "train", "--size", "1m", "--seconds", "1", "--no-competitors", "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "other processes used 12.0 % of the cores; times are better on a quiet machine" in result.output
    found = json.loads(out.read_text())
    assert (found["others"], found["tokens_per_s"] > 0) == (0.12, True)


def test_a_typing_session_says_why_its_latencies_are_missing(load: Callable[[str], ModuleType]) -> None:
    assert load("feel").latency({"refused": "others work", "popup_ms": None}) == "refused: others work"
