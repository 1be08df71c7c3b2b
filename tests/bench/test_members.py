"""The comparison of candidates after a dot, with a pretend server in ty's place."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

FAKE = Path(__file__).parent / "fake_server.py"
TEXT = """import machines
from machines import Machine


class Shop:
    def __init__(self):
        self.machine = Machine()
        self.machine.start().stop

    def run(self, other):
        note = "ä"; self.machine.start()
        other.start
        del other.end
        return [other] .copy
"""


@pytest.fixture(scope="module")
def members(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("members")


def test_attributes_that_are_read_are_asked_for(members: ModuleType) -> None:
    found = [(TEXT[place.start : place.end], place.receiver) for place in members.places(TEXT)]
    assert found == [
        ("machine", "self"),
        ("start", "self.name"),
        ("stop", "call"),
        ("machine", "self"),
        ("start", "self.name"),
        ("start", "name"),
        ("copy", "other"),
    ]


@pytest.mark.parametrize("after", ["none", "rest", "word"])
def test_both_are_asked_at_the_same_places(members: ModuleType, tmp_path: Path, after: str) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "machines.py").write_text("class Machine:\n    def start(self):\n        return self\n", encoding="utf-8")
    truths = tmp_path / "truths.json"
    truths.write_text(json.dumps({"start": "", "machine": ""}), encoding="utf-8")
    options = argparse.Namespace(
        max_places=99, seed=0, python="", after=after, ty=f"{sys.executable} {FAKE} all {truths}"
    )
    outcomes, failures = members.compare(root, {"shop.py": TEXT}, options, tmp_path)
    assert failures == {"error": 0, "timeout": 0}
    assert [each.line for each in outcomes] == [8, 8, 8, 11, 11, 12, 14]
    assert [each.theirs for each in outcomes] == [True, True, False, True, True, True, False]
    by_line = {(each.line, each.name): each for each in outcomes}
    assert by_line[11, "start"].known
    assert by_line[11, "start"].ours
    assert not by_line[12, "start"].known
    assert by_line[14, "copy"].ours


def test_shares_are_of_known_receivers(members: ModuleType) -> None:
    def outcome(known: bool, ours: bool, theirs: bool) -> object:
        more = {"project": "p", "path": "a.py", "line": 1, "receiver": "name", "name": "x"}
        return members.Outcome(**more, known=known, ours=ours, theirs=theirs, ours_shown=3, theirs_shown=5)

    outcomes = [outcome(True, True, True), outcome(True, True, False), outcome(True, False, True)]
    outcomes += [outcome(False, False, True)]
    known = members.rows(outcomes)[0]
    assert (known["n"], known["only_ours"], known["only_ty"], known["ratio"]) == (3, 1, 1, 1.0)
    assert "3 of 4 receivers are known (75.0%)" in members.table(outcomes)
    assert "known: name (75%)" in members.table(outcomes)
    assert "0 of 0" in members.table([])
