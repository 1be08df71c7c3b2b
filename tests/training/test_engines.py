"""What holds of engines without PyTorch."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.command import invoke
from tinycoder.cli.launcher import launcher_ends, note_launcher, told_launcher
from tinycoder.cli.signals import stop_on_signals


def test_without_pytorch_the_engine_says_what_to_install_and_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("tinycoder_training.engines.")]:
        if name.rpartition(".")[2] in ("processes", "torch_engine", "torch_model", "torch_optim"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    done = invoke(tmp_path, "train", tmp_path / "nothing", "--engine", "torch")
    assert done.exit_code == 1
    said = str(done.exception)
    assert "--engine torch needs PyTorch" in said
    assert "pipx inject tinycoder torch" in said
    assert list(tmp_path.iterdir()) == []


def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("TINYCODER_LAUNCHER", "")  # taken back at the end
    note_launcher()


def test_a_run_ends_with_its_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not launcher_ends()()
    launched(monkeypatch)
    gone = launcher_ends()
    assert not gone()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert gone()


def test_the_first_start_goes_on_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    launched(monkeypatch)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert told_launcher() == ""


def test_a_signal_that_arrives_twice_by_a_relay_is_one(capfd: pytest.CaptureFixture[str]) -> None:
    with stop_on_signals(relayed=True) as asked:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        assert asked()
    assert capfd.readouterr().err.count("stopping after this step, then saving") == 1
