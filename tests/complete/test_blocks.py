"""Where a block begins, by itself or asked for by hand."""

import textwrap

import pytest

from tinycoder.complete.blocks import block_header

HEADERS = [
    "def f(x):",
    "def f(x: int = 3, *, y: dict[str, int]) -> list[int]:",
    "def f(x=lambda y: 1):",
    "def f(\n    x\n) -> int:",
    "def f(\n    x,  # one: two\n    y=')',\n):",
    "async def f():",
    "    async with a as b:",
    "class A:",
    "class A(B, metaclass=C):",
    "if x[1:2]:",
    "if x == ':':",
    "if x == '#':",
    "if key(lambda x: x):",
    "if {'a': 1}:",
    "if (\n    a\n    and b\n):",
    "if (n := f()):",
    "elif a:",
    "else:",
    "for a, b in {\n    'c': 1,\n}.items():",
    "while True:",
    "with (\n    open(a) as b,\n    open(c) as d,\n):",
    "try:",
    "except (A, B) as c:",
    "except* A:",
    "finally:",
    "match x:",
    "match (x, y):",
    "case {'a': [1, *rest]} if rest:",
    "case _:",
]
NO_HEADERS = [
    "",
    "\n",
    "x = {'a':",
    "if x == {'a':",
    "if x[1:",
    "for a in b[:",
    "x: int",
    "x:",
    "match:",
    "case: int",
    "def f(x:",
    "f = lambda:",
    "if f(lambda x:",
    "if lambda x:",
    "if a: b",
    "if a: b:",
    "class A: x:",
    "if a: pass  # why:",
    "# if a:",
    "if x == ':",
    "define:",
    "x = '''\nif a:",
    'def f():\n    """Read.\n\n    else:',
    "x = 'a \\\nif a:",
    "def f(x):\n    retu",
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("comment", ["", " ", "  # why: so"])
@pytest.mark.parametrize("below", ["", "\n", "\n    ", "\n\t"])
@pytest.mark.parametrize("above", ["", '"""If a:"""\nx = "\'\'\'"  # "it\'s"\n', "broken = (\n\n"])
def test_a_block_begins_after_its_header(header: str, comment: str, below: str, above: str) -> None:
    text = f"{above}{header}{comment}{below}"
    assert block_header(text + "\nrest:\n", len(text)) == f"{header}{comment}".split("\n")[-1]


@pytest.mark.parametrize("text", NO_HEADERS)
@pytest.mark.parametrize("below", ["", "\n    "])
def test_no_block_begins_elsewhere(text: str, below: str) -> None:
    text += below
    assert block_header(text + "\nrest:\n", len(text)) is None


@pytest.mark.parametrize("text", ["def f(x):\n\n    ", "if a:\n    b\n"])
def test_a_block_begins_once(text: str) -> None:
    assert block_header(text, len(text)) is None


@pytest.mark.parametrize(("before", "after"), [("if a:", " b"), ("if a:\n    ", "b"), ("def f(x):", "  # why")])
def test_no_block_begins_before_the_rest_of_a_line(before: str, after: str) -> None:
    assert block_header(before + after, len(before)) is None


def test_a_header_in_a_method_is_found_below_a_long_text() -> None:
    text = textwrap.dedent('''
        class A:
            """One's "text", with an end.

            while waiting:
            """

            def f(self, x):
        ''').rstrip("\n")
    text = "x = f('a', \"b\")  # don't\n" * 2_000 + text
    assert block_header(text, len(text)) == "    def f(self, x):"
