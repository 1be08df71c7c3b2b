"""How much of a suggestion is offered, for suggestions written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.confidence import FLOOR, MIN_CHARACTERS, THRESHOLD, chosen_ends, possible_ends
from tinycoder.complete.ghost import Ghost


def ghost(*pieces: tuple[str, float]) -> Ghost:
    """A suggestion of pieces, each with how sure everything up to its end is."""
    text, ends = "", []
    for piece, _ in pieces:
        text += piece
        ends.append(len(text))
    return Ghost(
        text=text, ends=tuple(ends), confidences=tuple(confidence for _, confidence in pieces), ended=0.0, ids=()
    )


@pytest.mark.parametrize(
    ("text", "ends", "possible"),
    [
        ("total = start", (3, 5, 7, 13), [5, 7, 13]),  # not within a word
        ("f(a_b)", (1, 2, 3, 5, 6), [1, 2, 5, 6]),
        ("éclair()", (2, 6, 8), [6, 8]),
        ("if x:\n    y.z\n    y", (5, 10, 11, 13, 18, 19), [5, 13]),  # later lines only whole, so not the last
        ("f('\\n')", (1, 2, 3, 4, 7), [1, 2, 3, 7]),  # not within an escape
        ("f('\\\\'", (3, 5, 6), [3, 5, 6]),
        ("a + \\", (1, 3, 5), [1, 3, 5]),  # the line goes on
        ("", (), []),
    ],
)
def test_cuts_are_between_words(text: str, ends: tuple[int, ...], possible: list[int]) -> None:
    assert possible_ends(Ghost(text=text, ends=ends, confidences=(1.0,) * len(ends), ended=0.0, ids=())) == possible


def test_what_was_taken_for_impossible_and_is_typed_nevertheless_tells_nothing_of_the_rest() -> None:
    assert chosen_ends(ghost(("total", 0.0), (" = 1", 0.0)), typed=5, threshold=0.0) == []
    assert chosen_ends(ghost(("total", 0.0), (" = 1", 0.0)), typed=5, threshold=THRESHOLD) == []


def test_a_sure_suggestion_is_offered_whole() -> None:
    assert chosen_ends(ghost(("total", 0.9), (" =", 0.8), (" start", 0.7)), typed=0, threshold=THRESHOLD)[-1] == 13


def test_it_ends_where_it_stops_to_be_likely() -> None:
    assert chosen_ends(ghost(("total", 0.9), (" =", 0.8), (" start", FLOOR / 2)), typed=0, threshold=THRESHOLD) == [
        5,
        7,
    ]


def test_nothing_is_offered_below_the_threshold() -> None:
    unsure = ghost(("total", 0.2), (" =", 0.19))
    assert chosen_ends(unsure, typed=0, threshold=0.3) == []
    assert chosen_ends(unsure, typed=0, threshold=0.2) == [5, 7]
    assert chosen_ends(unsure, typed=0, threshold=0.0) == [5, 7]


def test_what_saves_nothing_is_not_offered() -> None:
    assert chosen_ends(ghost((")", 0.99)), typed=0, threshold=0.3) == []
    assert chosen_ends(ghost((")", 0.99), (":", 0.98)), typed=0, threshold=0.3) == [2]


def test_what_is_typed_makes_the_rest_likelier() -> None:
    word = ghost(("tot", 0.2), ("al", 0.18))
    assert chosen_ends(word, typed=0, threshold=0.5) == []
    assert chosen_ends(word, typed=3, threshold=0.5) == [5]


def test_nothing_is_left_once_all_is_typed() -> None:
    assert chosen_ends(ghost(("total", 0.9)), typed=5, threshold=0.0) == []


def test_nothing_suggested_nothing_offered() -> None:
    assert chosen_ends(ghost(), typed=0, threshold=0.0) == []


@given(
    pieces=st.lists(
        st.tuples(st.sampled_from(["to", "tal", " =", " ", "(", "x", "\n    "]), st.floats(0.2, 1)), max_size=8
    ),
    typed=st.integers(0, 10),
    threshold=st.floats(0, 1),
)
def test_ends_rise_and_lie_behind_what_is_typed(pieces: list[tuple[str, float]], typed: int, threshold: float) -> None:
    confidence, falling = 1.0, []
    for piece, p in pieces:
        confidence *= p
        falling.append((piece, confidence))
    made = ghost(*falling)
    ends = chosen_ends(made, typed=typed, threshold=threshold)
    assert ends == sorted(set(ends))
    assert set(ends) <= set(possible_ends(made))
    assert all(end - typed >= MIN_CHARACTERS for end in ends)
    assert len(chosen_ends(made, typed=typed, threshold=0.0)) >= len(ends)
