"""`tinycoder doctor`: what it finds, and that a fault never stops it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cli.command import invoke
from tinycoder.cli import cli
from tinycoder.cli.setup import setup
from tinycoder.doctor.check import guarded
from tinycoder.doctor.editors import check_file, check_helix, check_vscode
from tinycoder.doctor.machine import (
    check_command,
    check_environment,
    check_home,
    check_models,
    check_numpy,
    check_processors,
    check_python,
    check_server,
    numpy_check,
)
from tinycoder.doctor.trial import try_server
from tinycoder.errors import TinyCoderError
from tinycoder.storage.models import workspace_model_name

posix = pytest.mark.skipif(os.name == "nt", reason="the fake programs are shell scripts")
POOL = {"user_api": "blas", "internal_api": "openblas", "version": "0.3.27", "num_threads": 2}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A person with an empty home, and a path with what is in ``bin`` only."""
    (tmp_path / "bin").mkdir()
    return {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """Make a program that does ``body``."""

    def make(name: str, body: str) -> Path:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return make


def install(editor: str, environ: dict[str, str]) -> None:
    """Run the other command, which must be happy."""
    none: dict[str, str | None] = {"XDG_CONFIG_HOME": None, "NVIM_APPNAME": None}
    CliRunner().invoke(setup, [editor], env={**none, **environ}, catch_exceptions=False)


def copied(home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(home, tmp_path / "home"))


def a_server(tmp_path: Path, code: str) -> list[str]:
    """A command that runs this Python code in place of a server."""
    (tmp_path / "server.py").write_text(code, encoding="utf-8")
    return [sys.executable, str(tmp_path / "server.py")]


def test_this_machine_is_described() -> None:
    assert sys.executable in check_python().says
    assert check_processors().state == "fine"
    assert check_numpy().says


def test_a_fast_library_for_matrices_is_named_and_a_slow_one_warned_of() -> None:
    fast = numpy_check("2.1", [{"user_api": "openmp"}, POOL], "scipy-openblas")
    assert fast.state == "fine"
    assert "openblas 0.3.27" in fast.says
    assert numpy_check("2.1", [], "accelerate").state == "fine"
    slow = numpy_check("2.1", [{"user_api": "openmp"}], "blas")
    assert slow.state == "warning"
    assert slow.advice


def test_a_check_that_fails_is_a_line_of_the_report() -> None:
    def fails() -> Any:
        raise ZeroDivisionError("so it is")

    check = guarded(fails)
    assert check.state == "broken"
    assert "so it is" in check.says


def test_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert "will be made" in check_home(home).says
    assert not home.parent.exists()
    assert check_home(tmp_path).state in ("fine", "warning")  # the latter on a full disk
    (tmp_path / "file").touch()
    broken = check_home(tmp_path / "file")
    assert broken.state == "broken"
    assert "TINYCODER_HOME" in broken.advice


def test_models(home: Path, tmp_path: Path) -> None:
    for there in (tmp_path, home):  # another project's model is no better
        general = check_models(there, tmp_path)
        assert general.state == "fine"
        assert "base, which comes with TinyCoder, serves this folder" in general.says
    here = copied(home, tmp_path)
    own = here / "models" / workspace_model_name(tmp_path)
    (here / "models" / "counter").rename(own)
    assert "has its own" in check_models(here, tmp_path).says
    (own / "config.json").unlink()
    damaged = check_models(here, tmp_path)
    assert damaged.state == "broken"
    assert "config.json" in damaged.says
    assert damaged.advice
    assert check_models(here, tmp_path / "elsewhere").state == "warning"


@pytest.mark.parametrize(("file", "goes"), [(None, True), ("training.json", True), ("notes.txt", False)])
def test_what_it_says_to_remove_can_be_removed(tmp_path: Path, file: str | None, goes: bool) -> None:
    folder = tmp_path / "models" / "odd"
    folder.mkdir(parents=True)
    if file:
        (folder / file).write_text("")
    check = check_models(tmp_path, tmp_path)
    assert check.state == "warning"
    assert ("checkpoint remove odd" in check.advice) == goes
    assert (invoke(tmp_path, "checkpoint", "remove", "odd", "--yes").exit_code == 0) == goes
    assert folder.exists() != goes


def test_weights_that_end_too_early_are_damage(home: Path, tmp_path: Path) -> None:
    here = copied(home, tmp_path)
    for weights in here.glob("models/*/model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-1])
    assert "model.safetensors is damaged" in check_models(here, tmp_path).says


def test_the_environment_of_the_folder(tmp_path: Path) -> None:
    absent = check_environment(tmp_path, {})
    assert absent.state == "absent"
    assert "tinycoder.python" in absent.advice
    for name in ("other", ".venv"):
        packages = tmp_path / name / "lib" / "python3.12" / "site-packages"
        packages.mkdir(parents=True)
        (tmp_path / name / "pyvenv.cfg").touch()
        found = check_environment(tmp_path, {})
        assert found.state == "fine"
        assert found.says.startswith(f"{tmp_path / name}, packages in {packages}, library ")
    assert str(tmp_path / "other") in check_environment(tmp_path, {"VIRTUAL_ENV": str(tmp_path / "other")}).says


def test_the_server_is_tried_and_leaves_no_trace(home: Path, tmp_path: Path) -> None:
    here = copied(home, tmp_path)
    before = sorted(path for path in here.rglob("*"))
    check = check_server(here, tmp_path)
    assert check.state == "fine", check.says
    assert "ready after" in check.says
    assert sorted(path for path in here.rglob("*")) == before
    assert not (tmp_path / "tinycoder_doctor.py").exists()


def test_a_server_without_a_valid_model(home: Path, tmp_path: Path) -> None:
    here = copied(home, tmp_path)
    own = here / "models" / workspace_model_name(tmp_path)
    weights = (here / "models" / "counter").rename(own) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    broken = check_server(here, tmp_path)
    assert broken.state == "broken"
    assert "model.safetensors" in broken.says
    assert check_server(here, tmp_path / "elsewhere").state == "fine"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; sys.exit('no such luck')", "no such luck"),
        ("print('hello')", "ended by itself"),
        ("print('Content-Length: many\\r\\n\\r')", "ended by itself"),
        ("import sys; sys.stdin.close(); raise MemoryError", "MemoryError"),
    ],
)
def test_a_server_that_dies(tmp_path: Path, code: str, says: str) -> None:
    with pytest.raises(TinyCoderError, match=says):
        try_server(a_server(tmp_path, code), folder=tmp_path, cwd=tmp_path, timeout_s=30)


def test_a_server_that_says_nothing_is_ended(tmp_path: Path) -> None:
    silent = "import os, sys; open('pid', 'w').write(str(os.getpid())); sys.stdin.read()"
    with pytest.raises(TinyCoderError, match="no initialize within"):
        try_server(a_server(tmp_path, silent), folder=tmp_path, cwd=tmp_path, timeout_s=1)
    if (tmp_path / "pid").exists() and os.name != "nt":  # on a slow machine it was ended before it began
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_server_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(TinyCoderError, match="cannot be started"):
        try_server([str(tmp_path / "none")], folder=tmp_path, cwd=tmp_path, timeout_s=5)


@posix
def test_the_command_on_the_path(environ: dict[str, str], program: Callable[[str, str], Path]) -> None:
    assert "not on the path" in check_command(environ).says
    program("tinycoder", "true")
    other = check_command(environ)
    assert other.state == "warning"
    assert "another installation" in other.says


@posix
def test_neovim(environ: dict[str, str], program: Callable[[str, str], Path], tmp_path: Path) -> None:
    assert check_file("neovim", environ).state == "absent"
    program("nvim", "echo NVIM v0.9.5")
    assert "0.11" in check_file("neovim", environ).advice
    program("nvim", "echo NVIM v0.11.4; echo Build type: Release")
    assert "not set up" in check_file("neovim", environ).says
    install("neovim", environ)
    assert check_file("neovim", environ).state == "fine"
    (tmp_path / ".config" / "nvim" / "lua" / "tinycoder.lua").write_text("-- old")
    stale = check_file("neovim", environ)
    assert stale.state == "warning"
    assert "--force" in stale.advice


@posix
def test_emacs_and_helix(environ: dict[str, str], program: Callable[[str, str], Path]) -> None:
    for name, command, says, check in (
        ("emacs", "emacs", "GNU Emacs 29.4", partial(check_file, "emacs")),
        ("helix", "hx", "helix 25.07", check_helix),
    ):
        assert check(environ).state == "absent"
        program(command, f"echo {says}")
        assert f"tinycoder setup {name}" in check(environ).advice
        install(name, environ)
        assert check(environ).state == "fine"


@posix
def test_vscode(environ: dict[str, str], program: Callable[[str, str], Path]) -> None:
    assert check_vscode(environ).state == "absent"
    program("code", "echo ms-python.python@2025.1")
    assert "not installed" in check_vscode(environ).says
    program("codium", "echo tinycoder.tinycoder@0.0.1")
    old = check_vscode(environ)
    assert old.state == "warning"
    assert "codium: extension 0.0.1" in old.says


@posix
def test_an_editor_that_fails_is_no_error(environ: dict[str, str], program: Callable[[str, str], Path]) -> None:
    program("nvim", "exit 1")
    program("code", "exit 1")
    program("hx", "echo")
    for check in (partial(check_file, "neovim"), check_vscode, check_helix):
        assert check(environ).state == "absent"


def test_the_report_and_its_exit_code(home: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "TINYCODER_HOME": str(home), "PATH": str(tmp_path), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "tinycoder", "doctor"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    report = done.stdout.decode()
    assert done.returncode == 0, report + done.stderr.decode()
    assert done.stderr == b""
    assert "✓ server" in report
    assert "! command             warning: " in report
    assert "- Neovim" in report
    assert report.splitlines()[-1].startswith("nothing broken, ")


def test_what_is_broken_is_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "file").touch()
    result = CliRunner().invoke(cli, ["--home", str(tmp_path / "file" / "home"), "doctor", "--json"])
    assert result.exit_code == 1
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert {"Python", "numpy", "home folder", "models", "server", "Emacs", "Helix"} <= set(checks)
    assert checks["home folder"]["state"] == "broken"
    assert set(checks["server"]) == {"name", "state", "says", "advice"}
