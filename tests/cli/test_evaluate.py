"""``tinycoder evaluate`` as a person runs it, with a model that knows the LESSON verbatim."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import refused, tinycoder
from tests.conftest import LESSON

SMALL = ["--cursors", "4", "--typing", "60", "--bytes", "200", "--no-baselines"]


def evaluate(home: Path, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return tinycoder(home, "evaluate", *arguments, **options)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for n in range(4):
        (folder / f"counter_{n}.py").write_text(LESSON.replace("total", f"total_{n}") + f"\n\nLAST = {n} <= 7\n")
    (folder / "lesson.py").write_text(LESSON)
    return folder


def test_tables_json_and_page(home: Path, repository: Path, tmp_path: Path) -> None:
    data, picture = tmp_path / "figures.json", tmp_path / "page.html"
    chosen = ("--model", "counter", "--held-out", "lesson.py", "--without", "memory")
    result = evaluate(home, *SMALL, *chosen, "--json", data, "--html", picture, cwd=repository)
    assert result.returncode == 0, result.stderr
    for words in ("model: counter", "files scored: 1", "TinyCoder", "without memory", "--full"):
        assert words in result.stdout
    assert "popup-5" not in result.stdout
    assert "100%" not in result.stdout
    assert "all: typing" in result.stderr
    assert "was not trained on exactly these files" in result.stderr
    figures = json.loads(data.read_text(encoding="utf-8"))
    assert figures["settings"]["n_cursors"] == 4
    assert [variant["name"] for variant in figures["variants"]] == ["all", "without memory"]
    for variant in figures["variants"]:
        assert variant["inline"]["n"] > 0
        assert variant["typing"]["keys_per_character"]["best"] < 1
        assert variant["prediction"]["bits_per_byte"] > 0
    text = picture.read_text(encoding="utf-8")
    assert text.count("<svg") >= 3
    assert "://" not in text


def test_the_answer_comes_first_and_the_rest_on_request(home: Path, repository: Path, tmp_path: Path) -> None:
    chosen = ("--model", "counter", "--held-out", "lesson.py", "--without", "memory", "--json", tmp_path / "all.json")
    result = evaluate(home, *SMALL, *chosen, "--full", cwd=repository)
    assert result.returncode == 0, result.stderr
    every, other = json.loads((tmp_path / "all.json").read_text())["variants"]
    saved = [round(100 - 100 * each["typing"]["keys_per_character"]["best"]) for each in (every, other)]
    said = " ".join(result.stdout.split())
    assert said.startswith(f"In your code TinyCoder saves {saved[0]} of 100 keys; without memory {saved[1]}. ")
    right = round(100 * every["inline"]["exact"])
    assert f"Its ghost text is the author's line at {right} of 100 cursors, and the right name is on top" in said
    assert result.stdout.index("keys saved ") < result.stdout.index("Keys pressed per character")
    assert "popup-5" in result.stdout
    assert "perplexity" not in said


def test_json_on_stdout_and_the_baselines(home: Path, repository: Path) -> None:
    small = [*SMALL[:-1], "--held-out", "counter_*.py", "--after", "rest", "--model", "counter"]
    result = evaluate(home, repository, *small, "--json", "-")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["settings"]["after_rest"]
    assert (figures["n_held_out"], figures["n_known"]) == (4, 1)
    names = [variant["name"] for variant in figures["variants"]]
    assert names == ["all", "n-gram alone", "transformer alone", "copy alone"]
    assert "LAST" not in result.stdout


def test_files_that_the_model_learnt_are_not_scored(tmp_path: Path, repository: Path) -> None:
    home = tmp_path / "home"
    trained = tinycoder(home, "train", repository, "--preset", "nano", "--steps", "2", "--seed", "5")
    assert trained.returncode == 0, trained.stderr
    result = evaluate(home, repository, *SMALL, "--json", "-")
    assert result.returncode == 0, result.stderr
    assert "note:" not in result.stderr
    refused(evaluate(home, repository, *SMALL, "--held-out", "*.py"), "was trained on", "say nothing")


def test_without_another_model_the_shipped_one_is_measured(home: Path, repository: Path) -> None:
    small = [*SMALL[:3], "0", "--bytes", "200", "--no-baselines", "--held-out", "lesson.py"]
    result = evaluate(home, *small, "--learnt", "counter_0.py", "--json", "-", cwd=repository)
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["model"] == "base"
    assert set(figures["variants"][0]["verbatim"]["by_origin"]) == {"this file", "workspace", "learnt"}
    assert "note: what base was trained on is not here, so copies of it are not counted" in result.stderr


def test_bad_input(home: Path, repository: Path, tmp_path: Path) -> None:
    refused(evaluate(home, repository, "--model", "missing"), "missing")
    refused(evaluate(home, repository, "--without", "moon"), "'moon' is no part of the engine", "memory")
    refused(evaluate(home, tmp_path / "nothing-here"), "nothing-here")
    refused(evaluate(home, repository, "--learnt", tmp_path / "not-there"), "not-there", "does not exist")
    refused(evaluate(home, repository, "--held-out", "*.txt"), "no file matches", ".py")
    refused(evaluate(home, repository, "--places", "0", "--typing", "0"), "nothing to ask")
    refused(evaluate(home, repository, *SMALL, "--html", tmp_path / "no" / "page.html"), "cannot write")
