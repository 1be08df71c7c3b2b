"""Offsets and candidates between a text with any line ends and the code in it."""

from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.candidate import FROM_MODEL, Candidate, Edit
from tinycoder.complete.typed_text import TypedText

TEXTS = st.tuples(st.sampled_from(["", "\ufeff"]), st.text("ab\r\n", max_size=30)).map("".join)


def candidate(text: str, start: int, end: int, **known: object) -> Candidate:
    return Candidate(text=text, start=start, end=end, probability=0.5, provenance=FROM_MODEL, **known)  # type: ignore[arg-type]


@given(TEXTS, st.data())
def test_an_offset_comes_back(text: str, data: st.DataObject) -> None:
    typed = TypedText(text)
    at = data.draw(st.integers(0, len(typed.code)))
    moved = typed.back(candidate("x", at, len(typed.code), replace_end=at))
    assert typed.offset(moved.start) == at
    assert (moved.replace_end, moved.end) == (moved.start, len(text))


@given(TEXTS, st.data())
def test_between_the_halves_of_a_line_end_is_the_end_of_the_line(text: str, data: st.DataObject) -> None:
    typed = TypedText(text)
    at = data.draw(st.integers(0, len(text)))
    assert 0 <= typed.offset(at) <= len(typed.code)
    if text[:at].endswith("\r") and text[at:].startswith("\n"):
        assert typed.offset(at) == typed.offset(at - 1)


def test_lines_that_are_inserted_have_the_ends_of_the_text() -> None:
    typed = TypedText("\ufeffimport a\r\nif b:\r\n")
    assert typed.code == "import a\nif b:\n"
    moved = typed.back(candidate("\n    c", 14, 14, edits=(Edit(start=8, end=8, text="\nimport c"),)))
    assert (moved.text, moved.start, moved.end) == ("\r\n    c", 16, 16)
    assert moved.edits == (Edit(start=9, end=9, text="\r\nimport c"),)


def test_a_text_of_code_is_left_alone() -> None:
    one = candidate("x", 1, 1)
    assert TypedText("a\n").back(one) is one
