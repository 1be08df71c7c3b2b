"""What a row says about its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.complete.names_at import BAR, at, cursor, split, workspace
from tinycoder.complete.candidate import KINDS
from tinycoder.complete.names.describe import Description, describe
from tinycoder.complete.names.names import Names

LIB = """\
LIMIT = 3
counter = 0


class Shop:
    size: int = 1

    def __init__(self, name: str, n=1): ...

    def sell(self, item, *, price: int = 2) -> bool: ...

    @staticmethod
    def make(name): ...

    @property
    def is_open(self) -> bool: ...


class Child(Shop): ...


def total(rows: list[int], start=0) -> int: ...
"""


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return workspace(tmp_path, {"lib.py": LIB, "pack/__init__.py": "from lib import Shop\n"})


def described(names: Names, text: str, word: str) -> Description:
    name = next(each for each in at(text, names=names) if each.text == word)
    return describe(name, names.resolver(cursor(text, names=names), split(text)[0]))


IMPORT = "from lib import *\nimport lib\nimport os\nfrom lib import Shop, Child, total, LIMIT\nfrom enum import Enum\n"


@pytest.mark.parametrize(
    ("text", "word", "kind", "signature", "origin"),
    [
        (f"x = {BAR}", "Shop", "class", "(name, n=…)", "import lib.Shop"),
        (f"x = {BAR}", "total", "function", "(rows, start=…) -> int", "import lib.total"),
        (f"x = {BAR}", "LIMIT", "constant", "", "import lib.LIMIT"),
        (f"x = {BAR}", "os", "module", "", "import os"),
        (f"x = {BAR}", "None", "keyword", "", "keyword"),
        (f"x = {BAR}", "ValueError", "class", None, "builtin"),
        (f"Shop('a').{BAR}", "sell", "method", "(item, *, price=…) -> bool", "Shop"),
        (f"Shop('a').{BAR}", "is_open", "property", "", "Shop"),
        (f"Shop('a').{BAR}", "size", "field", "", "Shop"),
        (f"Shop('a').{BAR}", "make", "method", "(name)", "Shop"),
        (f"Child('a').{BAR}", "sell", "method", "(item, *, price=…) -> bool", "inherited from Shop"),
        (f"lib.{BAR}", "total", "function", "(rows, start=…) -> int", "lib"),
        (f"lib.{BAR}", "counter", "variable", "", "lib"),
        (f"class Color(Enum):\n    RED = 1\nColor.{BAR}", "RED", "enum member", "", "Color"),
        (f"class Color(Enum):\n    RED = 1\nx = {BAR}", "Color", "enum", "", "line 6"),
        (f"def f(a, b): ...\nx = {BAR}", "f", "function", "(a, b)", "line 6"),
        (f"def f(a):\n    return {BAR}", "a", "parameter", "", "parameter of f"),
        (f"def f(a):\n    b = 1\n    return {BAR}", "b", "variable", "", "line 7"),
        (f"total({BAR}", "rows=", "parameter", "", "parameter of total"),
        (f"import {BAR}", "lib", "module", "", "lib.py"),
        (f"import {BAR}", "json", "module", "", "standard library"),
        (f"from lib import {BAR}", "counter", "variable", "", "lib.py:2"),
        (f"from pack import {BAR}", "Shop", "class", "(name, n=…)", "lib.py:5"),
        (f"from os import {BAR}", "getenv", "function", None, "standard library"),
        (f"q.strange()\np.{BAR}", "strange", "field", "", ""),
    ],
)
def test_kind_signature_and_origin(
    names: Names, text: str, word: str, kind: str, signature: str | None, origin: str
) -> None:
    found = described(names, IMPORT + text, word)
    assert (found.kind, str(found.origin or "")) == (kind, origin)
    assert signature is None or found.signature == signature


@pytest.mark.parametrize(
    ("text", "word", "path", "line"),
    [
        (f"x = {BAR}", "Shop", "lib.py", 5),
        (f"Child('a').{BAR}", "sell", "lib.py", 10),
        (f"from pack import {BAR}", "Shop", "lib.py", 5),
        (f"import {BAR}", "lib", "lib.py", 1),
        (f"import {BAR}", "pack", "pack/__init__.py", 1),
        (f"def f(): ...\nx = {BAR}", "f", "here.py", 6),
        (f"x = {BAR}", "None", "", 0),
    ],
)
def test_where_it_is_defined(names: Names, text: str, word: str, path: str, line: int) -> None:
    found = described(names, IMPORT + text, word)
    assert (found.path, found.line) == (path, line)


def test_a_builtin_that_the_file_uses_is_told_like_any_other(names: Names) -> None:
    used = described(names, f"y = int(len('a'))\nx = {BAR}", "int")
    assert (used.kind, str(used.origin)) == ("class", "builtin")
    assert described(names, f"y = int(len('a'))\nx = {BAR}", "len").kind == "function"


@pytest.mark.parametrize(
    "text", [f"x = {BAR}", f"os.{BAR}", f"Shop('a').{BAR}", f"total({BAR}", f"import {BAR}", f"from os import {BAR}"]
)
def test_everything_can_be_told(names: Names, text: str) -> None:
    text = IMPORT + text
    resolver = names.resolver(cursor(text, names=names), split(text)[0])
    for name in at(text, names=names):
        found = describe(name, resolver)
        assert found.kind in KINDS
        assert "\n" not in f"{found.signature}{found.origin}"
