"""The demo in a pipe: what a person sees who has just installed TinyCoder."""

import importlib
import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.cli.command import environment, tinycoder

COLUMNS = 80


def demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    narrow = {**environment(home), "COLUMNS": str(COLUMNS)}
    return tinycoder(home, "demo", *arguments, env=narrow, timeout=600)


@pytest.fixture(scope="module")
def completed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    home = tmp_path_factory.mktemp("demo")
    return home, demo(home, "--minutes", "0")


def test_it_completes_without_training(completed: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, result = completed
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert list(home.iterdir()) == []
    n_shown = result.stdout.count("    author ")
    assert 3 <= n_shown <= 6
    assert result.stdout.count("    tinycoder ") == n_shown
    assert f" of these {n_shown} are right" in result.stdout
    assert "tinycoder setup vscode" in result.stdout


def test_what_it_calls_right_is_what_the_author_wrote(
    completed: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    shown = re.findall(r" {4}tinycoder (.*)\n {4}author {4}(.*)\n {4}(right|wrong), ", completed[1].stdout)
    assert shown
    for offered, truth, verdict in shown:
        if not offered.endswith("…"):
            assert (verdict == "right") == truth.startswith(offered) or truth.endswith("…")


def test_it_fits_a_narrow_window_and_a_pipe(completed: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    assert "\x1b" not in completed[1].stdout
    assert max(map(len, completed[1].stdout.splitlines())) <= COLUMNS


def test_words_say_where_they_come_from(completed: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    words = completed[1].stdout.split("The completion list")[1].split("What next")[0]
    rows = re.findall(r" +[\d.]+%(.*)", words)
    assert len(rows) >= 4
    assert all(re.match(r"  \w", row) for row in rows)


def test_it_learns_and_compares(tmp_path: Path) -> None:
    result = demo(tmp_path, "--minutes", "0.02")
    assert result.returncode == 0, result.stderr
    said = " ".join(result.stdout.split())
    before, after = map(int, re.findall(r"TinyCoder saves (\d+) of 100 keys, and (\d+) after", said)[0])
    keys, *bits = re.findall(r" ([\d.]+) +([\d.]+)$", re.split(r"before +after\n", result.stdout)[1], re.MULTILINE)
    assert all(abs(float(shown) - said) <= 0.6 for shown, said in zip(keys, (before, after), strict=True))
    assert 20 < before < 80
    both, alone = ([float(each) for each in row] for row in bits)
    assert both[0] < alone[0]  # of the same text: the memory helps
    assert both[1] < alone[1]
    assert list(tmp_path.iterdir()) == []


def test_it_leaves_no_model_and_names_a_command_that_can_be_typed(
    tmp_path: Path, completed: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    home, result = completed
    assert not (home / "models").exists()
    program, arguments = re.findall(r"^  (\S+) (doctor)\b", result.stdout, re.MULTILINE)[0]
    done = subprocess.run([program, arguments, "--help"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_program_is_named_as_the_shell_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = importlib.import_module("tinycoder.cli.demo")
    own = Path(sysconfig.get_path("scripts")) / "tinycoder"
    monkeypatch.setenv("PATH", f"{own.parent}{os.pathsep}{os.defpath}")
    assert module.program_name() == "tinycoder"
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.chdir(own.parent.parent.parent)
    assert module.program_name() == str(own.relative_to(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    assert module.program_name() == shlex.join([str(own)])
