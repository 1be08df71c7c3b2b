"""The demo in a pipe: what a person sees who has just installed TinyCoder."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import environment, tinycoder
from tinycoder.storage.checkpoint import load_model

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
    assert "held-out text: " in result.stderr
    table = re.split(r"before +after\n", result.stdout)[1]
    assert len(re.findall(r" [\d.]+%? +[\d.]+%?$", table, re.MULTILINE)) == 5
    model = load_model(tmp_path / "models" / "demo")
    assert model.training.finished
    assert model.training.origin == "base"
