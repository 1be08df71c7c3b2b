"""``tinycoder complete`` as a person runs it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import refused, tinycoder

TYPED = "import os\n\n\ndef write(okapi):\n    quagga_offset = o\n"
READ = "def read_{}(okapi):\n    quagga_offset = okapi.stride\n    return quagga_offset\n\n\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    (folder / "pkg" / "io.py").write_text("".join(map(READ.format, "abcdefgh")))
    (folder / "pkg" / "new.py").write_bytes(TYPED.encode())
    return folder


def complete(home: Path, cursor: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With the model that knows the lesson verbatim."""
    return tinycoder(home, "complete", cursor, "--model", "counter", *arguments)


def test_the_workspace_reaches_the_cursor(home: Path, project: Path) -> None:
    cursor = f"{project / 'pkg' / 'new.py'}:5:22"
    plain = complete(home, cursor)
    assert plain.returncode == 0, plain.stderr
    ghost, words = plain.stdout.split("names (%: how likely each name is, of all that fit here):\n")
    assert ghost.startswith("    quagga_offset = o▏\nghost text (%: how likely the whole text comes next):\n")
    assert "okapi.stride" in ghost
    first = words.splitlines()[0]
    assert "okapi" in first
    assert "parameter of write" in first
    answer = json.loads(complete(home, cursor, "--json").stdout)
    assert answer["model"] == "counter"
    assert (answer["path"], answer["line"], answer["column"]) == ("pkg/new.py", 5, 22)
    word = answer["names"][0]
    assert (word["text"], TYPED[word["start"] : word["end"]]) == ("okapi", "o")
    assert word["source"] == "parameter of write"
    assert 0 < word["probability"] <= 1
    assert answer["ghost"][0]["text"] == "okapi.stride"


def test_parts_can_be_left_out_and_several_samples_asked_for(home: Path, project: Path) -> None:
    cursor = f"{project / 'pkg' / 'new.py'}:5:22"
    without = complete(home, cursor, "--json", "--without", "memory", "--without", "names")
    assert not any(word["source"].startswith("seen") for word in json.loads(without.stdout)["names"])
    several = json.loads(complete(home, cursor, "--json", "--samples", "3").stdout)
    texts = [each["text"] for each in several["ghost"]]
    assert 1 <= len(set(texts)) == len(texts) <= 3
    chances = [each["probability"] for each in several["ghost"]]
    assert chances == sorted(chances, reverse=True)


def test_nothing_to_offer_is_said_on_standard_error(home: Path, project: Path) -> None:
    (project / "odd.py").write_text("xyzzy_plugh = 'qqq")
    result = complete(home, f"{project / 'odd.py'}:1:19")
    assert result.returncode == 0
    assert result.stdout == ""
    assert "no ghost text" in result.stderr


def test_lines_end_as_editors_have_them_and_columns_are_characters(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("x = '😀'\r\n\x0c\rimport os\r\n\r\nclass Cou".encode())
    answer = json.loads(complete(home, f"{tmp_path / 'a.py'}:5:10", "--json").stdout)
    assert answer["path"] == "a.py"
    assert answer["names"][0]["text"] == "Counter"
    assert complete(home, f"{tmp_path / 'a.py'}:1:8").returncode == 0
    assert complete(home, f"{tmp_path / 'a.py'}:1:9").returncode == 1


@pytest.mark.parametrize(
    "raw",
    [
        "# coding: latin-1\nx = 'é'; import os\nclass Cou".encode("latin-1"),
        "\ufeff# é\r\nx = 'é'; import os\r\nclass Cou".encode(),
        "# é\rx = 'é'; import os\rclass Cou".encode(),
    ],
)
def test_a_file_is_decoded_as_training_decodes_it(home: Path, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.py").write_bytes(raw)
    answer = json.loads(complete(home, f"{tmp_path / 'a.py'}:3:10", "--json").stdout)
    assert answer["names"][0]["text"] == "Counter"
    text = "# é\nx = 'é'; import os\nclass Cou"
    (tmp_path / "a.py").write_bytes(text.encode())
    plain = json.loads(complete(home, f"{tmp_path / 'a.py'}:3:10", "--json").stdout)
    assert [each["text"] for each in plain["ghost"]] == [each["text"] for each in answer["ghost"]]


@pytest.mark.parametrize(
    ("cursor", "words"),
    [
        ("pkg/new.py:99:1", ["new.py has 6 lines", "99"]),
        ("pkg/new.py:5:23", ["line 5", "21 characters", "column 23"]),
        ("pkg/none.py:1:1", ["none.py does not exist"]),
        ("pkg:1:1", ["is no file"]),
        ("pkg/latin.py:1:1", ["latin.py is not UTF-8"]),
    ],
)
def test_a_cursor_outside_a_file_is_one_sentence(home: Path, project: Path, cursor: str, words: list[str]) -> None:
    (project / "pkg" / "latin.py").write_bytes(b"x = '\xe9'\n")
    result = tinycoder(home, "complete", str(project / cursor))
    refused(result, *words)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "FILE:LINE:COL"),
        (["a.py"], "FILE:LINE:COL"),
        (["a.py:0:1"], "counted from 1"),
        (["a.py:1:1", "--without", "zoo"], "'zoo' is not one of"),
    ],
)
def test_options_that_do_not_fit(home: Path, arguments: list[str], word: str) -> None:
    refused(tinycoder(home, "complete", *arguments), word, code=2)


def test_without_a_model_of_its_own_the_bundled_one_completes(home: Path, project: Path) -> None:
    answer = json.loads(tinycoder(home, "complete", f"{project / 'pkg' / 'new.py'}:5:22", "--json").stdout)
    assert answer["model"] == "base"
    assert "okapi" in [word["text"] for word in answer["names"]]
