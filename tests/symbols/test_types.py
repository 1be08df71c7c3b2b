"""What expressions stand for, on small texts."""

from __future__ import annotations

import pytest

from tests.symbols.fake_modules import at

DOORS = """
import enum, functools, abc, attrs, typing as t
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import (Annotated, Any, AsyncIterator, Callable, ClassVar, Dict, Final, Generator, Generic, Iterator, List,
    Literal, NamedTuple, NewType, Optional, Self, Type, TypedDict, TypeVar, Union)
from pkg import models, Thing as Th
from pkg.models import *
import pkg.models as pm
import pkg.sub.deep
import broken.nowhere

T = TypeVar("T")

class Box(Generic[T]):
    def __init__(self, item: T): self.item = item
    def get(self) -> T: ...
    def many(self) -> list[T]: ...
    def same(self) -> "Box[T]": ...
    def chain(self) -> Self: ...

class IntBox(Box[int]):
    def plus(self): return super().get()

def ident(x: T) -> T: ...
def first(xs: Sequence[T]) -> T: ...
def make(kind: type[T]) -> T: ...
def build(f: Callable[[], T]) -> T: ...

class P(NamedTuple):
    x: int
    name: str = ''

class Keys(TypedDict):
    title: str

UserId = NewType('UserId', int)
Alias = Union[Box[int], None]

class Meta(type):
    def build(cls): return cls()

class WithMeta(metaclass=Meta):
    class Inner:
        z = 1
    inner: Inner

class Color(Enum):
    RED = 1
    BLUE = 'x'
    def shade(self): return self

class Flags(enum.IntFlag):
    ON = enum.auto()

class Abstract(abc.ABC):
    @functools.cached_property
    def cached(self) -> "P": ...
    @functools.lru_cache(maxsize=1)
    def lru(self): return P(1)
    @staticmethod
    def static(): return P(1)
    @classmethod
    def made(cls) -> Self: ...
    @classmethod
    def of_class(cls): return cls()
    @nowhere
    def odd(self): return 1
    def __enter__(self): return self
    def list(self) -> list[int]: ...

class Child(Abstract):
    def __init__(self, path: Path, *, size=3, **rest):
        self.path = path
        self.size = size
        self.items: list[P] = []
        self.late = None
    def setup(self):
        self.late = Box(1)
        super().made
    async def wait(self) -> P: ...

@asynccontextmanager
async def opened() -> AsyncIterator[P]: yield
async def several() -> AsyncIterator[P]: yield
def nursery() -> AbstractAsyncContextManager[P]: ...
@contextmanager
def held() -> Generator[Box[str], None, None]: yield
async def later(): return P(1)
def given(p: P, *args: int, q=None, r: Optional[P] = None, **rest: P): ...

def optional(x: Optional[P]): return x

with held() as in_with: pass
for in_for in [P(1)]: pass
for key, value in {'a': P(1)}.items(): pass
left, right = P(1), 'a'
a1: Optional[P] = None
a2: "P | None" = None
a3: Literal["a", 1] = 1
a4: Annotated[P, 1] = x
a5: Type[P] = P
a6: Callable[[int], P] = f
a7: t.Dict[str, t.List[P]]
a8: Final = P(1)
a9: tuple[P, ...]
a10: Mapping[str, P]
a11: Any = P(1)
名前 = P(1)
loop = loop
class Around(Around): pass
class One(Two): pass
class Two(One): pass
class Unknown(nowhere.Base):
    def f(self): pass
"""
OTHERS = {
    "pkg": "from .models import Thing\n__all__ = ['Thing']",
    "pkg__models": "class Thing:\n    def go(self): return Model()\nclass Model:\n    objects = 1",
    "pkg__sub": "",
    "pkg__sub__deep": "class Deep: pass\nd = Deep()",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # literals and displays
        ("''", "str"),
        ("f'{1}'", "str"),
        ("1", "int"),
        ("{}", "dict"),
        ("[P(1)]", "list[P]"),
        ("{'a': P(1)}", "dict[str, P]"),
        ("(1, 'a')", "tuple[int, str]"),
        ("(1, 'a')[1]", "str"),
        ("[P(1)][0]", "P"),
        ("[P(1)][1:]", "list[P]"),
        ("[P(1)] + []", "list[P]"),
        ("1 + 2.5", "float"),
        ("1 / 2", "float"),
        ("not 1", "bool"),
        ("1 < 2", "bool"),
        ("None", "None"),
        ("[p.name for p in [P(1)]]", "list[str]"),
        ("{p.x: p for p in [P(1)]}", "dict[int, P]"),
        ("[b for a, b in zip([1], ['a'])]", "list[str]"),
        ("[b for a, b in enumerate('a')]", "list[str]"),
        ("P(1) if loop else None", "P"),
        ("None or P(1)", "P"),
        ("'a' if x else 1", "str | int"),
        ("Path('a') / 'b'", "Path"),
        # builtins
        ("''.join([]).split()", "list[str]"),
        ("{'a': 1}.items()", "ItemsView[str, int]"),
        ("sorted([P(1)])", "list[P]"),
        ("max([P(1)])", "P"),
        ("next(iter([P(1)]))", "P"),
        ("list({'a': P(1)}.values())", "list[P]"),
        ("[*reversed([P(1)])]", "list"),
        ("type(P(1))(2)", "P"),
        ("isinstance(1, int)", "bool"),
        ("1 .real", "int"),
        ("1.5 .conjugate()", "float"),
        # classes, instances, generics
        ("P", "type[P]"),
        ("P(1)", "P"),
        ("P(1).x", "int"),
        ("P(1)[1]", "str"),
        ("P(1)._replace()", "P"),
        ("Keys()['title']", "str"),
        ("Box(1)", "Box[int]"),
        ("Box(1).get()", "int"),
        ("Box('a').item", "str"),
        ("Box(1).many()[0]", "int"),
        ("Box('a').same().get()", "str"),
        ("Box(1).chain().get()", "int"),
        ("IntBox(1).get()", "int"),
        ("IntBox(1).plus()", "int"),
        ("IntBox(1).chain()", "IntBox"),
        ("ident(P(1))", "P"),
        ("first([P(1)])", "P"),
        ("first('abc')", "str"),
        ("make(P)", "P"),
        ("build(P)", "P"),
        ("UserId(1)", "int"),
        ("WithMeta.build()", "WithMeta"),
        ("WithMeta.Inner.z", "int"),
        ("WithMeta().inner", "Inner"),
        ("Color.RED", "Color"),
        ("Color.RED.value", "int | str"),
        ("Color.RED.name", "str"),
        ("Color('x')", "Color"),
        ("Color['RED']", "Color"),
        ("Color.RED.shade()", "Color"),
        ("[c for c in Color]", "list[Color]"),
        ("Flags.ON", "Flags"),
        ("Abstract().cached", "P"),
        ("Abstract().lru()", "P"),
        ("Abstract.static().name", "str"),
        ("Abstract.made()", "Abstract"),
        ("Child.made()", "Child"),
        ("Child().of_class()", "Child"),
        ("Child().__enter__()", "Child"),
        ("Abstract().list()", "list[int]"),
        ("Abstract().odd()", "int | ?"),
        ("Child().path.parent", "Path"),
        ("Child().size", "int"),
        ("Child().items[0].name", "str"),
        ("Child().late", "Box[int]"),
        # async and context managers
        ("later()", "Coroutine[?, ?, P]"),
        ("await later()", "P"),
        ("(await Child().wait()).x", "int"),
        ("await opened().__aenter__()", "P"),
        ("await nursery().__aenter__()", "P"),
        ("await several().__aiter__().__anext__()", "P"),
        ("held().__enter__()", "Box[str]"),
        # variables
        ("in_with", "Box[str]"),
        ("in_for", "P"),
        ("key", "str"),
        ("value", "P"),
        ("left", "P"),
        ("right", "str"),
        ("a1", "P"),
        ("a2", "P"),
        ("a3", "str | int"),
        ("a4", "P"),
        ("a5", "type[P]"),
        ("a6", "function callable"),
        ("a6(1)", "P"),
        ("a7['a'][0]", "P"),
        ("a8", "P"),
        ("a9[0]", "P"),
        ("[v for k, v in a10.items()]", "list[P]"),
        ("a11", "P"),
        ("名前.x", "int"),
        # modules
        ("models", "module pkg.models"),
        ("pm.Thing", "type[Thing]"),
        ("Th().go()", "Model"),
        ("Model", "type[Model]"),
        ("pkg.sub.deep.d", "Deep"),
        ("t", "module typing"),
        # what is not known
        ("loop", ""),
        ("Unknown().g", ""),
        ("broken", ""),
        ("nowhere", ""),
        ("lambda: 1", ""),
        ("super().x", ""),
        ("1 +", ""),
        ("", ""),
    ],
)
def test_infer(expression: str, expected: str) -> None:
    assert at(DOORS, **OTHERS).infer(expression) == expected


@pytest.mark.parametrize(
    ("within", "expression", "expected"),
    [
        ("Child.setup", "self", "Child"),
        ("Child.setup", "self.late.get()", "int"),
        ("Child.setup", "super()", "super of Child"),
        ("Child.setup", "super().static()", "P"),
        ("Child.setup", "super(Child, self)", "super of Child"),
        ("Abstract.made", "cls", "type[Abstract]"),
        ("Abstract.made", "cls()", "Abstract"),
        ("Abstract.static", "self", ""),
        ("Child.__init__", "path", "Path"),
        ("Child.__init__", "size", "int | ?"),
        ("Child.__init__", "rest", "dict[str, ?]"),
        ("given", "p", "P"),
        ("given", "args", "tuple[int]"),
        ("given", "args[0]", "int"),
        ("given", "q", ""),
        ("given", "r", "P"),
        ("given", "rest['a']", "P"),
        ("WithMeta", "Inner", "type[Inner]"),
        ("Color", "RED", "int"),
    ],
)
def test_infer_inside(within: str, expression: str, expected: str) -> None:
    assert at(DOORS, within, **OTHERS).infer(expression) == expected


def test_names_of_a_class_are_not_seen_in_its_methods() -> None:
    text = "class A:\n    inner = 1\n    def f(self): pass\n"
    assert at(text, "A").infer("inner") == "int"
    assert at(text, "A.f").infer("inner") == ""


def test_a_long_union_is_cut() -> None:
    text = "".join(f"class A{n}: pass\n" for n in range(20)) + f"a: {' | '.join(f'A{n}' for n in range(20))}\n"
    assert at(text).infer("a") == "A0 | A1 | A2 | A3 | A4 | A5 | ?"


def test_a_later_base_comes_before_the_base_that_two_share() -> None:
    text = """
class Root:
    def f(self): return 1
class Left(Root): pass
class Right(Root):
    def f(self): return ''
class Both(Left, Right): pass
"""
    assert at(text).infer("Both().f()") == "str"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("pathlib.Path('x').parent", "Path"),
        ("pathlib.Path('x').parent.name", "str"),
        ("[p.stem for p in pathlib.Path('.').glob('*')]", "list[str]"),
        ("argparse.ArgumentParser().parse_args()", "Namespace"),
        ("argparse.ArgumentParser().add_argument('a')", "Action"),
        ("logging.getLogger('')", "Logger"),
        ("subprocess.run([])", "CompletedProcess"),
        ("collections.OrderedDict()", "OrderedDict"),
        ("datetime.datetime.now()", "datetime"),
        ("datetime.datetime.now() - datetime.datetime.now()", "timedelta"),
        ("datetime.datetime.now().isoformat()", "str"),
        ("re.compile('').match('')", "Match"),
        ("re.match('', '').group()", "str"),
        ("os.path.join('a')", "str"),
        ("os.environ", "_Environ"),
        ("os.environ.get('x')", "str"),
        ("open('x')", "TextIOWrapper"),
        ("threading.Thread()", "Thread"),
        ("asyncio.get_event_loop()", "AbstractEventLoop"),
        ("json.dumps({})", "str"),
        ("uuid.uuid4().hex", "str"),
        ("collections.deque([1]).pop()", "int"),
        ("collections.defaultdict(list)['a']", "list"),
        ("json.loads('')", ""),
        ("argparse.ArgumentParser().parse_args().verbose", ""),
    ],
)
def test_infer_standard_library(expression: str, expected: str) -> None:
    imports = (
        "import pathlib, argparse, logging, subprocess, collections, datetime, re, os, threading, asyncio, json, uuid"
    )
    assert at(imports).infer(expression) == expected


DECORATED = """
from typing import Callable, TypeVar
F = TypeVar("F")
class Command:
    def run(self): ...
def same(f: F) -> F: ...
def command(name: str = "") -> Callable[[F], Command]: ...
def untold(f): return lambda: f
@same
def kept(): return 1
@command()
def made(): return 1
@untold
def other(): return 1
class Door:
    @same
    def open(self): return ''
    @command("x")
    def closed(self): return ''
    @property
    def size(self): return 1
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("kept", "function kept"),
        ("kept()", "int | ?"),
        ("made", "Command"),
        ("other", "function other"),
        ("Door().open", "function open"),
        ("Door().closed", "Command"),
        ("Door().size", "int"),
    ],
)
def test_decorators(expression: str, expected: str) -> None:
    assert at(DECORATED).infer(expression) == expected


def test_a_property_within_its_class_is_one() -> None:
    assert at(DECORATED, "Door").infer("size") == "property"
