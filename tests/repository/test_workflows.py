"""The workflows run what is supported, and say that nobody has run them yet."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
WORKFLOWS = REPOSITORY / ".github/workflows"
pytestmark = pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="only where the project's own folder is")


def test_every_supported_python_is_tested_and_the_oldest_is_the_floor() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (matrix,) = re.findall(r"^ +python: \[(.*)\]$", (WORKFLOWS / "tests.yml").read_text(encoding="utf-8"), re.MULTILINE)
    tested = re.findall(r'"(3\.\d+)"', matrix)
    supported = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert set(supported) <= set(tested)
    assert project["requires-python"] == f">={tested[0]}"


@pytest.mark.parametrize("name", ["tests.yml", "release.yml"])
def test_a_workflow_that_nobody_has_run_says_so_first(name: str) -> None:
    assert (WORKFLOWS / name).read_text(encoding="utf-8").startswith("# Not run yet")
