"""What a person reads in a narrow terminal: no line is too long, and no word is broken."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import environment, tinycoder, write_adders
from tests.conftest import command_runner
from tinycoder.cli import cli
from tinycoder.cli.terminal import text_table, wrapped

WIDTHS = [80, 60]
WIDE = 400
SMALL = ["--cursors", "2", "--typing", "40", "--bytes", "100", "--held-out", "add_3.py"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adders(tmp_path_factory.mktemp("widths") / "project", 6)


def shown(home: Path, columns: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return tinycoder(home, *arguments, env={**environment(home), "COLUMNS": str(columns)})


def fits(narrow: str, wide: str, columns: int) -> None:
    """Each line fits, but for one of a single word, and each word is one of the wide text."""
    words = set(wide.split())
    for line in narrow.splitlines():
        assert len(line.rstrip()) <= columns or len(line.split()) == 1, line
        assert set(line.split()) <= words, line


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("checkpoint", "list"),
        ("checkpoint", "show", "base"),
        ("checkpoint", "show", "counter"),
        ("train", ".", "--dry-run", "--preset", "nano", "--steps", "9"),
    ],
    ids=" ".join,
)
def test_no_word_is_broken(home: Path, arguments: tuple[str, ...], columns: int) -> None:
    narrow, wide = (shown(home, each, *arguments) for each in (columns, WIDE))
    assert narrow.returncode == 0, narrow.stderr
    if arguments[0] == "train":  # its figures are times
        assert max(map(len, narrow.stdout.splitlines())) <= columns
    elif arguments[1] == "show":
        shown_narrow, shown_wide = (re.sub("[\u2500-\u257f]", " ", each.stdout) for each in (narrow, wide))  # its lines
        fits(shown_narrow.partition("\n")[2], shown_wide, columns)
    else:
        fits(narrow.stdout, wide.stdout, columns)


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_word_of_doctor_is_broken(home: Path, columns: int) -> None:
    narrow, wide = (shown(home, each, "doctor").stdout for each in (columns, WIDE))
    for line in narrow.splitlines():
        assert len(line) <= columns or max(map(len, line.split())) > columns - 22, line  # a path stays whole
        assert {word for word in line.split() if not word[0].isdigit()} <= set(wide.split()), line


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_word_of_an_evaluation_is_broken(home: Path, project: Path, columns: int) -> None:
    arguments = ("evaluate", project, "--model", "counter", *SMALL)
    narrow, wide = (shown(home, each, *arguments, "--full") for each in (columns, WIDE))
    assert narrow.returncode == 0, narrow.stderr
    answer = narrow.stdout.partition("Milliseconds")[0]  # times differ
    fits(answer, wide.stdout, columns)
    assert max(map(len, narrow.stdout.splitlines())) <= columns


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_word_of_a_run_is_broken_and_its_samples_are_explained(tmp_path: Path, project: Path, columns: int) -> None:
    run = shown(tmp_path, columns, "train", project, "--preset", "nano", "--steps", "30")
    assert run.returncode == 0, run.stderr
    said = run.stderr + run.stdout
    assert all(len(line) <= columns or "/" in line for line in said.splitlines())
    assert said.count("▸ how the model continues it") == 1
    assert said.count(" ▸ ") > 1
    assert "bits per byte" in said
    for word in ("loss", "nats", "perplexity", "bpb"):
        assert word not in said


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_word_of_the_help_is_broken(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    for name in ("", *cli.commands):
        narrow, wide = (
            command_runner().invoke(cli, [*name.split(), "--help"], terminal_width=each).output
            for each in (columns, WIDE)
        )
        assert all(len(line) <= columns for line in narrow.splitlines()), name
        cut = {word for word in narrow.split() if word.endswith("...")}  # a command's first words
        assert set(narrow.split()) - cut <= set(wide.split()), name


def test_a_card_is_shown_without_its_markdown(home: Path) -> None:
    said = shown(home, 80, "checkpoint", "show", "base").stdout
    assert "How well it predicts" in said
    for mark in ("##", "|---", "| ", "`", "**", "](http"):
        assert mark not in said


def test_a_model_that_is_broken_says_why_below_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "hurt"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    lines = shown(tmp_path, 60, "checkpoint", "list").stdout.splitlines()
    at = lines.index("hurt")
    assert lines[at + 1].endswith("broken")
    assert lines[at + 2].strip()
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in lines)


def test_a_wide_table_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    head = ("", *(f"measure {i}" for i in range(7)))
    rows = [(name, *(f"{i}.123" for i in range(7))) for name in ("all of them", "none")]
    parts = text_table(head, rows).split("\n\n")
    assert all("all of them" in part and "none" in part for part in parts)
    assert [part.count(".123") for part in parts] == [4, 4, 4, 2]
    assert max(len(line) for part in parts for line in part.splitlines()) <= 40
    assert text_table(("name",), [("a",), ("bb",)]) == "name\na\nbb"


def test_a_word_that_is_wider_than_the_terminal_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = "/a/very/long/path/that/is/much/longer/than/the/terminal.py"
    assert path in wrapped(f"see {path} for more").splitlines()
