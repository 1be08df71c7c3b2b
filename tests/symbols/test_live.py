"""A document that is being typed: the same records as from its tree, whatever is broken in it."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.symbols.records import EMPTY, Class, Enclosing, Function, Module, Symbol, Variable
from tinycoder.symbols.source.live import LiveReader
from tinycoder.symbols.source.reader import read_source

STANDARD = Path(sysconfig.get_paths()["stdlib"])
FILES = sorted(path for path in STANDARD.glob("*.py") if path.stat().st_size < 60_000)[::8]
FILES += sorted((STANDARD / "asyncio").glob("*.py"))[::4]
ARGPARSE = (STANDARD / "argparse.py").read_text(encoding="utf-8")

TEXT = dedent(
    '''\
    import os
    from a import (
        b,
        c,
    )


    class Door(Base):
        """A door."""

        width = 3

        def __init__(self, size: int):
            self.size = size
            self.parts = [
                Part(1),
                Part(2),
            ]

        def open(self, far=1):
            for part in self.parts:
                part.move(far)
            return self


    def main(argv):
        door = Door(4)
        door.open()


    LIMIT = 3
    '''
)


def read(text: str) -> Module:
    return LiveReader().update(dedent(text))


def members(module: Module, name: str) -> list[str]:
    found = module.symbols[name]
    return list(found.members)


def ordered(module: Module) -> list[object]:
    """The records with the order of their names."""
    return [module, list(module.symbols), [list(each.members) for each in module.symbols.values() if is_class(each)]]


def is_class(symbol: Symbol) -> bool:
    return isinstance(symbol, Class)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_real_code_gives_the_records_that_its_tree_gives(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    expected = read_source(text)
    assert expected is not None
    reader = LiveReader()
    assert ordered(reader.update(text)) == ordered(expected)
    for ending in ("\r\n", "\r"):
        assert ordered(LiveReader().update(text.replace("\n", ending))) == ordered(expected)
    moved = read_source("import first\n\n" + text)
    assert moved is not None
    assert ordered(reader.update("import first\n\n" + text)) == ordered(moved)
    assert ordered(reader.update(text)) == ordered(expected)


def test_edits_give_what_a_first_reading_gives() -> None:
    reader = LiveReader()
    chance = random.Random(5)
    lines = ARGPARSE.split("\n")[:900]
    for _ in range(60):
        row = chance.randrange(len(lines))
        if chance.random() < 0.5:
            lines[row : row + chance.randrange(3)] = [
                chance.choice(["", "    x = 1", "def f(a):", '"""', "y = (", ")"])
            ]
        else:
            lines[row] = lines[row][: chance.randrange(len(lines[row]) + 1)]
        text = "\n".join(lines)
        skip = chance.choice([None, row])
        assert ordered(reader.update(text, skip)) == ordered(LiveReader().update(text, skip))


def test_the_same_text_gives_the_same_object() -> None:
    reader = LiveReader()
    assert reader.update(TEXT) is reader.update(TEXT)


def test_typing_on_a_line_changes_nothing() -> None:
    reader = LiveReader()
    lines = TEXT.split("\n")
    row = lines.index("    door.open()")
    first = reader.update(TEXT, row)
    for typed in ("", "    ", "    x", "    x = ", "    x = f(1)", "    'a", "    import y", "    return x  # it"):
        lines[row] = typed
        assert reader.update("\n".join(lines), row) is first
    lines[row - 1] = "    window = Window()"
    assert reader.update("\n".join(lines), row) is not first


@pytest.mark.parametrize("row", range(len(TEXT.split("\n"))))
def test_a_line_that_is_left_out_leaves_all_else(row: int) -> None:
    whole = read_source(TEXT)
    assert whole is not None
    module = LiveReader().update(TEXT, row)
    lines = TEXT.split("\n")
    for name, symbol in whole.symbols.items():
        if symbol.line != row + 1 and lines[row].strip(" ,") != name:
            assert name in module.symbols
            if isinstance(symbol, Class):
                wanted = [key for key, member in symbol.members.items() if member.line != row + 1]
                assert [key for key in members(module, name) if key in wanted] == wanted


def test_a_header_with_a_block_is_read_while_it_is_typed() -> None:
    reader = LiveReader()
    row = TEXT.split("\n").index("    def open(self, far=1):")
    assert "open" in members(reader.update(TEXT, row), "Door")
    text = TEXT.replace("def open(self, far=1):", "def open(self, far=1, near")
    found = reader.update(text, row).symbols["Door"]
    method = found.members["open"]
    assert [each.name for each in method.parameters] == ["self", "far", "near"]
    assert "LIMIT" in reader.update(text, row).symbols


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x = foo(\ny = 3\ndef f(): pass\n", ["x", "y", "f"]),
        ("x = foo(\n    a=1,\n    b=[2\nimport y\n", ["x", "y"]),
        ("def f(a, b\n    c = 1\n\nclass A(\n\nz = 1\n", ["f", "A"]),
        ("def f(\nclass A:\n    pass\n", ["f", "A"]),
        ("try:\n    import a\nexcept ImportError\n    a = None\nb = 1\n", ["a", "b"]),
        ("if x:\n    y = 1\nelse\n    z = 1\n", ["y", "z"]),
        ("for i in\n    a = 1\nwith open(x) as f\n    b = 1\nwhile\n    c = 1\n", ["i", "a", "f", "b", "c"]),
        ("from a import b, \nimport \nimport c.\nfrom . import\n", ["b", "c"]),
        ("a = \nb: int = \nc, d = \ne.f = \ng = h.\n", ["a", "b", "c", "d", "g"]),
        ("@deco(\ndef f(): pass\n@\nclass A: pass\n", ["f", "A"]),
        ("x = 'abc\ny = 1\n", ["x", "y"]),
        ("x = '''abc\n\ndef f(): pass\n", ["f"]),
        ("def f():\n    x = 1\n  y = 2\n    z = 3\nb = 1\n", ["f", "b"]),
        ("    x = 1\ny = 1\n", ["x", "y"]),
        ("else:\n    x = 1\nexcept:\n    y = 1\n", ["x", "y"]),
        (")\nx = 1\n]\ny = 2\n", ["x", "y"]),
        ("a = 1 b = 2\nc = 1\n", ["a", "c"]),
        ("x = \0\ny = 1\n", ["x", "y"]),
        ("async def f(:\n    pass\nasync with a as b\n    c = 1\n", ["f", "b", "c"]),
        ("match x:\n    case 1\n        y = 1\n    case 2:\n        z = 1\n", ["y", "z"]),
    ],
)
def test_broken_code_gives_what_can_be_read(text: str, names: list[str]) -> None:
    assert [name for name in read(text).symbols if name in names] == names


def test_a_broken_class_keeps_its_members() -> None:
    module = read(
        '''
        class A(Base:
            x: int =
            def f(self, q):
                self.y = [1,
                for i in q
                    self.k = i
                self.z: int =
            def (self):
                pass
            def g(self
                """Never closed.
            def h(self):
                """Closed."""
                self.w = 1
        '''
    )
    assert {"x", "f", "y", "k", "z", "g", "h", "w"} <= set(members(module, "A"))
    found = module.symbols["A"]
    assert found.bases == ("Base",)
    assert found.members["w"] == Variable("w", 15, "", "0", True)


def around(text: str, row: int, indent: int) -> list[Enclosing]:
    reader = LiveReader()
    reader.update(text, row)
    return reader.locals_at(row, indent)


def named(found: list[Enclosing]) -> list[tuple[str, str, int]]:
    return [("class" if each.is_class else "def", each.symbol.name, each.symbol.line) for each in found]


def test_what_encloses_a_row() -> None:
    rows = {line.strip(): row for row, line in enumerate(TEXT.split("\n"))}
    door, method = ("class", "Door", 8), ("def", "open", 20)
    assert named(around(TEXT, rows["part.move(far)"], 12)) == [method, door]
    assert named(around(TEXT, rows["return self"], 8)) == [method, door]
    assert named(around(TEXT, rows["return self"] + 1, 8)) == [method, door]
    assert named(around(TEXT, rows["return self"] + 1, 4)) == [door]
    assert named(around(TEXT, rows["return self"] + 1, 0)) == []
    assert named(around(TEXT, rows["def open(self, far=1):"], 4)) == [door]
    assert named(around(TEXT, rows["Part(2),"], 12)) == [("def", "__init__", 13), door]
    assert named(around(TEXT, 0, 0)) == []
    assert named(around(TEXT, 10_000, 4)) == []


def test_what_is_bound_in_a_function() -> None:
    rows = {line.strip(): row for row, line in enumerate(TEXT.split("\n"))}
    method, door = around(TEXT, rows["part.move(far)"], 12)
    assert method.bindings == {
        "self": Variable("self", 20),
        "far": Variable("far", 20, "", "0"),
        "part": Variable("part", 21, "", "self.parts.__iter__().__next__()"),
    }
    assert {"width", "size", "parts", "open"} <= door.bindings.keys()
    assert isinstance(method.symbol, Function)
    assert isinstance(door.symbol, Class)


def test_later_lines_count_where_none_is_before() -> None:
    text = "def f():\n    a = Early()\n    \n    a = Late()\n    b = Late()\n"
    found = around(text, 2, 4)[0].bindings
    assert found["a"] == Variable("a", 2, "", "Early()")
    assert found["b"] == Variable("b", 5, "", "Late()")


def test_what_encloses_a_row_of_broken_code() -> None:
    text = "class A\n    def f(self, x\n        y = Foo(\n        y.\n\n    def g(self):\n        z = [\n        \n"
    assert [each[1] for each in named(around(text, 7, 8))] == ["g", "A"]
    assert [each[1] for each in named(around(text, 3, 8))][-1] == "A"
    assert {"self", "z"} <= around(text, 7, 8)[0].bindings.keys()


def test_an_edit_above_moves_what_encloses() -> None:
    reader = LiveReader()
    reader.update("def f(a):\n    b = 1\n    \n")
    reader.update("\n\ndef f(a):\n    b = 1\n    \n")
    (found,) = reader.locals_at(4, 4)
    assert (found.symbol.line, found.bindings["b"].line) == (3, 4)


def test_a_huge_text_is_not_read() -> None:
    reader = LiveReader()
    assert reader.update("x = 1\n" * 1_000_000) is EMPTY
    assert reader.locals_at(5, 4) == []
    assert "x" in reader.update("x = 1").symbols


def test_many_lines_are_read() -> None:
    text = "\n".join(f"v{number} = [{number}]" for number in range(50_000))
    assert len(LiveReader().update(text, 20_000).symbols) == 49_999


@settings(max_examples=60)
@given(st.data())
def test_no_text_is_refused(data: st.DataObject) -> None:
    reader = LiveReader()
    lines = TEXT.split("\n")
    noise = st.text(alphabet="()[]{}:='\"\\#@\n\r\t\x0c .,x1 def class\udc80é", max_size=30)
    for _ in range(3):
        row = data.draw(st.integers(0, len(lines) - 1))
        lines[row] = data.draw(noise)
        text = "\n".join(lines)
        skip = data.draw(st.none() | st.integers(-1, len(lines) + 1))
        module = reader.update(text, skip)
        assert ordered(module) == ordered(LiveReader().update(text, skip))
        reader.locals_at(data.draw(st.integers(-1, len(lines) + 1)), data.draw(st.integers(0, 12)))


def test_a_broken_line_costs_few_names() -> None:
    """Of a real file with one line cut at random, nearly all names of other lines are still there."""
    whole = read_source(ARGPARSE)
    assert whole is not None
    chance = random.Random(3)
    lines = ARGPARSE.split("\n")
    lost = known = 0
    for _ in range(40):
        row = chance.randrange(len(lines))
        cut = lines[row][: chance.randrange(len(lines[row]) + 1)]
        module = LiveReader().update("\n".join([*lines[:row], cut, *lines[row + 1 :]]))
        for name, symbol in whole.symbols.items():
            wanted = {(name, key) for key in symbol.members} if isinstance(symbol, Class) else {(name, "")}
            found = module.symbols.get(name)
            there = (
                {(name, key) for key in found.members} if isinstance(found, Class) else {(name, "")} if found else set()
            )
            known += len(wanted)
            lost += len(wanted - there)
    assert lost < 0.01 * known
