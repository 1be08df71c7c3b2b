"""Simulated people press known numbers of keys."""

import pytest

from tinycoder.evaluate.simulated_user import USERS, Moment, Typed, type_text

TRUTH = "total = first + second"


def keys(moments: dict[int, Moment], user: str, truth: str = TRUTH) -> Typed:
    plain = {offset: Moment(word_start=offset) for offset in range(len(truth))}
    return type_text(truth, 0, len(truth), {**plain, **moments}, USERS[user])


@pytest.mark.parametrize("user", USERS)
def test_without_offers_each_character_is_a_key(user: str) -> None:
    assert keys({}, user) == Typed(keys=len(TRUTH), accepted=0)


@pytest.mark.parametrize("user", USERS)
def test_indentation_is_free(user: str) -> None:
    moments = {offset: Moment() for offset in range(4, 8)}
    assert type_text("    pass", 0, 8, moments, USERS[user]) == Typed(keys=4, accepted=0)


def test_tab_takes_a_right_ghost() -> None:
    moments = {1: Moment(ghost="otal = first + second")}
    for user in ("inline", "inline+word", "best"):
        assert keys(moments, user) == Typed(keys=2, accepted=1)
    for user in ("popup-1", "popup-5"):
        assert keys(moments, user).keys == len(TRUTH)
    first_line = {0: Moment(ghost=TRUTH + "\nwrong")}
    assert keys(first_line, "inline") == Typed(keys=1, accepted=1)
    ends_inside_a_word = {0: Moment(ghost="total = fir")}
    assert keys(ends_inside_a_word, "inline").keys == len(TRUTH)


def test_words_of_a_ghost_are_a_key_each() -> None:
    moments = {0: Moment(ghost="total = first + third")}
    assert keys(moments, "inline").keys == len(TRUTH)
    assert keys(moments, "inline+word") == Typed(keys=4 + len(" second"), accepted=1)


def test_row_r_costs_r_keys() -> None:
    moments = {9: Moment(rows=("find", "field", "first"), word_start=8)}
    assert keys(moments, "popup-1").keys == len(TRUTH)
    assert keys(moments, "popup-5") == Typed(keys=len(TRUTH) - 4 + 3, accepted=1)
    assert keys({9: Moment(rows=("first",), word_start=8)}, "popup-1").keys == len(TRUTH) - 3


def test_a_row_that_saves_nothing_is_not_taken() -> None:
    moments = {11: Moment(rows=("fir", "first"), word_start=8)}
    assert keys(moments, "popup-5") == Typed(keys=len(TRUTH), accepted=0)


def test_foresight_waits_for_the_better_offer() -> None:
    moments = {
        0: Moment(rows=("other", "thing", "total"), word_start=0),
        1: Moment(ghost=TRUTH[1:], word_start=0),
    }
    assert keys(moments, "popup-5").keys == len(TRUTH) - 2
    assert keys(moments, "inline").keys == 2
    assert keys(moments, "best") == Typed(keys=2, accepted=1)


def test_an_offer_beyond_the_end_counts_up_to_the_end() -> None:
    moments = {offset: Moment() for offset in range(5)} | {0: Moment(ghost="total = first")}
    assert type_text(TRUTH, 0, 5, moments, USERS["inline"]) == Typed(keys=1, accepted=1)
