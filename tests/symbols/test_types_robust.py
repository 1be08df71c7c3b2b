"""Any expression in any module gets an answer, soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.symbols.fake_modules import Place, at

NAMES = ("a", "b", "A", "B", "self", "T", "list", "int", "名", "open", "super", "Optional")
name = st.sampled_from(NAMES)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, name).map(lambda pair: f"{pair[0]}.{pair[1]}"),
        st.tuples(inner, several).map(lambda pair: f"{pair[0]}({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]}[{pair[1]}]"),
        st.tuples(inner, st.sampled_from(["or", "and", "|", "+", "/", "%", "<"]), inner).map(" ".join),
        inner.map(lambda text: f"({text}).__iter__().__next__()"),
        inner.map(lambda text: f"await ({text})"),
        inner.map(lambda text: f"({text}).__enter__()"),
        several.map(lambda text: f"[{text}]"),
        several.map(lambda text: f"({text},)" if text else "()"),
        st.tuples(inner, inner).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}"),
        st.tuples(inner, name, inner).map(lambda three: f"[{three[0]} for {three[1]} in {three[2]}]"),
        inner.map(lambda text: f"lambda a: {text}"),
    )


expression = st.recursive(
    st.one_of(name, st.sampled_from(["1", "''", "None", "...", "b''", "f'{a}'", "{}", "1.5"])), _larger, max_leaves=8
)
statement = st.one_of(
    st.tuples(name, expression).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    st.tuples(name, expression).map(lambda pair: f"{pair[0]}: {pair[1]}"),
    st.tuples(name, name, expression, expression).map(
        lambda four: f"def {four[0]}({four[1]}: {four[2]} = 1):\n    return {four[3]}"
    ),
    st.tuples(name, name, expression).map(lambda three: f"def {three[0]}({three[1]}) -> {three[2]}: ..."),
    st.tuples(name, expression, name, expression, expression).map(
        lambda five: (
            f"class {five[0]}({five[1]}):\n    {five[2]} = {five[3]}\n"
            f"    def a(self): return {five[4]}\n    @property\n    def b(self): return self.a()"
        )
    ),
    st.tuples(name, name).map(lambda pair: f"from other import {pair[0]} as {pair[1]}"),
    st.just("from other import *"),
    st.just("import other as a"),
    st.just("from . import b"),
    st.just("from ...far import A"),
    name.map(lambda text: f"class {text}({text}): pass"),
    name.map(lambda text: f"{text} = TypeVar('{text}')"),
)
module = st.lists(statement, max_size=8).map("\n".join)


def ask_all(place: Place, text: str) -> None:
    values = place.types.infer(text, place.scope)
    place.types.members(values)
    for value in values:
        place.types.signature(value)


@settings(max_examples=150, deadline=None)
@given(main=module, other=module, texts=st.lists(expression, min_size=1, max_size=4))
def test_any_expression_in_modules_that_import_each_other(main: str, other: str, texts: list[str]) -> None:
    place = at(main, other=other + "\nfrom main import *\n")
    for text in texts:
        ask_all(place, text)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text(text: str) -> None:
    ask_all(at("a = 1\n"), text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500,
        "a" + ".a" * 700,
        "a" + "()" * 900,
        "a" + "[a" * 300 + "]" * 300,
        " + ".join(["a"] * 500),
        "-" * 900 + "1",
        "lambda: " * 200 + "1",
        "\0",
        "a\nb",
        "'\\d'",
        "1if a else 2",
        "9" * 1_999,
        "(yield)",
        "(a := 1)",
        "*a",
        "a" * 100_000,
        "\ud800",
    ],
)
def test_hard_text(text: str) -> None:
    ask_all(at("a = 1\ndef b(): return b\n"), text)


def test_what_goes_round_ends() -> None:
    text = """
def f(x): return [f(x)]
def g(): return h()
def h(): return g() or f(1)
class A(B): pass
class B(A): pass
class C(C[C[C]]): pass
x = y
y = x or f(y)
class D:
    def __iter__(self): return self
    def __next__(self): return D()
    def __call__(self): return self
    def __getitem__(self, i): return self
    me: "D"
    __get__ = 1
X = Union[X, "Y"]
Y = X
"""
    place = at(text)
    for expression in (
        "f(1)",
        "g()",
        "A()",
        "C()",
        "C()[1]",
        "x",
        "y",
        "D().me",
        "[a for a in D()]",
        "D()()",
        "X",
        "X()",
    ):
        ask_all(place, expression)


def test_a_wide_and_deep_world_is_given_up_soon() -> None:
    lines = [f"def f0_{n}(): return 1" for n in range(4)]
    for depth in range(1, 40):
        lines += [
            f"def f{depth}_{n}(): return " + " or ".join(f"f{depth - 1}_{m}()" for m in range(4)) for n in range(4)
        ]
    lines += ["class A0: pass", *(f"class A{n}(A{n - 1}, A{max(n - 2, 0)}): pass" for n in range(1, 400))]
    place = at("\n".join(lines))
    place.infer("1")  # reads builtins
    start = time.process_time()
    for expression in ("f39_0()", "A399()", "A30()", "A399().x", "A399"):
        ask_all(place, expression)
    assert time.process_time() - start < 1.0
