"""How much of a suggestion is offered, for suggestions written manually."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.candidate import Document
from tinycoder.complete.confidence import FLOOR, MIN_CHARACTERS, chosen_ends, is_typed, possible_ends
from tinycoder.complete.ghost import Ghost


def ghost(*pieces: tuple[str, float]) -> Ghost:
    """A suggestion of pieces, each with the cumulative probability at its end."""
    texts = [piece for piece, _ in pieces]
    ends = tuple(itertools.accumulate(map(len, texts)))
    return Ghost(text="".join(texts), ends=ends, confidences=tuple(p for _, p in pieces), ended=0.0, ids=())


@pytest.mark.parametrize(
    ("text", "ends", "possible"),
    [
        ("total = start", (3, 5, 7, 13), [5, 7, 13]),  # not within a word
        ("f(a_b)", (1, 2, 3, 5, 6), [1, 2, 5, 6]),
        ("éclair()", (2, 6, 8), [6, 8]),
        ("if x:\n    y.z\n    y", (5, 10, 11, 13, 18, 19), [5, 13]),  # later lines only whole, so not the last
        ("f('\\n')", (1, 2, 3, 4, 7), [1, 2, 3, 7]),  # not within an escape
        ("f('\\\\'", (3, 5, 6), [3, 5, 6]),
        ("a + \\", (1, 3, 5), [1, 3, 5]),  # the line continues
        ("", (), []),
    ],
)
def test_cuts_are_between_words(text: str, ends: tuple[int, ...], possible: list[int]) -> None:
    assert possible_ends(Ghost(text=text, ends=ends, confidences=(1.0,) * len(ends), ended=0.0, ids=())) == possible


LINE = [("total", 0.9), (" =", 0.8), (" start", 0.7)]
DOUBTFUL = [("total", 0.2), (" =", 0.19)]
RULED_OUT = [("total", 0.0), (" = 1", 0.0)]


@pytest.mark.parametrize(
    ("pieces", "typed", "threshold", "ends"),
    [
        (LINE, 0, 0.3, [5, 7, 13]),  # confident, so offered whole
        ([*LINE[:2], (" start", FLOOR / 2)], 0, 0.3, [5, 7]),  # ends where the confidence is low
        (DOUBTFUL, 0, 0.3, []),  # below the threshold
        (DOUBTFUL, 0, 0.2, [5, 7]),
        (DOUBTFUL, 0, 0.0, [5, 7]),
        ([(")", 0.99)], 0, 0.3, []),  # saves too few characters
        ([(")", 0.99), (":", 0.98)], 0, 0.3, [2]),
        ([("tot", 0.2), ("al", 0.18)], 0, 0.5, []),
        ([("tot", 0.2), ("al", 0.18)], 3, 0.5, [5]),  # the typed part makes the rest likelier
        (RULED_OUT, 5, 0.0, []),  # but not if it was ruled out
        (RULED_OUT, 5, 0.3, []),
        ([("total", 0.9)], 5, 0.0, []),  # nothing is left
        ([], 0, 0.0, []),
    ],
)
def test_a_suggestion_ends_where_its_confidence_is_low(
    pieces: list[tuple[str, float]], typed: int, threshold: float, ends: list[int]
) -> None:
    assert chosen_ends(ghost(*pieces), typed=typed, threshold=threshold) == ends


@given(
    pieces=st.lists(
        st.tuples(st.sampled_from(["to", "tal", " =", " ", "(", "x", "\n    "]), st.floats(0.2, 1)), max_size=8
    ),
    typed=st.integers(0, 10),
    threshold=st.floats(0, 1),
)
def test_ends_rise_and_are_after_the_typed_part(pieces: list[tuple[str, float]], typed: int, threshold: float) -> None:
    confidence, falling = 1.0, []
    for piece, p in pieces:
        confidence *= p
        falling.append((piece, confidence))
    suggestion = ghost(*falling)
    ends = chosen_ends(suggestion, typed=typed, threshold=threshold)
    assert ends == sorted(set(ends))
    assert set(ends) <= set(possible_ends(suggestion))
    assert all(end - typed >= MIN_CHARACTERS for end in ends)
    assert len(chosen_ends(suggestion, typed=typed, threshold=0.0)) >= len(ends)


@pytest.mark.parametrize(
    ("before", "after", "typed"),
    [
        ("x = |", "x = a|", True),
        ("x = |", "x = ab|", True),
        ("x = |", "x = abc|", False),  # accepted, or pasted
        ("x = 1|", "x = 1\n    |", True),  # Enter, with the indentation
        ("x = |", "x = |", False),
        ("x = a|", "x = |", True),  # taken back
        ("x = |\ny", "x = a|\ny", True),
        ("x = |\ny", "x = a|\nz", False),
        ("|x = 1", "x|x = 1", True),
        ("x = 1|\ny = 2", "x = 1\ny|y = 2", False),
        ("print|", "print(|)", True),  # with its closing bracket
        ("x = |", 'x = "|"', True),
        ("print(a|)", "print(a)|", True),  # typed over
        ("print(a|bc)", "print(ab|c)", False),  # moved
        ("total = xy|", "total = xz|", True),  # a letter replaced
        ("total = |", "total = |\n", False),
    ],
)
def test_a_key_or_two_are_typing(before: str, after: str, typed: bool) -> None:
    documents = [Document(path="a.py", text=text.replace("|", "")) for text in (before, after)]
    assert is_typed(documents[0], before.index("|"), documents[1], after.index("|")) is typed


def test_another_file_is_not_typed() -> None:
    assert not is_typed(Document(path="a.py", text="x"), 1, Document(path="b.py", text="xy"), 2)
