"""Blocks at an offset of a text, and changes between two texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.text import block_header, change_of

PIECES = st.text("ab\n", max_size=6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x):", True),
        ("def f(x):\n", True),
        ("def f(x):\n    ", True),
        ("def f(\n    x\n) -> int:\n    ", True),
        ("class A:\r\n    ", True),
        ("    async with a as b:  # why\n        ", True),
        ("else:", True),
        ("", False),
        ("\n", False),
        ("x = {'a':", False),
        ("x: int", False),
        ("f = lambda:", False),
        ("define:", False),
        ("if a: b\n", False),
        ("def f(x):\n\n    ", False),
        ("def f(x):\n    retu", False),
    ],
)
def test_a_block_begins_after_its_header(text: str, expected: bool) -> None:
    assert (block_header(text + "\nrest:\n", len(text)) is not None) is expected


@given(before=PIECES, old=PIECES, new=PIECES, after=PIECES)
def test_a_change_applied_to_one_text_gives_the_other(before: str, old: str, new: str, after: str) -> None:
    one, other = before + old + after, before + new + after
    change = change_of(one, other)
    assert one[: change.start] + other[change.start : change.new_end] + one[change.old_end :] == other
    assert change.start >= len(before) or change.old_end - change.start <= len(old)
    assert change_of(one, other, change) is change
    assert change_of(one + "a", other, change) is not change
