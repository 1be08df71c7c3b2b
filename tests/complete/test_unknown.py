"""Names that do not exist cost a suggestion its certainty; what a known receiver lacks costs all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.complete.names_at import BAR, cursor, split, workspace
from tinycoder.complete.names.names import Names
from tinycoder.complete.names.unknown import IMPOSSIBLE, UNBOUND, KnownNames, factors, unknown_names

LANGUAGE = {"return", "print", "def", "for", "in", "import", "as", "class", "lambda", "if", "not", "and"}


class Few:
    """A few names: bound here, or standing elsewhere. Of receivers only ``self`` is known, and has ``total``."""

    bound = LANGUAGE | {"self", "total", "start", "x", "f"}
    standing = bound | {"elsewhere", "module"}

    def is_bound(self, word: str) -> bool:
        return word in self.bound

    def exists(self, word: str) -> bool:
        return word in self.standing

    def is_taken_from(self, word: str) -> bool:
        return word == "module"

    def has_member(self, before: str, word: str) -> bool | None:
        return word == "total" if before.endswith(("self.", "door.")) else None


def doubts(line: str, text: str) -> dict[str, float]:
    """The words of ``text`` that are doubted, and what is left of their probability."""
    return {re.split(r"\W", (line + text)[: len(line) + end])[-1]: left for end, left in factors(line, text, Few())}


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        ("    return ", "total", {}),
        ("    return ", "nothing", {"nothing": UNBOUND}),
        ("    return ", "elsewhere", {"elsewhere": UNBOUND}),
        ("    return ", "module.total", {"module": IMPOSSIBLE}),
        ("from ", "module import nothing, never", {}),
        ("    from .", "nothing import never", {}),
        ("import ", "nothing", {}),
        ("x = 1; import ", "nothing", {}),
        ("import x; f(", "nothing", {"nothing": UNBOUND}),
        ("    ", "self.total = nothing(never, start)", {"nothing": UNBOUND, "never": UNBOUND}),
        ("    return no", "thing", {"nothing": UNBOUND}),  # half typed, half suggested
        ("    nothing.", "total", {}),  # the author's own word
        ("x = ", "'nothing at all'", {}),
        ('x = "', 'nothing"', {}),
        ("x = 1  # ", "nothing", {}),
        ("x ", "= 1  # nothing", {}),
        ("if ", "nothing == 1", {"nothing": UNBOUND}),  # a comparison makes no name
        ("return ", "0x1f", {}),
    ],
)
def test_unknown_names_are_doubted(line: str, text: str, words: dict[str, float]) -> None:
    assert doubts(line, text) == words


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        ("    return self.", "total", {}),
        ("    return self.", "nothing", {"nothing": UNBOUND}),
        ("    return self.", "elsewhere", {"elsewhere": UNBOUND}),
        ("    return self.no", "thing", {"nothing": UNBOUND}),
        ("    return door.", "nothing", {"nothing": IMPOSSIBLE}),
        ("    return door.", "total", {}),
        ("    return myself.", "nothing", {"nothing": IMPOSSIBLE}),
        ("    ", "self.nothing = 1", {}),  # made
        ("    ", "self.nothing: int = 1", {}),
        ("    ", "self.nothing, self.never = 1, 2", {}),
        ("    with f as ", "self.nothing:", {}),
        ("    ", "self.nothing += 1", {"nothing": UNBOUND}),
        ("    ", "self.nothing.never = 1", {"nothing": UNBOUND}),
        ("    if ", "self.nothing == 1", {"nothing": UNBOUND}),
        ("    return x.", "elsewhere", {}),
        ("    return x.", "nothing", {"nothing": UNBOUND}),
    ],
)
def test_members(line: str, text: str, words: dict[str, float]) -> None:
    assert doubts(line, text) == words


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "def nothing"),
        ("    def ", "nothing(self, never, *more)"),
        ("async def ", "nothing(never)"),
        ("", "class Nothing"),
        ("", "nothing = 1"),
        ("", "nothing, never, *more = x"),
        ("", "total, nothing = x"),
        ("", "nothing: int = 1"),
        ("    ", "nothing"),  # a statement may begin with anything
        ("for ", "nothing, never in x"),
        ("import x ", "as nothing"),
        ("import ", "nothing"),
        ("f = ", "lambda nothing, never: x"),
        ("print(", "nothing=1)"),
    ],
)
def test_names_that_are_made_are_not(line: str, text: str) -> None:
    assert doubts(line, text) == {}


@pytest.mark.parametrize(
    "line", ["x = [n + m for n, m in x]", "f = lambda n: n + 1", "if (n := f(x)) and n: print(n)", "with f as n: n()"]
)
def test_names_that_the_line_itself_makes_are_bound(line: str) -> None:
    for end in range(len(line)):
        assert doubts(line[:end], line[end:]) == {}


def test_only_what_reaches_the_name_is_less_sure() -> None:
    left = unknown_names("return ", "total + nothing + x", (5, 7, 15, 19), (0.9, 0.8, 0.7, 0.6), Few())
    assert left == pytest.approx((0.9, 0.8, 0.7 * UNBOUND, 0.6 * UNBOUND))


def test_doubts_multiply() -> None:
    left = unknown_names("return ", "nothing(elsewhere)", (7, 17, 18), (1.0, 1.0, 1.0), Few())
    assert left == pytest.approx((UNBOUND, UNBOUND * UNBOUND, UNBOUND * UNBOUND))


def test_nothing_suggested() -> None:
    assert unknown_names("x = nothing", "", (), (), Few()) == ()


def known(text: str, names: Names | None = None, *, stands: set[str] | None = None) -> KnownNames:
    names = names or Names()
    resolver = names.resolver(cursor(text, names=names), split(text)[0])
    return KnownNames(cursor(text, names=names), resolver, (stands or set()).__contains__)


SAMPLE = f"""\
import time
from json import dumps as to_text

class Shop:
    def __init__(self, stock):
        self.stock = stock

    def sell(self, item):
        count = taken(item)
        return {BAR}

def later(shop): pass
"""


@pytest.mark.parametrize(
    "word",
    ["time", "to_text", "Shop", "item", "self", "count", "later", "taken", "print", "while", "__name__", "match"],
)
def test_names_that_are_bound(word: str) -> None:
    assert known(SAMPLE).is_bound(word)


@pytest.mark.parametrize("word", ["json", "dumps", "stock", "sell", "shop", "cuont", "", "coun"])
def test_names_that_are_not(word: str) -> None:
    assert not known(SAMPLE).is_bound(word)


@pytest.mark.parametrize("word", ["dumps", "json", "stock", "sell", "shop", "time", "print", "__init__"])
def test_words_that_stand_somewhere_exist(word: str) -> None:
    assert known(SAMPLE).exists(word)


def test_words_of_the_workspace_exist(tmp_path: Path) -> None:
    names = workspace(tmp_path, {"lib.py": "class Far:\n    def reach(self): pass\n"})
    assert known(SAMPLE, names).exists("Far")
    assert known(SAMPLE, names).exists("reach")
    assert not known(SAMPLE, names).exists("rech")
    assert known(SAMPLE, names, stands={"rech"}).exists("rech")


def test_a_module_that_names_are_taken_from_is_not_bound_by_that() -> None:
    assert known(SAMPLE).is_taken_from("json")
    assert not known(SAMPLE).is_taken_from("time")
    assert known(f"from pathlib import Path; p = {BAR}").is_taken_from("pathlib")
    assert known(f"from a.b import c\n{BAR}").is_taken_from("a")


def test_self_means_nothing_outside_of_a_method() -> None:
    assert not known(f"class A:\n    def m(self): pass\n\ndef f(x):\n    return {BAR}\n").is_bound("self")


@pytest.mark.parametrize(
    ("before", "word", "has"),
    [
        ("return self.", "sell", True),
        ("return self.", "stock", True),
        ("return self.", "stcok", False),
        ("return time.", "monotonic", True),
        ("return time.", "monotonous", False),
        ("return os.path.", "join", None),
        ("return item.", "anything", None),
        ("return taken(1).", "anything", None),
        ("return ''.", "split", True),
        ("return ''.", "items", False),
        ("return super().", "sell", False),
        ("return item", "s", None),
    ],
)
def test_what_a_receiver_has(before: str, word: str, has: bool | None) -> None:
    assert known(SAMPLE).has_member(before, word) is has
