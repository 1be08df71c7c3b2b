import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.complete.names import stdlib
from tinycoder.complete.names.names import FAR, Name, Names

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


def at(text: str) -> list[Name]:
    """Names at the bar in the text."""
    return Names().at(text.replace("|", "", 1), text.index("|"))


def texts(text: str) -> list[str]:
    return [name.text for name in at(text)]


def origin(text: str, word: str) -> str:
    return next(name.origin for name in at(text) if name.text == word)


def in_sample(line: str, after: str) -> str:
    """The sample with a line more."""
    assert after in SAMPLE
    return SAMPLE.replace(after, f"{after}\n{line}", 1)


def test_an_empty_text_offers_the_language() -> None:
    names = at("|")
    assert {"import", "print", "match"} <= {name.text for name in names}
    assert {name.origin for name in names} == {"keyword", "builtin"}
    assert all(name.distance == FAR for name in names)


def test_names_come_by_recency_and_those_after_the_cursor_later() -> None:
    assert texts("old = 1\nnew = 2\n|\nlater = 3\nlast = 4\n")[:4] == ["new", "old", "later", "last"]


def test_distance_counts_lines() -> None:
    names = {name.text: name for name in at("old = 1\nnew = 2\n\n|\n")}
    assert (names["old"].distance, names["new"].distance) == (3, 2)
    assert names["new"].origin == "line 2"


def test_parameters_and_locals_of_the_enclosing_function_come_first() -> None:
    names = texts(in_sample("        |", after="        total = count + LIMIT"))
    local = {"self", "item", "count", "total", "index", "left", "right", "stream"}
    assert set(names[: len(local)]) == local
    assert names.index("LIMIT") > len(local) - 1


def test_origins_say_where_a_name_is_from() -> None:
    text = in_sample("        |", after="        total = count + LIMIT")
    assert origin(text, "item") == "parameter of sell, line 27"
    assert origin(text, "total") == "line 31"
    assert origin(text, "os") == "import os"
    assert origin(text, "js") == "import json"
    assert origin(text, "Deque") == "import collections.deque"
    assert origin(text, "Shop") == "class, line 20"
    assert origin(text, "after_all") == "def, line 39"
    assert origin(text, "return") == "keyword"
    assert origin(text, "print") == "builtin"


def test_the_half_typed_word_is_no_name() -> None:
    assert "tot" not in texts("total = 1\nprint(tot|)\n")
    assert "total" in texts("total = 1\nprint(tot|)\n")
    assert "wholeword" not in texts("whole|word = 1\n")


def test_no_name_twice() -> None:
    for text in (SAMPLE + "|", in_sample("        self.|", after="        total = count + LIMIT")):
        names = texts(text)
        assert len(names) == len(set(names))


def test_self_offers_attributes_and_methods_of_the_class_and_its_bases() -> None:
    names = texts(in_sample("        self.|", after="        total = count + LIMIT"))
    members = {"stock", "open_now", "sell", "__init__", "shared", "inherited", "hidden"}
    assert set(names[: len(members)]) == members
    assert "later" in names[len(members) :]


def test_self_of_another_class_is_not_preferred() -> None:
    text = "class A:\n    def a(self):\n        self.one = 1\n\nclass B:\n    def b(self):\n        self.two = self.|\n"
    assert texts(text)[:2] == ["b", "two"]


def test_super_and_class_names_offer_members() -> None:
    assert texts("class A:\n    def a(self): pass\n    def b(self):\n        super().|")[:2] == ["b", "a"]
    assert texts("class A:\n    one = 1\n    def two(self): pass\nA.|")[:2] == ["two", "one"]


def test_the_same_receiver_comes_before_others() -> None:
    assert texts("a.one\nb.two\nf(x).three\na.|")[:3] == ["one", "three", "two"]
    assert texts("a.b.one\na.two\na.b.|")[0] == "one"


def test_an_object_offers_what_its_class_holds() -> None:
    source = "class Shop:\n    def sell(self): pass\n"
    assert texts(source + "s = Shop(1)\ns.|")[0] == "sell"
    assert texts(source + "def f(s: Shop):\n    s.|")[0] == "sell"
    assert set(texts("class P:\n    x: int\n    y: int = 3\np = P(1)\np.|")[:2]) == {"x", "y"}
    assert "add_argument" in texts("import argparse\nparser = argparse.ArgumentParser()\nparser.|")


def test_types_of_the_language_offer_their_attributes() -> None:
    assert origin("x.|", "append") == "attribute of list"
    assert {"split", "join"} <= set(texts("'a'.|"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("import os\nos.|", "getcwd"),
        ("import os\nos.path.|", "join"),
        ("import os.path as p\np.|", "join"),
        ("import json as js\njs.|", "JSONDecodeError"),
        ("from os import path\nif path.exi|", "exists"),
        ("import sys, time\ntime.|", "perf_counter"),
        ("import math\nmath.|", "sqrt"),
        ("import collections.abc\ncollections.abc.|", "Iterable"),
        ("from pathlib import (\n    Path,\n)\nPath.|", "read_text"),
        ("def f():\n    import socket\n    socket.|", "AF_INET"),
    ],
)
def test_modules_of_the_standard_library_offer_their_names(text: str, word: str) -> None:
    assert "(standard library)" in origin(text, word)
    assert "append" not in texts(text)


def test_other_packages_offer_what_the_text_uses() -> None:
    names = texts("import numpy as np\nnp.zeros(3)\nx.total\nnp.|")
    assert names == ["zeros", "total"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import |", ["os", "sys", "json"]),
        ("import os, js|", ["json"]),
        ("from |", ["collections"]),
        ("import numpy.linalg\n\nfrom |", ["numpy", "os"]),
        ("import xml.|", ["etree", "dom"]),
        ("from xml.etree.|", ["ElementTree"]),
        ("import numpy.linalg\nfrom numpy.|", ["linalg"]),
        ("from collections import |", ["Counter", "abc"]),
        ("from collections import Counter as C, |", ["OrderedDict"]),
        ("from os import (\n    path,\n    get|\n)\n", ["getcwd", "path"]),
        ("from house.rooms import hall\nfrom house.rooms import |", ["hall"]),
        ("from .rooms import hall\nfrom .|", ["rooms"]),
    ],
)
def test_import_lines_offer_modules_and_their_names(text: str, words: list[str]) -> None:
    names = texts(text)
    assert set(words) <= set(names)
    assert not {"print", "return"} & set(names)


def test_import_lines_offer_the_words_that_belong_there() -> None:
    assert texts("from os |") == ["import"]
    assert texts("import numpy |") == ["as"]
    assert texts("from os import path |") == ["as"]


def test_an_import_without_a_closing_bracket_ends_with_the_next_definition() -> None:
    assert texts("from os import (path,\ndef f(x):\n    |")[0] == "x"


@pytest.mark.parametrize("text", ["1.|", "x = 1_0.|", "x = ..|", "f(12|)", "x = .|"])
def test_numbers_and_lone_dots_offer_nothing(text: str) -> None:
    assert texts(text) == []


@pytest.mark.parametrize(
    "line",
    ["# see |", "'see |", 'x = "see |"', '"""see\n|\n"""', "f'see |'", "f'{{ |'", "'a \\\n |"],
)
def test_strings_and_comments_offer_words_and_no_keywords(line: str) -> None:
    names = texts(f"# ledger\nnumber = os.getcwd()\n{line}")
    assert {"number", "ledger", "getcwd"} <= set(names)
    assert not {"return", "print"} & set(names)


def test_prose_is_offered_only_where_prose_is_written() -> None:
    assert "ledger" not in texts("# ledger\nx = 'ledger'\n|")
    assert "prose" not in texts(SAMPLE + "|")


def test_braces_of_formatted_strings_hold_code() -> None:
    assert texts("import os\nf'{os.|}'")[0] == "altsep"
    assert "value" in texts("x = f'{value}'\n|")
    assert "return" in texts("x = f'a {|'")


def test_names_of_formatted_triple_strings_are_code() -> None:
    assert "value" in texts('x = f"""\nword {value}\n"""\n|')


@pytest.mark.parametrize(
    "broken",
    [
        "def f(x, y:\n    |",
        "def f(x, y\n    z = x +\n    |",
        "def f(x, y=(:\n    return {\n    |",
        "class A\n  def f(self, x, y):\n    if x ==\n    |",
        "def f(x, y):\n\tfor\n\t|",
        "def f(x, y):\n    a = [1, (2\n    |\n\ndef g(z): pass\n",
    ],
)
def test_broken_code_still_names_parameters(broken: str) -> None:
    assert {"x", "y"} <= set(texts(broken))


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_breaks_of_all_kinds(line_break: str) -> None:
    names = Names()
    text = SAMPLE.replace("\n", line_break)
    offset = text.index("total = ")
    expected = names.at(SAMPLE, SAMPLE.index("total = "))
    assert names.at(text, offset) == expected


def test_tabs_indent() -> None:
    assert texts("def f(x):\n\tif x:\n\t\ty = 1\n\t\t|\n")[:2] == ["y", "x"]
    assert origin("def f(x):\n\t|", "x") == "parameter of f, line 1"


@pytest.mark.parametrize(
    "line",
    [
        "mine = 1",
        "a, (b, mine) = 1, (2, 3)",
        "mine: int",
        "mine += 1",
        "for a, mine in b:",
        "with a() as mine, b:",
        "except E as mine:",
        "if (mine := 1):",
        "a = b = mine = 1",
        "import mine",
        "f = lambda mine: 1",
    ],
)
def test_what_a_line_gives_a_value_is_local(line: str) -> None:
    names = texts(f"def f():\n    {line}\n    far(far)\n    |")
    assert names.index("mine") < names.index("far")


def test_unicode_identifiers() -> None:
    names = texts("größe = 1\n名前 = größe\nself.été = 2\nx² = 3\ngr|")
    assert {"größe", "名前"} <= set(names)
    assert "été" in texts("self.été = 2\nself.|")


@pytest.mark.parametrize("word", ["os", "Counter", "hidden", "later", "price", "print", "while", "__name__", "getcwd"])
def test_names_that_exist(word: str) -> None:
    assert Names().exists(word, SAMPLE, len(SAMPLE))


@pytest.mark.parametrize("word", ["ledger", "coutn", "numpy", "json_dump", ""])
def test_names_that_do_not_exist(word: str) -> None:
    assert not Names().exists(word, SAMPLE, len(SAMPLE))


def test_what_is_being_typed_does_not_exist() -> None:
    assert not Names().exists("tota", "x = tota", 8)
    assert Names().exists("tota", "tota = 1\nx = tota", 17)
    assert Names().exists("json", "import js", 9)


def test_every_cursor_of_the_sample_is_answered() -> None:
    names = Names()
    for offset in range(-1, len(SAMPLE) + 2):
        found = names.at(SAMPLE, offset)
        assert all(re.fullmatch(r"[^\W\d]\w*", name.text) for name in found)
        assert all(name.distance >= 0 for name in found)


PIECES = [*re.findall(r"\w+|\s+|\W", SAMPLE), "\r\n", "\t", "'''", "f'{", "\\", "²", "é", "(", "0x1.", "\x0c"]
CODE = st.lists(st.sampled_from(PIECES)).map("".join)


@given(text=st.one_of(st.text(max_size=80), CODE), data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_text_is_too_odd(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    found = [name.text for name in Names().at(text, offset)]
    assert len(found) == len(set(found))
    assert not any(word in found for word in ("", "."))


@given(edits=st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 30), CODE), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_what_is_kept_changes_no_answer(edits: list[tuple[int, int, str]]) -> None:
    names, text = Names(), SAMPLE
    for start, size, new in edits:
        text = text[:start] + new + text[start + size :]
        for offset in (start, start + len(new), len(text) // 2):
            assert names.at(text, offset) == Names().at(text, offset)
            assert names.exists("total", text, offset) == Names().exists("total", text, offset)


def test_a_missing_or_odd_module_has_no_members() -> None:
    for dotted in ("", ".", "os.", "numpy", "os.nothing", "os.path.join.x", "../os", "this", "antigravity", "é.ü"):
        assert all(isinstance(name, str) for name in stdlib.members(dotted))
    assert stdlib.members("numpy") == ()


def test_all_modules_of_the_library_can_be_asked_without_being_imported() -> None:
    before = set(sys.modules)
    for module in ("this", "antigravity", "tkinter", "asyncio", "concurrent.futures", "xml.dom.minidom", "lzma", "ssl"):
        assert all(name.isidentifier() and not name.startswith("_") for name in stdlib.members(module))
    assert "ThreadPoolExecutor" in stdlib.members("concurrent.futures")
    assert not {"this", "antigravity", "tkinter", "xml.dom.minidom"} & (set(sys.modules) - before)
