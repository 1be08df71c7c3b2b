"""What can stand behind a dot, in an import, and as a keyword argument."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.complete.names_at import BAR, at, cursor, group_of, of, split, texts, workspace
from tinycoder.complete.names import name as group
from tinycoder.complete.names.names import Names

SHOP = """\
class Base:
    shared = 1

    def __init__(self, name):
        self.name = name

    def close(self): pass


class Shop(Base):
    def __init__(self, name, stock):
        super().__init__(name)
        self.stock = stock

    def sell(self, item, n=1, *, price, note=""): pass

    @property
    def is_open(self): return True

"""


@pytest.fixture
def shop(tmp_path: Path) -> Names:
    return workspace(
        tmp_path,
        {
            "shop/__init__.py": "from .models import Shop\n",
            "shop/models.py": SHOP,
            "shop/views.py": "from enum import Enum\n\nclass Color(Enum):\n    RED = 1\n    BLUE = 2\n",
            "shop/deep/__init__.py": "",
            "shop/deep/inner.py": "__all__ = ['listed']\n\ndef hidden(): pass\ndef listed(): pass\n",
            "open_ended.py": "class Any_:\n    def __getattr__(self, name): pass\n    def known(self): pass\n",
            "uses.py": "from requests.adapters import Retry\nfrom requests import Session\n",
        },
    )


def public(found: list[str]) -> list[str]:
    return [text for text in found if not text.startswith("__")]


@pytest.mark.parametrize(
    ("text", "own", "inherited"),
    [
        (f"    def more(self):\n        self.{BAR}", {"sell", "is_open", "stock", "name", "more"}, {"shared", "close"}),
        (f"s = Shop('a', 1)\ns.{BAR}", {"sell", "is_open", "stock", "name"}, {"shared", "close"}),
        (f"def f(s: Shop):\n    s.{BAR}", {"sell", "stock"}, {"close"}),
        (f"def f(s: 'Shop | None'):\n    s.{BAR}", {"sell", "stock"}, {"close"}),
        (f"def f(all: list[Shop]):\n    for s in all:\n        s.{BAR}", {"sell", "stock"}, {"close"}),
        (f"def f(all: list[Shop]):\n    return [s.{BAR}", set(), set()),
        (f"Shop.{BAR}", {"sell", "is_open"}, {"shared", "close"}),
        (f"def make() -> Shop: ...\nmake().{BAR}", {"sell"}, {"close"}),
    ],
)
def test_members_of_a_class_its_bases_and_its_instances(text: str, own: set[str], inherited: set[str]) -> None:
    found = {name.text: name.group for name in at(SHOP + text)}
    assert own <= found.keys()
    assert {found[word] for word in own - {"name"}} <= {group.MEMBER}
    assert {found[word] for word in inherited} <= {group.INHERITED}


def test_super_has_what_the_bases_have() -> None:
    found = texts(f"{SHOP}    def more(self):\n        super().{BAR}")
    assert {"close", "shared"} <= set(found)
    assert not {"sell", "more", "stock"} & set(found)


def test_of_two_classes_an_instance_has_the_members_of_its_own() -> None:
    text = "class Door:\n    def open_wide(self): pass\n\nclass Window:\n    def tilt_fully(self): pass\n\n"
    found = public(texts(f"{text}d = Door(); w = Window(); d.{BAR}"))
    assert found == ["open_wide"]


def test_members_of_an_enum_come_first(shop: Names) -> None:
    assert texts(f"from shop.views import Color\nColor.{BAR}", names=shop)[:2] == ["RED", "BLUE"]
    assert {"name", "value"} <= set(texts(f"from shop.views import Color\nColor.RED.{BAR}", names=shop))


def test_members_across_files(shop: Names) -> None:
    text = f"from shop import Shop\n\nclass Mine(Shop):\n    def own(self):\n        self.{BAR}"
    found = {name.text: (name.group, name.depth, name.owner) for name in at(text, names=shop)}
    assert found["own"] == (group.MEMBER, 0, "Mine")
    assert found["sell"] == (group.INHERITED, 1, "Shop")
    assert found["close"] == (group.INHERITED, 2, "Base")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (f"import os\nos.{BAR}", "getcwd"),
        (f"import os\nos.path.{BAR}", "join"),
        (f"import os.path as p\np.{BAR}", "join"),
        (f"import json as js\njs.{BAR}", "JSONDecodeError"),
        (f"from os import path\nif path.exi{BAR}", "exists"),
        (f"import sys, time\ntime.{BAR}", "perf_counter"),
        (f"import math\nmath.{BAR}", "sqrt"),
        (f"import collections.abc\ncollections.abc.{BAR}", "Iterable"),
        (f"from pathlib import (\n    Path,\n)\nPath.{BAR}", "read_text"),
        (f"def f():\n    import socket\n    socket.{BAR}", "AF_INET"),
        (f"import argparse\nparser = argparse.ArgumentParser()\nparser.{BAR}", "add_argument"),
        (f"{{}}.{BAR}", "items"),
        (f"''.{BAR}", "split"),
        (f"x = []\nx.{BAR}", "append"),
        (f"with open('f') as f:\n    f.{BAR}", "readline"),
    ],
)
def test_the_library_and_the_types_of_the_language(text: str, word: str) -> None:
    assert group_of(word, text) in (group.MEMBER, group.INHERITED)


def test_modules_of_the_workspace(shop: Names) -> None:
    assert {"models", "views", "deep", "Shop"} <= set(texts(f"import shop\nshop.{BAR}", names=shop))
    assert {"Shop", "Base"} <= set(texts(f"import shop.models\nshop.models.{BAR}", names=shop))
    assert {"Shop", "Base"} <= set(texts(f"from . import models as m\nm.{BAR}", path="shop/new.py", names=shop))


def test_a_known_receiver_has_its_members_only() -> None:
    text = f"other.strange()\nx = {{}}\nx.{BAR}"
    assert "strange" not in texts(text)
    names, (clean, _) = Names(), split(text)
    assert not names.is_open(cursor(text, names=names), clean)


@pytest.mark.parametrize(
    "text",
    [
        f"def f(x):\n    x.one\n    other.two\n    x.{BAR}",
        f"import numpy as x\nx.one\nother.two\nx.{BAR}",
        f"class A(Unknown):\n    def one(self): pass\nx = A()\nother.two\nx.{BAR}",
        f"from open_ended import Any_\nx = Any_()\nx.one\nother.two\nx.{BAR}",
    ],
)
def test_behind_other_receivers_stands_what_the_text_has_after_a_dot(text: str, shop: Names) -> None:
    found = texts(text, names=shop)
    assert found.index("one") < found.index("two")
    clean, _ = split(text)
    assert shop.is_open(cursor(text, names=shop), clean)


def test_the_same_receiver_is_nearer_than_others() -> None:
    assert of(group.SEEN, f"a.one\nb.two\nf(x).three\na.{BAR}")[0] == "one"
    assert of(group.SEEN, f"a.b.one\na.two\na.b.{BAR}")[0] == "one"


@pytest.mark.parametrize(
    ("text", "words", "wrong"),
    [
        (f"import {BAR}", {"os", "sys", "json", "shop", "open_ended", "requests"}, {"models", "print"}),
        (f"import os, js{BAR}", {"json"}, set()),
        (f"from {BAR}", {"collections", "shop", "requests"}, {"return"}),
        (f"import xml.{BAR}", {"etree", "dom"}, {"os"}),
        (f"from xml.etree.{BAR}", {"ElementTree"}, {"XML"}),
        (f"import shop.{BAR}", {"models", "views", "deep"}, {"Shop"}),
        (f"from shop.deep.{BAR}", {"inner"}, {"listed"}),
        (f"from requests.{BAR}", {"adapters"}, {"Session"}),
        (f"from collections import {BAR}", {"Counter", "abc"}, {"os"}),
        (f"from collections import Counter as C, {BAR}", {"OrderedDict"}, {"Counter"}),
        (f"from os import (\n    path,\n    get{BAR}\n)\n", {"getcwd"}, {"return"}),
        (f"from shop import {BAR}", {"Shop", "models", "views", "deep"}, {"Base"}),
        (f"from shop.models import Shop, {BAR}", {"Base"}, {"Shop"}),
        (f"from requests import {BAR}", {"Session"}, {"Shop"}),
        (f"from house.rooms import hall\nfrom house.rooms import {BAR}", {"hall"}, set()),
        (f"from house.rooms import hall\nfrom house.{BAR}", {"rooms"}, set()),
    ],
)
def test_import_lines_offer_modules_and_their_names(text: str, words: set[str], wrong: set[str], shop: Names) -> None:
    found = set(texts(text, names=shop))
    assert words <= found
    assert not (wrong | {"print", "return"}) & found


def test_what_a_module_lists_comes_before_the_rest(shop: Names) -> None:
    assert texts(f"from shop.deep.inner import {BAR}", names=shop)[0] == "listed"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"from .{BAR}", {"models", "views", "deep"}),
        (f"from . import {BAR}", {"models", "views", "deep", "Shop"}),
        (f"from .models import {BAR}", {"Shop", "Base"}),
        (f"from .deep.{BAR}", {"inner"}),
        (f"from .deep import {BAR}", {"inner"}),
    ],
)
def test_relative_imports(text: str, words: set[str], shop: Names) -> None:
    assert words <= set(texts(text, path="shop/new.py", names=shop))


def test_relative_imports_of_packages_above(shop: Names) -> None:
    assert {"models", "views"} <= set(texts(f"from .. import {BAR}", path="shop/deep/new.py", names=shop))
    assert {"Shop"} <= set(texts(f"from ..models import {BAR}", path="shop/deep/new.py", names=shop))


def test_names_of_a_module_that_was_not_found_are_open(shop: Names) -> None:
    for text, is_open in ((f"from nowhere import {BAR}", True), (f"from shop import {BAR}", False)):
        assert shop.is_open(cursor(text, names=shop), split(text)[0]) == is_open


def arguments(text: str, names: Names | None = None) -> list[str]:
    return of(group.ARGUMENT, text, names=names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"def f(a, b, *, c=1): pass\nf({BAR}", ["a=", "b=", "c="]),
        (f"def f(a, b, *, c=1): pass\nf(1, {BAR}", ["b=", "c="]),
        (f"def f(a, b, *, c=1): pass\nf(b=1, {BAR}", ["a=", "c="]),
        (f"def f(a, b, *, c=1): pass\nf(1, c=2, {BAR}", ["b="]),
        (f"def f(a, b, *, c=1): pass\nf(g(1, 2), [3, 4], {BAR}", ["c="]),
        (f"def f(a, b, *, c=1): pass\nf(\n    1,\n    {BAR}\n)", ["b=", "c="]),
        (f"def f(a, /, b, *rest, **more): pass\nf({BAR}", ["b="]),
        (f"def f(a, b): pass\nf(a={BAR}", []),
        (f"def f(a, b): pass\nf(g({BAR}", []),
        (f"def f(a, b): pass\nf(a).g({BAR}", []),
        (f"x = ({BAR}", []),
        (f"def f(a, b): pass\ndef f({BAR}", []),
        (f"{SHOP}Shop({BAR}", ["name=", "stock="]),
        (f"{SHOP}Shop('a', 1).sell(1, {BAR}", ["n=", "price=", "note="]),
        (f"from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 2\nP(1, {BAR}", ["y="]),
        (f"print({BAR}", ["sep=", "end=", "file=", "flush="]),
        (f"def f(a, b): pass\nf'{{f({BAR})}}'", ["a=", "b="]),
    ],
)
def test_keyword_arguments(text: str, words: list[str]) -> None:
    assert sorted(arguments(text)) == sorted(words)


def test_keyword_arguments_of_another_file(shop: Names) -> None:
    assert arguments(f"from shop import Shop\nShop('a', {BAR}", shop) == ["stock="]


def test_an_argument_and_a_name_that_are_spelled_the_same_both_stand() -> None:
    found = {name.text: (name.group, name.echo) for name in at(f"def f(a, b): pass\na = 1\nf({BAR}")}
    assert found["a="] == (group.ARGUMENT, "")
    assert found["a"] == (group.DEFINED, "parameter")


def test_a_call_of_what_is_not_known_or_takes_anything_is_open() -> None:
    names = Names()
    for text, is_open in (
        (f"unknown({BAR}", True),
        (f"def f(**more): pass\nf({BAR}", True),
        (f"def f(a): pass\nf({BAR}", False),
        (f"x = {BAR}", False),
    ):
        assert names.is_open(cursor(text, names=names), split(text)[0]) == is_open, text
