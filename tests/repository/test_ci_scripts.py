"""The scripts beside the checks: what an audit's outcome means, and that every dependency has a floor."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

CI = Path(__file__).parents[2] / ".ci"
pytestmark = pytest.mark.skipif(not CI.is_dir(), reason="only where the project's own folder is")

SKIPPED = "audit: skipped, the advisory service cannot be reached"
CLEAN = {"name": "click", "version": "8.1.7", "vulns": []}
KNOWN = {
    "name": "old",
    "version": "1.0",
    "vulns": [{"id": "X-1", "fix_versions": ["1.1"]}, {"id": "X-2", "fix_versions": []}],
}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found"}


@pytest.fixture(scope="module")
def audit() -> dict[str, Any]:
    return runpy.run_path(str(CI / "audit.py"))


def outcome(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_an_advisory_fails_and_is_named(audit: dict[str, Any]) -> None:
    code, said = audit["verdict"](1, outcome(CLEAN, KNOWN, UNKNOWN), "Found 2 known vulnerabilities")
    assert code == 1
    assert said.splitlines() == [
        "audit: old 1.0: X-1, fixed in 1.1",
        "audit: old 1.0: X-2, fixed in -",
        "audit: 2 dependencies looked up, 2 advisories; not looked up: own",
    ]


def test_no_advisory_is_well(audit: dict[str, Any]) -> None:
    assert audit["verdict"](0, outcome(CLEAN), "") == (0, "audit: 1 dependencies looked up, 0 advisories")


@pytest.mark.parametrize(
    ("out", "err"),
    [
        ("", "requests.exceptions.ProxyError: HTTPSConnectionPool(...): Max retries exceeded"),
        ("", "ERROR:pip_audit._cli:Could not connect to the vulnerability feed"),
        (outcome(UNKNOWN, UNKNOWN), "No known vulnerabilities found"),  # of nothing, which is no news
        (outcome(), ""),
    ],
)
def test_where_nothing_could_be_looked_up_that_is_said(audit: dict[str, Any], out: str, err: str) -> None:
    assert audit["verdict"](1, out, err) == (0, SKIPPED)


@pytest.mark.parametrize("out", ["", "{", "[]", "{}"])
def test_any_other_failure_is_one(audit: dict[str, Any], out: str) -> None:
    code, said = audit["verdict"](2, out, "usage: unrecognized arguments")
    assert code == 1
    assert "failed with code 2" in said


def test_what_is_needed_at_run_time_is_looked_up_with_what_that_needs(audit: dict[str, Any]) -> None:
    pins = audit["pinned"]("tinycoder")
    assert {"numpy", "click", "pygls", "attrs"} <= set(pins)  # attrs is what cattrs needs
    assert not {"torch", "matplotlib", "pytest", "ruff"} & set(pins)


def test_every_dependency_has_a_floor() -> None:
    done = subprocess.run([sys.executable, CI / "floors.py"], capture_output=True, text=True, timeout=60, check=True)
    floors = dict(line.split("==") for line in done.stdout.splitlines())
    declared = {re.split(r"[^\w.-]", text)[0]: text for text in requires("tinycoder") or () if "extra ==" not in text}
    assert floors.keys() == declared.keys()
    assert all(f">={floor}" in declared[name] for name, floor in floors.items())
