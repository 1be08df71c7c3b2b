"""What can stand where: names in scope, keywords by their place, names that are made, and nothing in prose."""

from __future__ import annotations

import builtins
import keyword
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.complete.names_at import BAR, at, cursor, group_of, of, texts, workspace, world
from tinycoder.complete.names import name as group
from tinycoder.complete.names.name import FAR, matches
from tinycoder.complete.names.names import Names
from tinycoder.symbols.imports.offers import OfferedNames

SAMPLE = '''\
"""A sample: words such as ledger."""
import os
import json as js
from collections import (
    Counter,  # counts
    deque as Deque,
)
from .relative import thing

LIMIT = 3


class Base:
    shared = 1

    def inherited(self):
        return self.hidden


class Shop(Base):
    def __init__(self, stock, *rest, price: int = 2, **more):
        self.stock = stock
        self.open_now: bool = True

    async def sell(
        self,
        item,
        count=(1, 2),
    ) -> int:
        """Sell `item`; words of prose."""
        total = count + LIMIT
        for index, (left, right) in enumerate(rest):
            with open(item) as stream:
                stream.read(total)
        return f"{total:>3} {self.open_now} prose"


def after_all(shop):
    shop.sell(1).later()
    unseen = shop.stock
    return unseen
'''
KEYWORDS = frozenset(keyword.kwlist)
VALUES = {"None", "True", "False"}


def in_sample(line: str, after: str = "        total = count + LIMIT") -> str:
    """The sample with a line more."""
    assert after in SAMPLE
    return SAMPLE.replace(after, f"{after}\n{line}", 1)


def keywords(text: str) -> set[str]:
    return set(of(group.KEYWORD, text))


def test_an_empty_text_offers_the_language() -> None:
    found = at(BAR)
    assert {"import", "print", "match", "__name__", "__all__"} <= {name.text for name in found}
    assert {name.group for name in found} == {group.KEYWORD, group.BUILTIN}
    assert all(name.distance == FAR for name in found)


def test_what_a_name_is_to_the_function_at_the_cursor() -> None:
    text = in_sample(f"        x = {BAR}")
    groups = {name.text: name.group for name in at(text)}
    assert {groups[word] for word in ("self", "item", "count")} == {group.PARAMETER}
    assert {groups[word] for word in ("total", "index", "left", "right", "stream")} == {group.LOCAL}
    assert {groups[word] for word in ("LIMIT", "Base", "Shop", "after_all")} == {group.DEFINED}
    assert {groups[word] for word in ("os", "js", "Counter", "Deque", "thing")} == {group.IMPORT}
    assert groups["print"] == group.BUILTIN


def test_names_of_other_functions_and_members_do_not_stand_alone() -> None:
    names = texts(in_sample(f"        x = {BAR}"))
    assert not {"price", "stock", "shop", "unseen", "open_now", "inherited", "sell", "hidden", "json"} & set(names)


def test_what_an_enclosing_function_binds() -> None:
    text = f"def outer(a):\n    b = 1\n    def inner(c):\n        return {BAR}\n    d = 2\n"
    assert of(group.PARAMETER, text) == ["c"]
    assert set(of(group.ENCLOSING, text)) == {"a", "b", "d", "inner"}


def test_a_class_body_is_seen_in_itself_and_not_in_its_methods() -> None:
    body = f"class A:\n    one = 1\n    two = {BAR}\n"
    method = f"class A:\n    one = 1\n    def m(self):\n        return {BAR}\n"
    assert group_of("one", body) == group.LOCAL
    assert group_of("one", method) == ""
    assert group_of("A", method) == group.DEFINED


def test_what_a_module_defines_below_the_cursor_can_be_called() -> None:
    assert group_of("helper", f"def f():\n    return {BAR}\n\ndef helper(): pass\nLATER = 1\n") == group.DEFINED
    assert group_of("LATER", f"def f():\n    return {BAR}\n\ndef helper(): pass\nLATER = 1\n") == group.DEFINED


def test_the_inner_of_two_bindings_counts() -> None:
    assert group_of("x", f"x = 1\ndef f(x):\n    return {BAR}\n") == group.PARAMETER
    assert group_of("print", f"print = log\ny = {BAR}\n") == group.DEFINED


def test_a_name_that_is_used_and_bound_nowhere_is_free() -> None:
    text = f"from helpers import *\nsetup(make_it)\nx = {BAR}\n"
    assert group_of("make_it", text) == group.FREE
    assert group_of("make_it", f"make_it(1)\nx = {BAR}\ndef other():\n    make_it = 2\n") == ""


def test_distance_counts_lines_to_the_nearest_use() -> None:
    found = {name.text: name.distance for name in at(f"old = 1\nnew = 2\n\nx = new + {BAR}\n\n\nprint(old)\n")}
    assert (found["old"], found["new"], found["len"]) == (3, 0, FAR)


@pytest.mark.parametrize(
    "line",
    [
        "mine = 1",
        "a, (b, mine) = 1, (2, 3)",
        "mine: int",
        "mine += 1",
        "for a, mine in b: pass",
        "with a() as mine: pass",
        "if (mine := 1): pass",
        "a = b = mine = 1",
        "import mine",
        "def mine(): pass",
        "class mine: pass",
    ],
)
def test_what_a_line_binds_is_local(line: str) -> None:
    assert group_of("mine", f"def f():\n    {line}\n    return {BAR}") == group.LOCAL


@pytest.mark.parametrize(
    "header", ["for mine in b:", "with a() as mine:", "except E as mine:", "if (mine := 1):", "while mine := g():"]
)
def test_what_the_header_above_binds_stands_in_its_block(header: str) -> None:
    before = "    try:\n        pass\n" if header.startswith("except") else ""
    assert group_of("mine", f"def f():\n{before}    {header}\n        {BAR}\n") == group.LOCAL


@pytest.mark.parametrize("line", [f"mine = 1; y = {BAR}", f"for mine in b: {BAR}", f"with a() as mine: {BAR}"])
def test_what_the_line_itself_binds_first(line: str) -> None:
    assert group_of("mine", f"def f():\n    {line}") == group.LOCAL


def test_names_of_the_line_that_is_typed_are_not_bound_by_it() -> None:
    assert "tot" not in texts(f"total = 1\nprint(tot{BAR})\n")
    assert "whole_word" not in texts(f"whole{BAR}_word = 1\n")
    assert "total" in texts(f"total = 1\nprint(tot{BAR})\n")


@pytest.mark.parametrize(
    ("text", "there", "missing"),
    [
        (BAR, {"def", "return", "import", "if", "not", "None", "match"}, {"and", "or", "in", "is", "as"}),
        (f"if x: {BAR}", {"return", "pass"}, {"and"}),
        (f"x = 1; {BAR}", {"return", "del"}, {"or"}),
        (f"x = {BAR}", {"not", "lambda", "await", "None", "True", "False"}, {"return", "pass", "and", "in", "def"}),
        (f"f({BAR}", {"not", "lambda", "None"}, {"return", "for", "if"}),
        (f"x = y {BAR}", {"and", "or", "not", "in", "is", "if", "else", "for"}, {"return", "lambda", "None"}),
        (f"for x {BAR}", {"in"}, {"return"}),
        (f"[x for x {BAR}", {"in"}, {"pass"}),
        (f"async {BAR}", {"def", "for", "with"}, {"return"}),
        (f"import os {BAR}", {"as"}, {"import"}),
        (f"from os {BAR}", {"import"}, {"as"}),
        (f"from os import path {BAR}", {"as"}, {"import"}),
    ],
)
def test_keywords_by_their_place(text: str, there: set[str], missing: set[str]) -> None:
    found = keywords(text)
    assert there <= found
    assert not missing & found


def test_behind_an_operand_nothing_but_a_keyword_can_stand() -> None:
    assert {name.group for name in at(f"total = 1\nx = total {BAR}")} == {group.KEYWORD}


@pytest.mark.parametrize(
    "line",
    [
        f"def re{BAR}",
        f"async def {BAR}",
        f"class {BAR}",
        f"except ValueError as {BAR}",
        f"with open(x) as {BAR}",
        f"import os as {BAR}",
        f"from os import path as {BAR}",
        f"for {BAR}",
        f"for a, {BAR}",
        f"[x for {BAR}",
        f"def f({BAR}",
        f"def f(a, {BAR}",
        f"def f(a, *{BAR}",
        f"lambda {BAR}",
        f"lambda a, {BAR}",
    ],
)
def test_where_a_name_is_made_no_keyword_and_no_builtin_stands(line: str) -> None:
    found = set(texts(f"total = other\n{line}"))
    assert not found & KEYWORDS
    assert not found & {"print", "__name__"}


@pytest.mark.parametrize("line", [f"except E as {BAR}", f"for {BAR}", f"def f(a, {BAR}", f"lambda {BAR}"])
def test_words_of_the_file_may_be_made_again(line: str) -> None:
    assert group_of("total", f"total = 1\n{line}") == group.USED


def test_a_function_or_class_is_not_made_of_what_there_is() -> None:
    assert texts(f"total = 1\ndef {BAR}") == []
    assert texts(f"total = 1\nclass {BAR}") == []


BASES = "class Base:\n    field = 1\n    def prepare(self): pass\n    def close(self): pass\n\n"


@pytest.mark.parametrize(
    "text",
    [
        f"class A(Base):\n    def close(self): pass\n    def {BAR}\n",
        f"class Outer:\n    class A(Base):\n        def close(self): pass\n        def {BAR}\n",
        f"def make():\n    class A(Base):\n        def close(self): pass\n        def {BAR}\n",
    ],
    ids=["at the top", "in a class", "in a function"],
)
def test_methods_that_can_be_overridden(text: str) -> None:
    found = texts(BASES + text)
    assert found[0] == "prepare"
    assert {"__init__", "__eq__"} <= set(found)
    assert not {"close", "field", "mro", "__call__", "__prepare__"} & set(found)


def test_methods_of_a_base_in_another_file(tmp_path) -> None:
    names = workspace(tmp_path, {"base.py": BASES})
    assert texts(f"from base import Base\nclass A(Base):\n    def {BAR}\n", names=names)[:2] == ["prepare", "close"]


@pytest.mark.parametrize(
    "line",
    [
        f"# see {BAR}",
        f"# see to{BAR}",
        f"x = 1  # {BAR}",
        f"'see {BAR}",
        f'x = "see {BAR}"',
        f'"""see\n{BAR}\n"""',
        f"f'see {BAR}'",
        f"f'{{{{{BAR}'",
        f"f'{{total:{BAR}}}'",
        f"f'{{total:>{BAR}}}'",
        f"f'{{total!{BAR}}}'",
        f'f"""{{total:{BAR}}}"""',
        f"'a \\\n {BAR}",
        f"x = 'a'{BAR}",
        f"1.{BAR}",
        f"x = 1_0.{BAR}",
        f"x = 30{BAR}",
        f"f(12{BAR})",
        f"x = 0x1{BAR}",
        f"x = 1e{BAR}",
        f"x = ..{BAR}",
        f"x = .{BAR}",
    ],
)
def test_prose_numbers_and_lone_dots_offer_nothing(line: str) -> None:
    assert texts(f"total = 1\n{line}") == []


@pytest.mark.parametrize(
    "line",
    [
        f"f'{{{BAR}'",
        f'x = f"a {{to{BAR}}} b"',
        f"f'{{total:{{{BAR}}}}}'",
        f"f'{{{{{{{BAR}}}'",
        f'f"""\nword {{{BAR}}}\n"""',
        f"f'{{print({BAR})}}'",
        f"f'{{d[{BAR}]}}'",
    ],
)
def test_braces_of_formatted_strings_hold_code(line: str) -> None:
    found = texts(f"total = 1\n{line}")
    assert "total" in found
    assert not {"return", "import"} & set(found)


def test_members_within_braces() -> None:
    assert "total" in texts(f"class A:\n    total = 1\n    def m(self):\n        return f'{{self.{BAR}}}'\n")


def test_words_of_prose_are_no_names() -> None:
    assert "ledger" not in texts(f"# ledger\nx = 'ledger'\n{BAR}")
    assert "prose" not in texts(SAMPLE + BAR)
    assert group_of("value", f'x = f"""\nword {{value}}\n"""\n{BAR}') == group.FREE


@pytest.mark.parametrize(
    "broken",
    [
        f"def f(x, y:\n    {BAR}",
        f"def f(x, y\n    z = x +\n    {BAR}",
        f"def f(x, y=(:\n    return {{\n    {BAR}",
        f"class A\n  def f(self, x, y):\n    if x ==\n    {BAR}",
        f"def f(x, y):\n\tfor\n\t{BAR}",
        f"def f(x, y):\n    a = [1, (2\n    {BAR}\n\ndef g(z): pass\n",
        f"from os import (path,\ndef f(x, y):\n    {BAR}",
        f"def f(x, y):\n    '''open\n    '''\n    g('\n    {BAR}\n",
    ],
)
def test_broken_code_still_names_parameters(broken: str) -> None:
    assert {"x", "y"} <= set(texts(broken))


def test_tabs_indent() -> None:
    text = f"def f(x):\n\tif x:\n\t\ty = 1\n\t\tz = {BAR}\n"
    assert (group_of("y", text), group_of("x", text)) == (group.LOCAL, group.PARAMETER)


def test_identifiers_of_other_alphabets() -> None:
    assert {"größe", "名前", "переменная"} <= set(texts(f"größe = 1\n名前 = größe\nпеременная = 2\nx = gr{BAR}"))
    assert "été" in texts(f"class A:\n    def m(self):\n        self.été = 2\n        self.{BAR}\n")
    assert cursor(f"x = grö{BAR}ße").typed == "grö"
    assert cursor(f"x = grö{BAR}ße").rest == "ße"


def test_a_very_long_line_is_read_in_part() -> None:
    line = f"x = [{'123456, ' * 50_000}tot{BAR}"
    assert "total" in texts(f"total = 1\n{line}")
    assert "total" in texts(f"total = 1\ndata = '{'x' * 500_000}'\n{BAR}")


def test_names_of_any_length() -> None:
    word = "a_name_that_says_all_" * 10 + "of_it"
    assert word in texts(f"{word} = 1\nx = {BAR}")


def test_an_edit_is_seen_by_the_next_question() -> None:
    names = Names()
    assert "first" in texts(f"first = 1\nx = {BAR}\n", names=names)
    assert "first" not in texts(f"second = 1\nx = {BAR}\n", names=names)
    assert "second" in texts(f"second = 1\nx = {BAR}\n", names=names)
    assert "added" in texts(f"class A:\n    def added(self): pass\nA().{BAR}\n", names=names)
    assert "renamed" in texts(f"class A:\n    def renamed(self): pass\nA().{BAR}\n", names=names)


def test_an_edit_of_another_open_document_is_seen(tmp_path) -> None:
    names = workspace(tmp_path, {"lib.py": "def on_disk(): pass\n", "here.py": ""})
    ask = f"import lib\nlib.{BAR}"
    assert "on_disk" in texts(ask, names=names)
    names.observe("lib.py", "def in_editor(): pass\n")
    assert {"on_disk", "in_editor"} & set(texts(ask, names=names)) == {"in_editor"}
    names.observe("lib.py", "def edited(): pass\n")
    assert {"in_editor", "edited"} & set(texts(ask, names=names)) == {"edited"}
    names.forget("lib.py")
    assert {"on_disk", "edited"} & set(texts(ask, names=names)) == {"on_disk"}


def test_an_open_document_that_no_file_has_is_known_until_it_is_closed(tmp_path) -> None:
    names = workspace(tmp_path, {"here.py": ""})
    names.observe("fresh.py", "def made(): pass\n")
    assert texts(f"from fresh import {BAR}", names=names)[0] == "made"
    names.forget("fresh.py")
    assert "made" not in texts(f"from fresh import {BAR}", names=names)


def test_open_documents_stay_when_the_world_is_another(tmp_path) -> None:
    names = workspace(tmp_path, {"lib.py": "def on_disk(): pass\n"})
    names.observe("lib.py", "def in_editor(): pass\n")
    ask = f"import lib\nlib.{BAR}"
    assert "in_editor" in texts(ask, names=names)
    names.know(world({"lib.py": tmp_path / "lib.py"}), OfferedNames())
    assert "in_editor" in texts(ask, names=names)


@pytest.mark.parametrize(
    ("typed", "word", "fits"),
    [
        ("", "anything", True),
        ("tot", "total", True),
        ("tot", "Total", True),
        ("TOT", "total", True),
        ("httpres", "HttpResponseBuilder", True),
        ("priv", "_private", True),
        ("_priv", "_private", True),
        ("init", "__init__", True),
        ("_x", "__x", False),
        ("otal", "total", False),
        ("total", "tot", False),
    ],
)
def test_what_is_typed_is_the_beginning_in_any_case(typed: str, word: str, fits: bool) -> None:
    assert matches(typed, word) == fits


def test_every_cursor_of_the_sample_is_answered() -> None:
    names = Names()
    for offset in range(-1, len(SAMPLE) + 2):
        found = names.at(names.cursor("here.py", SAMPLE, offset), SAMPLE)
        assert all(re.fullmatch(r"[^\W\d]\w*=?", name.text) for name in found)
        assert all(name.distance >= 0 for name in found)


PIECES = [
    *re.findall(r"\w+|\s+|\W", SAMPLE),
    "\r\n",
    "\t",
    "'''",
    "f'{",
    "\\",
    "²",
    "é",
    "(",
    "0x1.",
    "\x0c",
    "super().",
]
CODE = st.lists(st.sampled_from(PIECES)).map("".join)


@given(text=st.one_of(st.text(max_size=80), CODE), data=st.data())
@settings(max_examples=100, deadline=None)
def test_no_text_is_too_odd(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(-1, len(text) + 1))
    names = Names()
    where = names.cursor("here.py", text, offset)
    found = [name.text for name in names.at(where, text)]
    assert len(found) == len(set(found))
    assert not any(word in found for word in ("", ".", "="))
    assert names.is_open(where, text) in (True, False)
    if where.inside:
        assert not found


def answers(names: Names, text: str, offset: int) -> list[object]:
    where = names.cursor("here.py", text, offset)
    return [(name.text, name.group, name.distance, name.depth) for name in names.at(where, text)]


@given(edits=st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 30), CODE), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_what_is_kept_changes_no_answer(edits: list[tuple[int, int, str]]) -> None:
    names, text = Names(), SAMPLE
    for start, size, new in edits:
        text = text[:start] + new + text[start + size :]
        for offset in (start, start + len(new), len(text) // 2):
            assert answers(names, text, offset) == answers(Names(), text, offset)


def test_builtins_are_those_of_the_language() -> None:
    found = set(of(group.BUILTIN, f"x = {BAR}"))
    assert {name for name in dir(builtins) if not name.startswith("_")} - VALUES - {"__debug__"} <= found
