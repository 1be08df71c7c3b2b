"""Members of what expressions stand for, and whether they are known to be all."""

from __future__ import annotations

import pytest

from tests.symbols.fake_modules import at
from tinycoder.complete.candidate import KINDS

TEXT = """
import abc, argparse, enum, functools, types
from collections import namedtuple
from dataclasses import dataclass
from typing import NamedTuple, TypedDict, Generic, TypeVar
from bases import Far, Catching

T = TypeVar("T")
LIMIT = 1
limit = 1

class Base(abc.ABC):
    shared = 1
    def prepare_all(self): ...
    def __hidden(self): ...

class Door(Base):
    size: int = 0
    def __init__(self):
        self.color = 'red'
        self.__secret = 1
    @property
    def width(self): ...
    @functools.cached_property
    def height(self): ...
    @classmethod
    def make(cls): ...
    class Handle: ...
    def prepare_more(self): ...

class Window(Far):
    def tilt_fully(self): ...

class Color(enum.Enum):
    RED = 1
    BLUE = 2
    def shade(self): ...

class Keys(TypedDict):
    title: str

class Point(NamedTuple):
    x: int

Pair = namedtuple("Pair", "left right")

class Plain(type):
    def build(cls): ...

class Adding(type):
    def __new__(mcs, *args): ...

class WithPlain(metaclass=Plain): ...
class WithAdding(metaclass=Adding):
    made = Door()

@unheard
class Decorated: ...

@dataclass
class Data:
    a: int

class Box(Generic[T]):
    item: T

class Unread(nowhere.Base): ...
class OfCatching(Catching): ...
class Around(Around): ...
class SpeakingMixin: ...
class Speaker(SpeakingMixin): ...

either: Door | Window
door_or_unread: Door | Unread
"""
BASES = """
class Far:
    def far(self): ...

class Catching:
    def __getattr__(self, name): ...
"""


def names(expression: str, within: str = "") -> list[str]:
    """Members without dunders."""
    rows = at(TEXT, within, bases=BASES).names(expression)
    return [name for name in rows if not (name.startswith("__") and name.endswith("__"))]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Door()", "size width height make Handle prepare_more color __secret shared prepare_all"),
        ("Window()", "tilt_fully far"),
        ("Color", "RED BLUE shade"),
        ("Color.RED", "shade"),
        ("WithPlain", "build mro"),
        ("Box(1)", "item"),
        ("either", "size width height make Handle prepare_more color __secret shared prepare_all tilt_fully far"),
        ("Point(1)", "x _asdict _replace _make _fields _field_defaults"),
    ],
)
def test_rows_begin_with_the_own_ones(expression: str, expected: str) -> None:
    wanted = expected.split()
    assert names(expression)[: len(wanted)] == wanted


def test_what_a_class_does_not_show() -> None:
    assert "color" not in names("Door")
    assert "title" not in names("Keys()")
    assert "get" in names("Keys()")
    assert "casefold" not in names("b''")
    assert {"left", "right", "_replace"} <= set(names("Pair(1, 2)"))


def test_super_shows_bases_only() -> None:
    rows = names("super()", "Door.prepare_more")
    assert rows[:2] == ["shared", "prepare_all"]
    assert "prepare_more" not in rows


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        ("Door()", True),
        ("Door", True),
        ("Window()", True),
        ("Color", True),
        ("Color.RED", True),
        ("Data(1)", True),
        ("Box(1)", True),
        ("Point(1)", True),
        ("Pair(1, 2)", True),
        ("WithPlain()", True),
        ("either", True),
        ("''", True),
        ("{}", True),
        ("int", True),
        ("functools", True),
        ("bases", False),  # is not imported
        ("WithAdding()", False),
        ("WithAdding", False),
        ("Decorated()", False),
        ("Unread()", False),
        ("OfCatching()", False),
        ("Around()", False),
        ("door_or_unread", False),
        ("SpeakingMixin()", False),
        ("Speaker()", True),
        ("argparse.Namespace()", False),
        ("types.SimpleNamespace()", False),
        ("nowhere", False),
        ("Door().prepare_all", False),
        ("None", False),
    ],
)
def test_known(expression: str, known: bool) -> None:
    assert at(TEXT, bases=BASES).known(expression) is known


@pytest.mark.parametrize(
    ("expression", "name", "kind", "owner", "depth"),
    [
        ("Door()", "size", "field", "Door", 0),
        ("Door()", "color", "field", "Door", 0),
        ("Door()", "width", "property", "Door", 0),
        ("Door()", "height", "property", "Door", 0),
        ("Door()", "prepare_more", "method", "Door", 0),
        ("Door()", "Handle", "class", "Door", 0),
        ("Door()", "prepare_all", "method", "Base", 1),
        ("Door()", "__eq__", "method", "object", 3),
        ("Color", "RED", "enum member", "Color", 0),
        ("main", "LIMIT", "constant", "main", 0),
        ("main", "limit", "variable", "main", 0),
        ("main", "Door", "class", "main", 0),
        ("main", "Color", "enum", "main", 0),
        ("main", "abc", "module", "main", 0),
        ("main", "Far", "class", "main", 0),
        ("main", "dataclass", "function", "main", 0),
    ],
)
def test_rows_say_what_they_are(expression: str, name: str, kind: str, owner: str, depth: int) -> None:
    place = at(TEXT + "import main\n", bases=BASES)
    row = place.types.members(place.types.infer(expression, place.scope)).rows[name]
    assert (row.kind, row.owner, row.depth) == (kind, owner, depth)
    assert row.kind in KINDS


def test_a_module_is_known_if_its_stars_are_and_it_makes_no_names() -> None:
    place = at(
        "import whole, starred, broken_star, making, filling, circle\n",
        whole="a = 1",
        starred="from whole import *",
        broken_star="from nowhere import *",
        making="def __getattr__(name): ...",
        filling="globals().update(names)",
        circle="from circle import *\nfrom starred import *",
    )
    assert place.names("starred")[:2] == ["a", "__name__"]
    known = [place.known(name) for name in ("whole", "starred", "broken_star", "making", "filling", "circle")]
    assert known == [True, True, False, False, False, True]


def test_members_of_a_class_that_stands_in_a_function() -> None:
    text = "def f():\n    class Inner:\n        def g(self): return Inner()\n"
    assert at(text).infer("f()") == ""
