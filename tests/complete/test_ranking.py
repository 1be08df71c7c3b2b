"""The order of the completion list, by what is known about the names."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest

from tests.complete.names_at import split
from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.complete.names import name as group
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.ranking import MIN_PROBABILITY, Row, default_weights, features, log_probability, ranked, traits
from tinycoder.storage.checkpoint import Model

SAMPLE = """\
import os
from enum import Enum


class Color(Enum):
    RED = 1


class Base:
    def close(self): pass


class Counter(Base):
    def __init__(self, start):
        self.total = start

    def add(self, amount):
        self.total = self.total + amount
        return self.total


def make_counter(start, *, size=1):
    counter = Counter(start)
    return counter


"""
LINES = [
    "¦", "x = ¦", "x = mak¦", "make_counter(¦", "make_counter(start, si¦", "Counter(1).¦", "Counter(1).to¦", "Color.¦",
    "unknown.¦", "import ¦", "import o¦", "from os import ¦", "from os import path¦", "from enum import ¦", "def ¦",
    "for ¦", "x: ¦", "raise V¦", "class A(¦", "x = total ¦", "make_counter¦", "Counter¦", "for start in ¦",
    "class A(Base):\n    def close(self):\n        super().¦",
    "class A(Base):\n    def m(self):\n        return self.¦",
    "os = ¦", "total = tot¦",
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(model: Model) -> Engine:
    engine = Engine(model)
    engine.observe(Document(path="other.py", text="from os import path\nimport os\n"))
    return engine


def rows(engine: Engine, line: str) -> tuple[Cursor, list[Row]]:
    text, offset = split(SAMPLE + line)
    return engine.rows(Document(path="counter.py", text=text), offset, stop=lambda: False)


@pytest.mark.parametrize("line", LINES)
def test_the_order_is_a_distribution_over_the_same_rows(engine: Engine, line: str) -> None:
    cursor, found = rows(engine, line)
    order = ranked(found, cursor)
    shares = [share for _, share in order]
    assert sorted(row.name.text for row, _ in order) == sorted(row.name.text for row in found)
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)
    assert not found or sum(shares) == pytest.approx(1)
    random.Random(line).shuffle(found)
    assert [row.name.text for row, _ in ranked(found, cursor)] == [row.name.text for row, _ in order]


@pytest.mark.parametrize("line", ["x = ¦", "x = cou¦", "Counter(1).¦", "from os import ¦"])
def test_of_equal_rows_the_likelier_comes_first(engine: Engine, line: str) -> None:
    cursor, found = rows(engine, line)
    likely, unlikely = (dataclasses.replace(found[0], probability=p) for p in (0.7, 0.2))
    assert [row for row, _ in ranked([unlikely, likely], cursor)] == [likely, unlikely]


def test_equal_rows_are_sorted_by_name(engine: Engine) -> None:
    cursor, found = rows(engine, "x = ¦")
    assert ranked([], cursor) == []
    alike = [
        dataclasses.replace(found[0], name=dataclasses.replace(found[0].name, text=text)) for text in ("bb", "cc", "aa")
    ]
    assert [row.name.text for row, _ in ranked(alike, cursor)] == ["aa", "bb", "cc"]


def test_the_logarithm_of_no_probability_is_finite(engine: Engine) -> None:
    row = dataclasses.replace(rows(engine, "x = ¦")[1][0], probability=0.0)
    assert log_probability(row) == pytest.approx(math.log(MIN_PROBABILITY))


def test_features_differ_and_their_kinds_are_those_of_the_weights(engine: Engine) -> None:
    kinds: set[str] = set()
    for line in LINES:
        cursor, found = rows(engine, line)
        for row in found:
            active = features(next(traits([row], cursor)))
            assert len(set(active)) == len(active)
            kinds.update(feature.split()[0] for feature in active)
    assert {name.split()[0] for name in default_weights()} - {"log"} == kinds


def test_default_weights_are_finite_and_prefer_likely_names() -> None:
    weights = default_weights()
    assert weights["log"] > 0
    assert all(math.isfinite(weight) for weight in weights.values())
    groups = {name.split()[1] for name in weights if name.startswith("group ")}
    assert {group.LOCAL, group.PARAMETER, group.DEFINED, group.MEMBER, group.INHERITED, group.ARGUMENT} <= groups


@pytest.mark.parametrize(
    ("line", "first"),
    [("Color.¦", "RED"), ("Counter(1).¦", "total"), ("x = make_c¦", "make_counter"), ("make_counter(1, si¦", "size=")],
)
def test_the_expected_name_comes_first(engine: Engine, line: str, first: str) -> None:
    cursor, found = rows(engine, line)
    assert ranked(found, cursor)[0][0].name.text == first
