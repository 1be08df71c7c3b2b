"""Names that nobody has heard of cost a suggestion its certainty, from there on."""

from __future__ import annotations

import re

import pytest

from tinycoder.complete.ghost import Ghost
from tinycoder.complete.names.unknown import DOUBT, doubted

KNOWN = {
    "self",
    "total",
    "start",
    "return",
    "print",
    "def",
    "for",
    "in",
    "import",
    "as",
    "class",
    "lambda",
    "x",
    "f",
    "if",
}


def suggest(text: str) -> Ghost:
    """A suggestion that ends anywhere, sure of everything."""
    n = len(text)
    return Ghost(text=text, ends=tuple(range(1, n + 1)), sure=(1.0,) * n, ended=1.0, ids=())


def doubts(line: str, text: str) -> list[str]:
    """The words of ``text`` at whose ends certainty falls."""
    sure = (1.0, *doubted(suggest(text), line, KNOWN.__contains__))
    falls = [end for end in range(1, len(sure)) if sure[end] < sure[end - 1]]
    return [re.split(r"\W", text[:end])[-1] for end in falls]


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        ("    return ", "total", []),
        ("    return ", "nothing", ["nothing"]),
        ("    ", "self.total = nothing(never, start)", ["nothing", "never"]),
        ("    self.no", "thing", ["thing"]),  # half typed, half suggested
        ("    nothing.", "total", []),  # the author's own word
        ("x = ", "'nothing at all'", []),
        ('x = "', 'nothing"', []),
        ("x = 1  # ", "nothing", []),
        ("x ", "= 1  # nothing", []),
    ],
)
def test_unknown_names_are_doubted(line: str, text: str, words: list[str]) -> None:
    assert doubts(line, text) == words


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "def nothing"),
        ("    def ", "nothing(self, never, *more)"),
        ("async def ", "nothing(never)"),
        ("", "class Nothing"),
        ("", "nothing = 1"),
        ("    ", "nothing"),  # a statement may begin with anything
        ("for ", "nothing, never in x"),
        ("import x ", "as nothing"),
        ("import ", "nothing"),
        ("f = ", "lambda nothing, never: x"),
        ("print(", "nothing=1)"),
    ],
)
def test_names_that_are_made_are_not(line: str, text: str) -> None:
    assert doubts(line, text) == []


def test_a_comparison_makes_no_name() -> None:
    assert doubts("if ", "nothing == 1") == ["nothing"]


def test_only_what_reaches_the_name_is_less_sure() -> None:
    made = Ghost(text="total + nothing + x", ends=(5, 7, 15, 19), sure=(0.9, 0.8, 0.7, 0.6), ended=0.5, ids=())
    assert doubted(made, "return ", KNOWN.__contains__) == pytest.approx((0.9, 0.8, 0.7 * DOUBT, 0.6 * DOUBT))


def test_nothing_suggested() -> None:
    assert doubted(suggest(""), "x = nothing", KNOWN.__contains__) == ()
