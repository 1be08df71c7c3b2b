"""Print the oldest version of every run-time dependency that pyproject.toml allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
for requirement in project["dependencies"]:
    found = re.match(r"(?P<name>[A-Za-z0-9._-]+)[^;]*>=(?P<floor>[0-9.]+)", requirement)
    assert found, f"{requirement!r} has no floor"
    print(f"{found['name']}=={found['floor']}")
