"""Blocks at an offset of a text, and changes between two texts."""

import pytest

from tinycoder.complete.text import block_header


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
