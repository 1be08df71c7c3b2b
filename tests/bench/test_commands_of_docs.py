"""Each command of the pages with figures that is a script of ours exists, with the options that it names."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("benchmarks.md", "targets.md"))
COMMANDS = sorted(set(re.findall(r"python ((?:benchmarks|training)/[^`\n]+)", PAGE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_exists(command: str) -> None:
    script, *arguments = re.sub(r'"[^"]*"', "TEXT", command).split(" -- ")[0].split()
    source = (ROOT / script).read_text(encoding="utf-8")
    for option in (argument for argument in arguments if argument.startswith("--")):
        assert f'"{option}"' in source, f"{script} has no {option}"


def test_no_command_of_the_page_is_outside_the_tree() -> None:
    assert not re.findall(r"python (?!benchmarks/|training/|-m )[\w/.]+\.py", PAGE)
