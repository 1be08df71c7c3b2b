"""``[tool.tinycoder]`` in pyproject.toml, as the command line reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.command import ADDER, invoke, write_adders
from tinycoder.cli.train import TrainOptions


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with code in a folder, some of it made by a program."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".git").mkdir()
    write_adders(folder / "src", 6)
    (folder / "src" / "made").mkdir()
    (folder / "src" / "made" / "big.py").write_text(ADDER.format(n=99))
    return folder


def share(project: Path, *lines: str) -> None:
    (project / "pyproject.toml").write_text("\n".join(["[tool.tinycoder]", *lines, ""]), encoding="utf-8")


def run(project: Path, *arguments: str | Path) -> Result:
    return invoke(project.parent / "home", *arguments)


def left_out(project: Path, *arguments: str | Path) -> dict[str, str]:
    result = run(project, "train", *arguments, "--list", "--json")
    assert result.exit_code == 0, result.output
    entries = json.loads(result.stdout)["left_out"]
    return {each["path"]: each["reason"] for each in entries if each["path"] != ".git/"}


@pytest.mark.parametrize("below", ["", "src", "src/made", "src/made/big.py"])
def test_what_the_project_excludes_is_read_by_nobody(project: Path, below: str) -> None:
    share(project, 'exclude = ["/src/made/"]')
    if below in ("", "src"):
        found = left_out(project, project / below)
        assert list(found.values()) == ["excluded by pyproject.toml"]
        assert next(iter(found)).endswith("made/big.py")
    else:
        assert run(project, "train", project / below, "--list").exit_code == 1


def test_the_command_lines_patterns_add_to_it(project: Path) -> None:
    share(project, 'exclude = ["/src/made/"]')
    found = left_out(project, project, "--exclude", "add_1.py")
    assert found == {"src/add_1.py": "excluded", "src/made/big.py": "excluded by pyproject.toml"}


def test_without_a_repository_the_folders_above_belong_to_others(project: Path) -> None:
    share(project, 'exclude = ["made/"]')
    (project / ".git").rmdir()
    assert left_out(project, project / "src") == {}
    assert left_out(project, project) == {"src/made/big.py": "excluded by pyproject.toml"}


def test_a_package_without_the_table_is_under_that_of_the_repository(project: Path) -> None:
    share(project, 'exclude = ["made/"]')
    (project / "src" / "pyproject.toml").write_text("[tool.other]\n# tinycoder\n", encoding="utf-8")
    assert list(left_out(project, project / "src")) == ["made/big.py"]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[TrainOptions]:
    """The options that reach the training, which is not begun."""
    import tinycoder.cli.train_job

    found: list[TrainOptions] = []

    def job_of(home: Path, folder: Path, options: TrainOptions, workspaces: Any) -> None:
        found.append(options)

    monkeypatch.setattr(tinycoder.cli.train_job, "job_of", job_of)
    return found


RECIPE = (
    "[tool.tinycoder.training]",
    'minutes = 3\npreset = "nano"\nbatchSize = 5\ncontext = 64\noptimizer = "adamw"\nseed = 7',
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"minutes": 3, "preset": "nano", "batch_size": 5, "window": 64, "optimizer": "adamw", "seed": 7}),
        (["--minutes", "1", "--preset", "tiny"], {"minutes": 1, "preset": "tiny"}),
        (["--steps", "2"], {"minutes": None, "steps": 2}),
        (["--optimizer", "muon", "--seed", "0"], {"optimizer": "muon", "seed": 0}),
        (["--from", "base"], {"preset": None, "minutes": 3}),
        (["--recent", "1"], {"preset": None, "minutes": None, "seed": 7}),
        (["--resume"], {"preset": None, "minutes": None, "seed": None, "optimizer": "muon"}),
        (["--recipe", "validation"], {"preset": None, "minutes": None, "seed": None}),
    ],
)
def test_the_command_line_goes_before_the_project_and_that_before_the_defaults(
    project: Path, seen: list[TrainOptions], arguments: list[str], expected: dict[str, Any]
) -> None:
    share(project, *RECIPE)
    paths = [] if "--recipe" in arguments else [str(project)]
    run(project, "train", *paths, *arguments, "--json")
    assert {name: getattr(seen[0], name) for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("modle = 1", "tool.tinycoder.modle is unknown; known are enable"),
        ("inline.blok = 'off'", "did you mean tool.tinycoder.inline.block?"),
        ("popup.limit = 'many'", "tool.tinycoder.popup.limit is 'many', a whole number of at least 1 is needed"),
        ("python = '/usr/bin/python3'", "tool.tinycoder.python concerns one person's machine"),
        ("model = '/tmp/x'", "tool.tinycoder.model concerns one person's machine"),
        ("home = '/tmp/x'", "tool.tinycoder.home concerns one person's machine"),
        ("server.command = ['x']", "tool.tinycoder.server concerns one person's machine"),
        ("statistics.enable = true", "tool.tinycoder.statistics concerns one person's machine"),
        ("training.steps = 3", "tool.tinycoder.training.steps is unknown"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_rest_holds(project: Path, line: str, words: str) -> None:
    share(project, line, 'exclude = ["made/"]')
    result = run(project, "train", project, "--list")
    assert result.exit_code == 0
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "excluded by pyproject.toml" in result.stdout


@pytest.mark.parametrize("lines", [["exclude = "], ['exclude = "made/"'], ["exclude = [1]"], ["[tool.tinycoder]"]])
@pytest.mark.parametrize(
    "command", [["train", "{}", "--list"], ["evaluate", "{}"], ["complete", "{}/src/add_0.py:1:1"]]
)
def test_no_command_reads_on_where_it_is_not_known_what_not_to_read(
    project: Path, lines: list[str], command: list[str]
) -> None:
    share(project, *lines)
    result = run(project, *(each.format(project) for each in command))
    assert result.exit_code == 1
    assert "pyproject.toml: " in str(result.exception)
    assert "put it right" in str(result.exception)


@pytest.mark.parametrize(
    "text", [b"no = TOML =", b"\xff\xfe", b"[tool.other]\nx = 1", b"[project]\nname='tinycoder'", b""]
)
def test_a_file_that_says_nothing_of_us_is_not_ours_to_judge(project: Path, text: bytes) -> None:
    (project / "pyproject.toml").write_bytes(text)
    assert left_out(project, project) == {}
