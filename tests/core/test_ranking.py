"""The order of the popup, by what is known about the words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.names.names import FAR, Name
from tinycoder.complete.ranking import MOST_NAMES, Word, default_weights, features, ranked, words_on_offer


def name(text: str, distance: int = 1, origin: str = "line 3") -> Name:
    return Name(text=text, origin=origin, distance=distance)


def word(text: str, probability: float = 0.1, *, known: Name | None = None, seen: bool = False) -> Word:
    return Word(text=text, probability=probability, name=known, in_workspace=seen, in_file=seen)


def offer(found: dict[str, float], names: list[Name], typed: str = "") -> list[Word]:
    return words_on_offer(found, names, typed, in_workspace={"total"}.__contains__, in_file={"start"}.__contains__)


def test_found_words_and_fitting_names_each_once() -> None:
    names = [name("total"), name("to"), name("other"), name("top", 7)]
    words = offer({"total": 0.7, "tonal": 0.2}, names, "to")
    assert [each.text for each in words] == ["total", "tonal", "top"]
    assert [each.probability for each in words] == [0.7, 0.2, 0.0]
    assert [each.name for each in words] == [names[0], None, names[3]]
    assert [each.in_workspace for each in words] == [True, False, False]


def test_what_is_in_the_file() -> None:
    assert [each.in_file for each in offer({"start": 0.5, "stop": 0.5}, [])] == [True, False]


def test_of_names_that_were_not_found_only_the_nearest() -> None:
    names = [name(f"n{i}", i) for i in range(2 * MOST_NAMES)]
    assert [each.text for each in offer({}, names)] == [f"n{i}" for i in range(MOST_NAMES)]
    last = names[-1]
    assert offer({last.text: 0.5}, names)[0].name == last


@pytest.mark.parametrize("begun", [False, True])
def test_likelier_first_all_else_equal(begun: bool) -> None:
    order = ranked([word("a", 0.1), word("b", 0.7), word("c", 0.2)], begun=begun)
    assert [each.text for each, _ in order] == ["b", "c", "a"]


@pytest.mark.parametrize("begun", [False, True])
def test_a_name_of_the_file_comes_before_an_equally_likely_word_that_nothing_has(begun: bool) -> None:
    order = ranked([word("aaa", 0.3), word("total", 0.3, known=name("total"), seen=True)], begun=begun)
    assert order[0][0].text == "total"


def test_used_nearby_comes_before_used_far_away_once_letters_are_typed() -> None:
    far = word("a", known=name("a", FAR), seen=True)
    near = word("b", known=name("b", 3), seen=True)
    assert [each.text for each, _ in ranked([far, near], begun=True)] == ["b", "a"]


def test_equals_stand_in_the_order_of_the_alphabet() -> None:
    assert [each.text for each, _ in ranked([word("b"), word("c"), word("a")], begun=False)] == ["a", "b", "c"]


def test_nothing_on_offer() -> None:
    assert ranked([], begun=True) == []


WORDS = st.lists(
    st.builds(
        Word,
        text=st.text(min_size=1, max_size=5),
        probability=st.floats(0, 1),
        name=st.none()
        | st.builds(
            name,
            st.text(min_size=1, max_size=3),
            st.integers(0, 2 * FAR),
            st.sampled_from(
                ["line 1", "builtin", "keyword", "import os", "parameter of f, line 2", "attribute of str"]
            ),
        ),
        in_workspace=st.booleans(),
        in_file=st.booleans(),
    ),
    max_size=12,
)


@given(words=WORDS, begun=st.booleans())
def test_a_distribution_over_the_same_words(words: list[Word], begun: bool) -> None:
    order = ranked(words, begun=begun)
    shares = [share for _, share in order]
    assert sorted(each.text for each, _ in order) == sorted(each.text for each in words)
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)
    assert not words or sum(shares) == pytest.approx(1)
    assert [each.text for each, _ in ranked(words[::-1], begun=begun)] == [each.text for each, _ in order]


def test_features_tell_found_near_and_known_words_apart() -> None:
    near = features(word("a", known=name("a", 0), seen=True), begun=True)
    assert near == ["found True", "distance 0 True", "origin line True", "known True True True"]
    assert features(word("a", 0.0), begun=False)[:3] == ["found False", "distance -1 False", "origin none False"]
    assert features(word("a", known=name("a", 9, "attribute of str")), begun=False)[2] == "origin library False"


def test_default_weights() -> None:
    weights = default_weights()
    assert weights["log"] > 0  # what the search finds likelier is not put behind
    assert all(math.isfinite(weight) for weight in weights.values())
