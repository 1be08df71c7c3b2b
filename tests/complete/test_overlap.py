import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.overlap import balanced_end, left_open, repeats_before, repeats_next, without_overlap

odd_text = st.text(st.sampled_from("ab ()[]{}'\"#\\\n:,."), max_size=30)
line = st.text(st.sampled_from("ab ()[]{}'\"#:,."), max_size=20)


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("", ""),
        ("f(a, b)", ""),
        ("f(a, [b", "(["),
        ("f(a])", ""),
        ("f('(', \"[\"", "("),
        ("x = 'it\\'s (", "'"),
        ("x = 'cut off\ny = (", "("),
        ("x = '''it's\n(", "'''"),
        ("x = (  # not [", "("),
        ("f'{a", "'"),
    ],
)
def test_open_brackets_and_quotes(text: str, signs: str) -> None:
    opened = left_open(text)
    assert "".join(sign for _, sign in opened) == signs
    assert all(text.startswith(sign, at) for at, sign in opened)


@pytest.mark.parametrize(
    ("before", "new", "following", "kept"),
    [
        ("", "foo(a, b)", ")", "foo(a, b"),
        ("x = (", "foo(a, b)", ")", "foo(a, b)"),  # its own bracket
        ("x = foo(", "f(x)", ")", "f(x)"),
        ("x = foo(", "f(x))", ")", "f(x)"),
        ("def f(", "x):", "):", "x"),
        ("if f(", "x)", "):", "x"),  # only a part of what follows
        ("f(", "a)", " )", "a"),
        ("f(", "a )", " )", "a"),
        ("f(", "a)", ")  # why", "a"),
        ('print("', 'hi")', '")', "hi"),
        ("x = ", "'a'", "'", "'a"),
        ("", "import numpy", "numpy", "import "),
        ("", "x = total", "tall", "x = total"),  # half a word of what follows is no overlap
        ("", "foo", "", "foo"),
        ("", "", ")", ""),
        ("f(", "é)", ")", "é"),
    ],
)
def test_the_text_after_the_cursor_is_not_repeated(before: str, new: str, following: str, kept: str) -> None:
    assert without_overlap(new, following, before) == kept


@pytest.mark.parametrize(
    ("before", "new", "following", "kept"),
    [
        ("y = ", "f(x))", "", "f(x)"),
        ("y = f(", "x)", "", "x)"),
        ("y = f(", "x)", ")", "x"),
        ("y = f(\n    a,\n    ", "b)", "", "b)"),  # opened on a line above
        ("", "x)", "", "x"),
        ("if f(", "x):", "", "x):"),
        ("if f(", "x):", ")", "x"),
        ('f("', 'abc"', '")', "abc"),
        ("x = ", 'a"', "", "a"),
        ("x = 'a", "'", "", "'"),
        ("", "x  # :)", "", "x  # :)"),
        ("x = '", ":)'", "", ":)'"),
    ],
)
def test_brackets_that_close_nothing_are_dropped(before: str, new: str, following: str, kept: str) -> None:
    assert balanced_end(new, before, following) == kept


@given(line, line, line)
def test_only_the_end_is_cut(before: str, new: str, following: str) -> None:
    assert new.startswith(without_overlap(new, following, before))
    assert new.startswith(balanced_end(new, before, following))
    assert without_overlap(new, "", before) == new


@given(st.text(st.sampled_from("ab.,="), min_size=1, max_size=10), st.sampled_from([")", "])", "):", ")  # x"]))
def test_the_end_of_the_line_is_cut_wherever_it_is_repeated(inner: str, following: str) -> None:
    before = "f([" if following.startswith("]") else "f("
    assert without_overlap(inner + following, following, before) == inner.rstrip()


@given(odd_text)
def test_left_open_reads_any_text(text: str) -> None:
    opened = left_open(text)
    assert [at for at, _ in opened] == sorted(at for at, _ in opened)
    closers = {"(": ")", "[": "]", "{": "}"}
    closed = text + "".join(closers.get(sign, sign) for _, sign in reversed(opened))
    if not text.endswith(("\\", "'", '"')) and "#" not in text:
        assert left_open(closed) == ()


@pytest.mark.parametrize(
    ("new", "after", "repeats"),
    [
        ("    return self.value", "    return self.value\n", True),
        ("    return  self.value", "\n\n  return self.value\n", True),
        ("    return self.value", "    return self.values\n", False),
        ("    return self.value", "    x = 1\n    return self.value\n", False),
        ("else:", "else:\n    pass\n", False),  # may stand twice
        (")", ")\n", False),
        ("pass", "pass", False),
        ("a = load()\nb = save(a)", "a = load()\nb = save(a)\n", True),
        ("a = load()\nb = save(a)", "b = save(a)\n", True),  # the last line is there already
        ("if ready:\n    )", ")\n", False),
        ("total = f(\n)", "total = f(\n)\n", True),
        ("", "anything", False),
        ("total += 1", "", False),
        ("total += 1\r\n", "total += 1\r\nx", True),
    ],
)
def test_repetitions_of_the_next_lines(new: str, after: str, repeats: bool) -> None:
    assert repeats_next(new, after) is repeats


@pytest.mark.parametrize(
    ("new_line", "before", "repeats"),
    [
        ("    total += rate", "    total += rate\n    total += rate\n", True),
        ("    total += rate", "    total += rate\n\n    total  += rate\n    ", True),
        ("    total += rate", "    total += cost\n    total += rate\n", False),
        ("    total += rate", "    total += rate\n", False),
        (")", ")\n)\n", False),
        ("0, 0, 1,", "0, 0, 1,\n0, 0, 1,\n", False),
        ("return x.x.x.x", "", True),
        ("return x.parent.parent", "", False),
        ("y = foo(foo(foo(foo(", "", True),
        ("a = (b, b, b, b)", "", False),
        ("a = b, b, b, b, b, b, b, b", "", True),
        ("# ----------------", "", False),
        (r"b'\x00\x00\x00\x00\x00\x00\x00\x00\x00", "", False),
        ("[0, 0, 0, 0, 0, 0, 0, 0, 0", "", False),
        ("", "", False),
    ],
)
def test_repetitions_of_the_lines_above(new_line: str, before: str, repeats: bool) -> None:
    assert repeats_before(new_line, before) is repeats


def test_repetitions_of_a_given_number_of_lines() -> None:
    assert repeats_before("total += rate", "total += rate\n", n=1)
    assert not repeats_before("total += rate", "total += rate\ntotal += rate\n", n=3)
