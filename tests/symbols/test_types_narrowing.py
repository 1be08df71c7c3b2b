"""What ``isinstance`` and ``case`` before a line say about names in it."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.symbols.fake_modules import at, shown
from tinycoder.symbols.source.lines import width
from tinycoder.symbols.types.narrowing import narrowed


def at_end(text: str) -> dict[str, str]:
    """What holds in the last line."""
    lines = dedent(text).strip("\n").split("\n")
    return narrowed(lines, len(lines) - 1, width(lines[-1][: len(lines[-1]) - len(lines[-1].lstrip())]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if isinstance(x, A):\n    x.", {"x": "A"}),
        ("if isinstance(self.x, a.B) and y:\n    if z:\n        self.x.", {"self.x": "a.B"}),
        ("if isinstance(x, (A, B)):\n    x.", {"x": "(A, B)"}),
        ("if y:\n    pass\nelif isinstance(x, A):\n    x.", {"x": "A"}),
        ("assert isinstance(x, A), x\nx.", {"x": "A"}),
        ("if not isinstance(x, A):\n    return\nx.", {"x": "A"}),
        ("match x:\n    case A(a=1):\n        x.", {"x": "A"}),
        ("match x:\n    case A() | B():\n        x.", {"x": "(A, B)"}),
        ("if isinstance(x, A):\n    if isinstance(x, B):\n        x.", {"x": "B"}),
        ("if isinstance(x, A):\n\tif y:\n\t\tx.", {"x": "A"}),
        # what does not hold
        ("def f(x):\n\tif isinstance(x, A):\n\t\treturn 1\n\tx.", {}),
        ("if isinstance(x, A) or y:\n    x.", {}),
        ("if not isinstance(x, A):\n    x.", {}),
        ("if isinstance(x, A):\n    pass\nx.", {}),
        ("if isinstance(x, A):\n    pass\nelse:\n    x.", {}),
        ("if isinstance(x, A):\n    x = 1\n    x.", {}),
        ("if isinstance(x.y, A):\n    x = z\n    x.y.", {}),
        ("if isinstance(x, A):\n    def f(x):\n        x.", {}),
        ("match x:\n    case A():\n        pass\n    case _:\n        x.", {}),
        ("if not isinstance(x, A):\n    pass\nx.", {}),
    ],
)
def test_narrowed(text: str, expected: dict[str, str]) -> None:
    assert at_end(text) == expected


def test_infer_takes_it() -> None:
    place = at("class A: pass\nclass B: pass\nx: A | B\nclass C:\n    y: A | B\nc = C()\n")
    scope = replace(place.scope, narrowed={"x": "B", "c.y": "(A, B)", "int": "nowhere"})
    assert shown(place.types.infer("x", scope)) == "B"
    assert shown(place.types.infer("[x][0]", scope)) == "B"
    assert shown(place.types.infer("c.y", scope)) == "A | B"
    assert shown(place.types.infer("int", scope)) == "type[int]"


@given(
    text=st.text(alphabet="if isnt(,x)\n :=ABmatchcase_.", max_size=200),
    row=st.integers(-3, 30),
    indent=st.integers(0, 9),
)
def test_any_lines(text: str, row: int, indent: int) -> None:
    lines = text.split("\n")
    narrowed(lines, min(row, len(lines)), indent)
