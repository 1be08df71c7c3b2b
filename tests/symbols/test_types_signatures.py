"""Signatures of calls, and where things are defined."""

from __future__ import annotations

import pytest

from tests.symbols.fake_modules import at

TEXT = """
import dataclasses, attr, attrs
from dataclasses import KW_ONLY, InitVar, dataclass, field
from enum import Enum
from typing import Callable, ClassVar, NamedTuple, TypedDict
from collections import namedtuple
from pkg.models import Thing as Th
import pkg.models as pm
import pydantic

def plain(path, *, sep=',', deep=None) -> Reader: ...
def positional(a, b, /, c, *rest, d=1, **more): ...

class Door:
    def __init__(self, width: int, height=2): ...
    def open(self, how='x') -> bool: ...
    @classmethod
    def make(cls, n): ...
    @staticmethod
    def static(a): ...
    def __call__(self, speed): ...

class Small(Door): ...
class Empty: ...

@dataclass
class Base:
    a: int
    b: list[int] = field(default_factory=list)
    c: ClassVar[int] = 1
    i: InitVar[str] = ''

@dataclasses.dataclass(frozen=True)
class Data(Base):
    _: KW_ONLY
    d: str = 'x'

class PlainChild(Base): ...

@attrs.define
class At:
    _x: int
    y: str = 'a'

@attr.s
class Old:
    x = attr.ib()
    other = 1

class Point(NamedTuple):
    x: int
    name: str = ''

class Keys(TypedDict):
    title: str

class Later(Keys):
    year: int

Pair = namedtuple("Pair", "left right")

class Color(Enum):
    RED = 1

class Model(pydantic.BaseModel):
    name: str
    age: int = 3

callback: Callable[[int], bool] = f
"""
OTHERS = {
    "pkg__models": "class Thing:\n    def go(self): return 1\n",
    "pydantic": "from .main import BaseModel",
    "pydantic__main": "class BaseModel:\n    def __init__(self, /, **data): ...\n",
}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("plain", "(path, *, sep='…', deep=None) -> Reader"),
        ("positional", "(a, b, /, c, *rest, d=…, **more)"),
        ("Door", "(width, height=…)"),
        ("Small", "(width, height=…)"),
        ("Empty", "()"),
        ("Door(1).open", "(how='…') -> bool"),
        ("Door.open", "(self, how='…') -> bool"),
        ("Door.make", "(n)"),
        ("Door.static", "(a)"),
        ("Door(1)", "(speed)"),
        ("Base", "(a, b=…, i='…')"),
        ("Data", "(a, b=…, i='…', *, d='…')"),
        ("PlainChild", "(a, b=…, i='…')"),
        ("At", "(x, y='…')"),
        ("Old", "(x=…)"),
        ("Point", "(x, name='…')"),
        ("Keys", "(*, title)"),
        ("Later", "(*, title, year)"),
        ("Pair", "(left, right)"),
        ("Color", "(value)"),
        ("Model", "(*, name, age=…)"),
        ("callback", "() -> bool"),
        ("zip", "(*iterables, strict=…)"),
        ("max", "(*iterable, key=None, default=…)"),
        ("dict", "(*args, **kwargs)"),
        ("nowhere", ""),
        ("''", ""),
    ],
)
def test_signature(expression: str, text: str) -> None:
    assert at(TEXT, **OTHERS).signature(expression) == text


def test_keywords() -> None:
    place = at(TEXT, **OTHERS)
    found = place.types.signature(place.types.infer("positional", place.scope)[0])
    assert found.keywords == ("c", "d")
    assert found.takes_any_keyword
