"""``tinycoder stats`` as a person runs it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import refused, tinycoder
from tinycoder_lsp.stats.counts import of_answer, of_outcome
from tinycoder_lsp.stats.statistics import Statistics, statistics_file
from tinycoder_lsp.stats.suggestion_tracker import Outcome


def stats(home: Path, *arguments: str | Path, answer: str = "") -> subprocess.CompletedProcess[str]:
    return tinycoder(home, "stats", *arguments, stdin=answer.encode())


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """A home in which one of two ghost texts was accepted."""
    home = tmp_path / "counted"
    statistics = Statistics(home)
    for accepted in (12, 0):
        ended = Outcome(
            kind="inline",
            how="accepted" if accepted else "ignored",
            shown_s=1.0,
            n_chars=12,
            accepted_chars=accepted,
            typed_chars=0,
        )
        statistics.add(of_outcome(ended))
        statistics.add(of_answer("inline", 40.0, 1))
    statistics.close()
    return home


def test_the_table_is_plain_where_it_is_piped(counted: Path) -> None:
    result = stats(counted)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    assert "50%" in result.stdout
    assert "1 of 2" in result.stdout


def test_json(counted: Path) -> None:
    result = stats(counted, "--json")
    data = json.loads(result.stdout)
    assert data["inline"]["today"]["accepted_chars"] == 12
    assert data["inline"]["all"]["rate"] == 0.5
    (day,) = data["days"].values()
    assert day["inline"]["answers"] == 2


def test_a_page(counted: Path, tmp_path: Path) -> None:
    result = stats(counted, "--html", tmp_path / "page.html")
    assert result.returncode == 0, result.stderr
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")
    refused(stats(counted, "--html", tmp_path / "nowhere" / "page.html"), "choose another path")


def test_nothing_was_counted_yet(tmp_path: Path) -> None:
    result = stats(tmp_path / "empty")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 1
    assert "tinycoder serve" in result.stdout
    assert json.loads(stats(tmp_path / "empty", "--json").stdout)["days"] == {}
    assert "nothing" in stats(tmp_path / "empty", "--clear", "--yes").stdout
    assert not (tmp_path / "empty").exists()


def test_clear_asks(counted: Path) -> None:
    refused(stats(counted, "--clear", answer="n\n"), "tinycoder: nothing was forgotten")
    refused(stats(counted, "--clear", answer=""), "give --yes", code=2)
    assert statistics_file(counted).exists()
    assert stats(counted, "--clear", answer="y\n").returncode == 0
    assert not statistics_file(counted).exists()


def test_a_damaged_file(counted: Path) -> None:
    statistics_file(counted).write_text("{")
    refused(stats(counted), "--clear")
    assert stats(counted, "--clear", "--yes").returncode == 0
    assert stats(counted).returncode == 0
