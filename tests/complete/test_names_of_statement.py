"""Names that the unfinished statement itself makes: comprehensions, lambdas, keyword arguments, type parameters."""

from __future__ import annotations

import pytest

from tests.complete.names_at import group_of, of, texts, workspace
from tinycoder.complete.names import name as group
from tinycoder.complete.names.position import BINDING, WORD, position
from tinycoder.complete.names.statement import bound_in, tokens_of


@pytest.mark.parametrize(
    ("before", "bound"),
    [
        ("[item for item in items if ", ["item"]),
        ("[item for item in ", []),
        ("[b for a in rows for b in ", ["a"]),
        ("{k: v for (k, v) in pairs if ", ["k", "v"]),
        ("[a for a in b if a], ", []),
        ("users.sort(key=lambda user: ", ["user"]),
        ("f(lambda a, b=1, *c: ", ["a", "b", "c"]),
        ("f(lambda a: a, ", []),
        ("f(lambda a: lambda b: ", ["a", "b"]),
        ("if (m := f(x)) and ", ["m"]),
        ("with open(a) as src, copy(", ["src"]),
        ("for x in ", []),
        ("for x in xs: ", ["x"]),
        ("def first[T, *Ts, **P](xs: list[", ["T", "Ts", "P"]),
        ("x = {a: b", []),
        (")]} for", []),
    ],
)
def test_what_a_statement_binds_before_its_end(before: str, bound: list[str]) -> None:
    assert bound_in(tokens_of(before)) == bound


def test_names_of_comprehensions_and_lambdas_are_offered() -> None:
    assert group_of("item", "[item for item in items if it¦") == group.LOCAL
    assert group_of("item", "[item for item in it¦") == ""
    assert group_of("user", "users.sort(key=lambda user: us¦") == group.LOCAL


SIGNATURES = """
def f(a, /, b, *rest, c, d=1):
    pass

"""


@pytest.mark.parametrize(
    ("call", "offered"),
    [
        ("f(¦", ["b=", "c=", "d="]),
        ("f(1, ¦", ["b=", "c=", "d="]),
        ("f(1, 2, ¦", ["c=", "d="]),
        ("f(1, 2, 3, ¦", ["c=", "d="]),
        ("f(1, 2, c=3, ¦", ["d="]),
        ("f(1, b=2, ¦", ["c=", "d="]),
    ],
)
def test_arguments_that_are_given_already_are_not_offered(call: str, offered: list[str]) -> None:
    assert of(group.ARGUMENT, SIGNATURES + call) == offered


def test_keyword_arguments_of_builtins_come_after_others() -> None:
    assert {"key=", "reverse="} <= set(of(group.ARGUMENT, "sorted(xs, ¦"))
    assert "key=" in of(group.ARGUMENT, "max(xs, ¦")


def test_a_keyword_argument_is_no_variable() -> None:
    assert group_of("required", 'p.add_argument("--n", required=True)\nx = req¦') == ""
    assert group_of("required", "print(required)\nx = req¦") == group.FREE
    assert group_of("user", "sudo('x', user=user)\nrun('y', user=us¦") == group.FREE
    assert group_of("config", "run(config)\nbar(config=3)\nx = ¦") == group.FREE
    assert group_of("Path", "def f():\n    p: Path = None\n    q = P¦") == group.FREE


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("if key not ", ("in",)),
        ("x = a.b not ", ("in",)),
        ("if not ", ()),
        ("match not ", ()),
    ],
)
def test_after_not_comes_in(before: str, words: tuple[str, ...]) -> None:
    found = position(before)
    assert (found.words if found.kind == WORD else ()) == words


def test_from_may_follow_yield() -> None:
    assert "from" in texts("def f():\n    x = yield ¦")
    assert "from" not in texts("x = ¦")


def test_members_of_a_chain_over_lines() -> None:
    query = "class Query:\n    def only(self, number) -> 'Query': ...\n    def all(self): ...\n\n\n"
    code = query + "q = (\n    Query()\n    .only(1)\n    .¦"
    assert {"only", "all"} <= set(of(group.MEMBER, code))
    assert of(group.ARGUMENT, query + "q = (\n    Query()\n    .only(¦") == ["number="]


def test_what_methods_give_self_is_no_name_in_the_class_body() -> None:
    code = "class Job:\n    limit = 1\n\n    def __init__(self):\n        self.deadline = 1\n\n    d = de¦"
    assert group_of("deadline", code) == ""
    assert group_of("limit", code) == group.LOCAL


def test_imports_over_several_lines(tmp_path) -> None:
    names = workspace(tmp_path, {"tools.py": "first = second = 1\n"})
    assert "second" in texts("from tools import first, \\\n    ¦", names=names)
    offered = texts("from tools import (\n    first,\n    ¦\n)", names=names)
    assert "second" in offered
    assert "first" not in offered


def test_members_in_a_string_over_several_lines() -> None:
    code = 'class A:\n    def run(self):\n        return f"""\nselect {self.¦}\n"""'
    offered = texts(code)
    assert "run" in offered
    assert "print" not in offered


def test_what_a_case_captures_is_known_in_its_first_line() -> None:
    code = "def f(cmd):\n    match cmd:\n        case Move(dx, dy):\n            return d¦"
    assert group_of("dx", code) == group.LOCAL


def test_a_star_brings_what_it_binds(tmp_path) -> None:
    files = {"pack/__init__.py": "from os import path\n_own = shown = 1\n", "pack/inner.py": ""}
    offered = texts("from pack import *\nx = ¦", names=workspace(tmp_path, files))
    assert {"shown", "_own", "inner"} & set(offered) == {"shown"}


@pytest.mark.parametrize("before", ["def first[T](", "def f[", "def f[T, ", "class A[", "type "])
def test_new_names_where_types_have_parameters(before: str) -> None:
    assert position(before).kind == BINDING


def test_bases_of_a_generic_class_are_no_arguments() -> None:
    assert position("class A[T](").call is None


def test_parameters_of_a_generic_function_are_known() -> None:
    code = "def first[T](items: list[T]) -> T:\n    return it¦"
    assert group_of("items", code) == group.PARAMETER
