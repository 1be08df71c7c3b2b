import argparse
import ast
import json.decoder
import random
import textwrap
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.complete.faults import n_faults
from tinycoder.complete.overlap import left_open
from tinycoder.complete.syntax import DOCUMENT_LIMIT, FAULT_LIMIT, SyntaxGate

FILES = [Path(json.decoder.__file__), Path(textwrap.__file__), Path(argparse.__file__)]


def could_begin_a_module(text: str) -> bool:
    """The simple version, which parses all of the text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text + "\n", "module", "exec", ast.PyCF_ONLY_AST | 0x4000, dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
        return "incomplete input" in str(problem)
    return True


needs_flag = pytest.mark.skipif(not could_begin_a_module("if x:"), reason="this Python has no mode for unfinished text")


def cursors(path: Path, n: int) -> list[tuple[str, str, str]]:
    """Text up to a cursor, the rest of its line, and the lines below."""
    text = path.read_text("utf-8")
    rng = random.Random(path.name)
    cursors: list[tuple[str, str, str]] = []
    while len(cursors) < n:
        at = rng.randrange(len(text))
        end = text.find("\n", at)
        if text[at:end].strip():
            cursors.append((text[:at], text[at:end], text[end:]))
    return cursors


def accepts(gate: SyntaxGate, before: str, new: str, behind: str = "", typed: str = "") -> bool:
    return gate.accepts(before + typed + behind, len(before), len(before + typed), new)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("behind_too", [False, True], ids=["top-down", "code behind"])
def test_what_the_author_wrote_is_accepted(path: Path, behind_too: bool) -> None:
    gate = SyntaxGate()
    sample = cursors(path, 120)
    verdicts = [accepts(gate, before, rest, behind if behind_too else "") for before, rest, behind in sample]
    assert sum(verdicts) >= 0.99 * len(sample)


@needs_flag
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_few_lines_give_the_verdict_of_the_whole_text(path: Path) -> None:
    gate = SyntaxGate()
    rng = random.Random(1)
    for before, rest, _ in cursors(path, 30):
        cut = rest[: rng.randrange(len(rest) + 1)]
        cut += rng.choice("()[]'\":=,#\\ ")
        for new in (rest, cut, rest + ")", rest + '"', "def def " + rest, rest + "\nelse:"):
            assert accepts(gate, before, new) == could_begin_a_module(before + new), (before[-80:], new)


@needs_flag
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_wrong_code_is_refused_with_code_behind(path: Path) -> None:
    gate = SyntaxGate()
    for before, rest, behind in cursors(path, 30):
        for new in (rest + ")", rest + '"', "def def " + rest):
            if not could_begin_a_module(before + new):
                assert not accepts(gate, before, new, behind), (before[-80:], new)


METHOD = "class A:\n    def f(self, a, b):\n        "
BEHIND = "\n\n    def g(self):\n        return 1\n"


@pytest.mark.parametrize("behind", ["", BEHIND], ids=["top-down", "code behind"])
@pytest.mark.parametrize(
    ("before", "new", "verdict"),
    [
        (METHOD, "return a", True),
        (METHOD, "return a)", False),
        (METHOD, "return 'a", False),
        (METHOD, "def def", False),
        (METHOD, "if a:\n            return b\n        return a", True),
        (METHOD, "if a:\n            return b\n       return a", False),
        (METHOD, "if a:\n            return b\n        else:\n            return a", True),
        (METHOD, "if a:\n            return b)\n        return a", False),
        (METHOD + "return self.", "f(a, b)", True),
        (METHOD + "return self.", ".f(a, b)", False),
        (METHOD + "return self.f(", "a, b)", True),
        (METHOD + "return self.f(", "a", True),  # the author opened it
        (METHOD + "return self.f(\n            a,\n            ", "b", True),
        (METHOD + "return self.f(\n            a,\n            ", "b]", False),
        (METHOD + '"""', "Return a.", True),
        (METHOD + '"""', 'Return a."""', True),
        (METHOD + "if a:\n            return 1\n        ", "else:\n            pass", True),
        (METHOD + "if a:\n            return 1\n        ", "elif b:\n            pass", True),
        (METHOD + "x = 1\n        ", "else:\n            pass", False),
        (
            METHOD + "try:\n            f()\n        except E:\n            g()\n        ",
            "else:\n            h()",
            True,
        ),
        (METHOD + "x = a + \\\n            ", "b", True),
        (METHOD + "x = a + \\\n            ", "= b", False),
        (METHOD + "if x i", "s not None:\n            pass", True),  # a word and a sign that are half typed
        (METHOD + "if x !", "= a:\n            pass", True),
        (METHOD + "x = 'é 😀' + ", "a", True),
        (METHOD + "x = 'é 😀' + ", "a]", False),
        ("@property\n", "def f(self):\n    return 1", True),
        ("@property\n", "x = 1", False),
        ("if a:\n    ", "return None", False),  # grammatical, but not allowed here
        ("if a:\n    ", "yield a", False),
        ("if a:\n    ", "break", False),
        ("for a in b:\n    ", "break", True),
        ("if a:\n    ", "await b", True),  # in a notebook it is
        (METHOD + "x = 1\n        def g():\n            ", "nonlocal x", True),
        (METHOD, "await a", False),
    ],
)
def test_verdicts_on_lines_and_blocks(before: str, new: str, behind: str, verdict: bool) -> None:
    if behind and not before.startswith("class"):
        behind = "\n\ny = 1\n"
    assert accepts(SyntaxGate(), before, new, behind) is verdict


def test_a_bracket_may_stay_open_only_if_no_code_follows() -> None:
    gate = SyntaxGate()
    assert accepts(gate, METHOD, "return f(")
    assert not accepts(gate, METHOD, "return f(", BEHIND)
    assert accepts(gate, METHOD, "return f(", "\n            a)" + BEHIND)
    assert accepts(gate, METHOD, "return f(", ")" + BEHIND)
    assert not accepts(gate, METHOD + "return f(a.", "b(", BEHIND)


def test_a_text_without_faults_gets_none() -> None:
    gate = SyntaxGate()
    header, behind = "if a:", "\n    x = 1\nelse:\n    x = 2\n"
    assert accepts(gate, header, "  # why", behind)
    assert accepts(gate, "if a", " and b", ":" + behind)
    assert not accepts(gate, header, " pass", behind)


def test_the_rest_of_the_line_is_part_of_the_verdict() -> None:
    gate = SyntaxGate()
    assert accepts(gate, "x = f(", "a, b", ")\n")
    assert not accepts(gate, "x = f(", "a, b)", ")\n")
    assert not accepts(gate, "x = f(", "g(a", ")\n")  # the one behind closes the author's bracket, not another
    assert not accepts(gate, "\t\tx = f(", "g(a", ")\n")
    assert accepts(gate, "x = f(", "g(a)", "\n\ny = 1\n")
    assert accepts(gate, 'x = f("', "some text", '")\n')
    assert not accepts(gate, 'x = f("', 'some text"', '")\n')
    assert accepts(gate, "x = [i for i in ", "range(3)", "]\ny = 1\n")


def test_a_suggestion_replaces_the_typed_word() -> None:
    gate = SyntaxGate()
    assert accepts(gate, "x = ", "name.upper()", typed="nam")
    assert not accepts(gate, "x = ", "name name", typed="nam")
    assert accepts(gate, "x = ", "name.upper()", "\ny = 1\n", typed="na")
    assert accepts(gate, METHOD + "x = f(", "name)", BEHIND, typed="na")


@pytest.mark.parametrize("fault", ["x = = 1\n", "print 'old'\nexec 'x' in y\n", "x = (1\n\n", "def f(:\n    pass\n"])
def test_a_fault_elsewhere_does_not_matter(fault: str) -> None:
    gate = SyntaxGate()
    code = "y = 2\n\n\ndef total(a):\n    return "
    for before, behind in ((code, "\n\n\n" + fault), (fault + code, "\n\n\nz = 3\n"), (fault + code, "")):
        assert accepts(gate, before, "sum(a)", behind)
    assert not accepts(gate, code, "sum(a))", "\n\n\n" + fault)


def test_the_longest_valid_part_is_chosen() -> None:
    gate = SyntaxGate()
    new = "f(a, b))"
    assert gate.longest_valid("x = ", 4, 4, new, [1, 4, 7, 8]) == "f(a, b)"
    assert gate.longest_valid("x = \ny = 1\n", 4, 4, new, [1, 4, 8]) == "f"  # the bracket would stay open
    assert gate.longest_valid("x = ", 4, 4, ") + 1", [1, 5]) is None
    assert gate.longest_valid("x = ", 4, 4, new, []) is None


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_all_kinds_of_line_breaks_are_read(line_break: str) -> None:
    gate, before = SyntaxGate(), METHOD.replace("\n", line_break)
    assert accepts(gate, before, "return a")
    assert not accepts(gate, before, "return a)")
    assert accepts(gate, before, f"if a:{line_break}            pass")


@pytest.mark.parametrize(
    "text",
    [
        "x = '\ud800",
        "\0",
        "x = '\0'\n",
        "(" * 3000,
        "-" * 30_000,
        "x" + "+1" * 4000,
        "if x:\n" + "".join(" " * i + "if x:\n" for i in range(1, 150)),
        '"' * 9999,
        "\\\n" * 5000,
        "x = 1)\n" * (2 * FAULT_LIMIT),
        "x = 1\n" * (DOCUMENT_LIMIT // 5),
        "\x0c\t \x0b",
        "a b c " * 3000 + "(",
    ],
    ids=lambda text: repr(text[:8]),
)
def test_no_text_raises(text: str) -> None:
    gate = SyntaxGate()
    for behind in ("", ")", "\ny = 1\n", "\ud800"):
        for new in ("a", "f(", "\0", "\udfff", "a\n  b\n", ""):
            assert accepts(gate, text, new, behind) in (True, False)


def test_offsets_outside_the_text_are_moved_into_it() -> None:
    assert SyntaxGate().accepts("x = ", 99, 7, "1")
    assert SyntaxGate().accepts("x = 1", -3, -4, "y = ")


def test_verdicts_do_not_depend_on_earlier_ones() -> None:
    gate = SyntaxGate()
    rng = random.Random(5)
    for before, rest, behind in cursors(FILES[0], 40):
        behind = rng.choice(["", behind, behind + "\nx = = 1\n"])
        for new in (rest, rest[: len(rest) // 2], rest + " (", "(" + rest):
            assert accepts(gate, before, new, behind) == accepts(SyntaxGate(), before, new, behind)


name = st.sampled_from(["a", "self", "f", "total"])
expression = st.recursive(
    name | st.sampled_from(["1", "'s'", '"t"', "None"]),
    lambda inner: st.one_of(
        st.builds("{}({})".format, name, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{} + {}".format, inner, inner),
        st.builds("{}.{}".format, inner, name),
        st.builds("lambda a: {}".format, inner),
    ),
    max_leaves=4,
)
statement = st.one_of(
    st.builds("{} = {}".format, name, expression),
    st.builds("return {}".format, expression),
    st.builds("{}(\n        {},\n    )".format, name, expression),
    st.just('"""Say.\n\n    More.\n    """'),
    st.just("if a:\n        pass\n    else:\n        f()"),
    st.just("# it's"),
    st.just("x = = 1"),
    st.just("print 'old'"),
)
definition = st.builds(
    lambda statements: "def f(a):\n    " + "\n    ".join(statements) + "\n    pass\n",
    st.lists(statement, min_size=1, max_size=4),
)
document = st.lists(definition, min_size=1, max_size=3).map("\n\n".join)
snippet = expression | statement | st.text(st.sampled_from("ab .,:=()[]'\"\n#\\"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(document, st.data(), snippet)
def test_an_accepted_suggestion_brings_no_error(text: str, data: st.DataObject, new: str) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    gate = SyntaxGate()
    if not text[end:].strip() or not gate.accepts(text, start, end, new):
        return
    after = text[:start] + new + text[end:]
    line = text.rfind("\n", 0, start) + 1
    indentation = len(text[line:start]) - len(text[line:start].lstrip(" "))
    allowed = [n_faults(text), n_faults(text[: line + indentation] + text[end:])]
    # What the author left open makes errors with any suggestion, until the author closes it.
    if not left_open(text[:start]):
        assert n_faults(after) <= max(allowed)
