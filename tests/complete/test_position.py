"""What can come at a cursor, told from the statement before it."""

import pytest

from tinycoder.complete.names.position import (
    ATTRIBUTE,
    BINDING,
    EXPRESSION,
    IMPORTED,
    MODULE,
    NO_NAME,
    OPERATOR,
    STATEMENT,
    WORD,
    Call,
    position,
)


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ("", STATEMENT),
        ("    ", STATEMENT),
        ("if x: ", STATEMENT),
        ("a = b; ", STATEMENT),
        ("x = ", EXPRESSION),
        ("return ", EXPRESSION),
        ("x = y if z else ", EXPRESSION),
        ("lambda x: ", EXPRESSION),
        ("{'a': ", EXPRESSION),
        ("x[1:", EXPRESSION),
        ("@", EXPRESSION),
        ("class A(", EXPRESSION),
        ("match ", EXPRESSION),
        ("for a in ", EXPRESSION),
        ("[x for x in y if ", EXPRESSION),
        ("raise X from ", EXPRESSION),
        ("return x ", OPERATOR),
        ("x = f(a) ", OPERATOR),
        ("x = 1 ", OPERATOR),
        ("foo(a=1, b ", OPERATOR),
        ("async ", WORD),
        ("import a ", WORD),
        ("from a ", WORD),
        ("from a import b ", WORD),
        ("1.", NO_NAME),
        ("x = 1.", NO_NAME),
        ("...", NO_NAME),
        ("x = + .", NO_NAME),
        ("x = 'text'", NO_NAME),
    ],
)
def test_the_place(before: str, kind: str) -> None:
    assert position(before).kind == kind


@pytest.mark.parametrize(
    ("before", "bound_by"),
    [
        ("def ", "def"),
        ("async def ", "def"),
        ("class ", "class"),
        ("def f(", "parameter"),
        ("def f(a: int, ", "parameter"),
        ("def f(*", "parameter"),
        ("lambda ", "lambda"),
        ("sorted(x, key=lambda a, ", "lambda"),
        ("for ", "for"),
        ("for a, ", "for"),
        ("[x for ", "for"),
        ("except E as ", "as"),
        ("with open(x) as ", "as"),
        ("import numpy as ", "as"),
        ("from a import b as ", "as"),
    ],
)
def test_what_makes_a_name(before: str, bound_by: str) -> None:
    found = position(before)
    assert (found.kind, found.bound_by) == (BINDING, bound_by)


@pytest.mark.parametrize("before", ["def f(a=", "def f(a: ", "for a in b, ", "lambda: ", "f(*"])
def test_what_makes_none(before: str) -> None:
    assert position(before).kind == EXPRESSION


@pytest.mark.parametrize(
    ("before", "receiver"),
    [
        ("self.", "self"),
        ("x = self.a.b().c[0].", "self.a.b().c[0]"),
        ("super().", "super()"),
        ("'abc'.", "'abc'"),
        ("{}.", "{}"),
        ("f(a, b.", "b"),
        ("not x.", "x"),
        ("(a or b).", "(a or b)"),
        ("f'{x}'.", "f'{x}'"),
    ],
)
def test_the_receiver(before: str, receiver: str) -> None:
    found = position(before)
    assert (found.kind, found.receiver) == (ATTRIBUTE, receiver)


@pytest.mark.parametrize(
    ("before", "module"),
    [("import ", ""), ("import os.", "os"), ("import a, ", ""), ("from ", ""), ("from .", "."), ("from ..a.", "..a")],
)
def test_modules(before: str, module: str) -> None:
    found = position(before)
    assert (found.kind, found.module) == (MODULE, module)


def test_names_of_an_import() -> None:
    found = position("from a.b import c, d as e, ")
    assert (found.kind, found.module) == (IMPORTED, "a.b")
    assert "c" in found.given
    inside = position("    ", ["from a import (", "    b,"], importing="a")
    assert (inside.kind, inside.module) == (IMPORTED, "a")
    assert position("    b ", ["from a import ("], importing="a").words == ("as",)


def test_the_call_around_an_argument() -> None:
    assert position("x = foo(1, b=2, ").call == Call(callee="foo", given=("b",), n_before=2)
    assert position("    ", ["foo(", "    a,"]).call == Call(callee="foo", given=(), n_before=1)
    assert position("a.b(c)(").call == Call(callee="a.b(c)", given=(), n_before=0)
    assert position("foo(bar(1), ").call == Call(callee="foo", given=(), n_before=1)


@pytest.mark.parametrize("before", ["class A(", "(", "x = (1, ", "if (", "foo(a=", "[a, ", "foo([1, "])
def test_no_call(before: str) -> None:
    assert position(before).call is None


def test_a_statement_above_is_not_part_of_this_one() -> None:
    assert position("    ", ["y = 1"]).kind == STATEMENT
    assert position("    ", ["y = f(", "    1,", ")"]).kind == STATEMENT
    assert position("    ", ["def f(): ..."]).kind == STATEMENT
    assert position("x = ", ["def f(): ..."]).statement == "x"
    assert position("x = ", ["from a import *"]).statement == "x"
    assert position("return ", ["y = f("]).kind == EXPRESSION
    assert position("return ", ["y = f("]).call is None


@pytest.mark.parametrize("header", ["if x: ", "for x in y: ", "else: ", "if x and (y): "])
@pytest.mark.parametrize(
    "above", [["y = 1"], ["def f():"], ["if z:", "    y = f(1,", "        2)"], ["f(x)", "", "# note"]]
)
def test_a_header_goes_on_with_nothing_above(above: list[str], header: str) -> None:
    found = position(header, above)
    assert (found.kind, found.before) == (STATEMENT, header)


def test_a_header_of_several_lines_is_a_statement_of_its_own() -> None:
    found = position("): ", ["y = 1", "if f(", "    x"])
    assert (found.kind, found.before) == (STATEMENT, "if f(\n    x\n): ")


def test_the_first_word_of_a_header_is_that_of_the_statement() -> None:
    assert position("if ", ["y = 1"]).statement == "if"
    assert position("for x in ", ["y = 1"]).statement == "for"


@pytest.mark.parametrize("line", ["    for ", "    for x in y if ", "    if x else "])
def test_a_comprehension_goes_on_with_what_is_above(line: str) -> None:
    assert position(line, ["total = f(", "    x"]).statement == "total"
    assert position(line, ["total = [x"]).statement == "total"
    assert position(line, ["total = [", "    x", "    for z in y"]).statement == "total"


def test_names_may_be_made_in_an_assignment() -> None:
    assert position("").may_bind
    assert position("self.").may_bind
    assert position("a, ").may_bind
    assert not position("x = ").may_bind
    assert not position("x = self.").may_bind


def test_annotations() -> None:
    assert position("x: ").annotation
    assert position("def f(a: ").annotation
    assert position("def f() -> ").annotation
    assert not position("{'a': ").annotation
    assert not position("if x: ").annotation


def test_in_the_braces_of_an_f_string() -> None:
    found = position('x = f"{self.', braces=True)
    assert (found.kind, found.receiver) == (ATTRIBUTE, "self")
    assert position('x = f"{', braces=True).kind == EXPRESSION
