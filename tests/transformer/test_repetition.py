"""Ids that go round in a circle, and those that only look like it."""

import random

import pytest

from tinycoder.transformer.repetition import MAX_PERIOD, MIN_REPEATED, without_repetition


def kept(ids: list[int], prompt: list[int] | None = None, n_finished: int = 0) -> list[int]:
    return list(without_repetition(prompt or [], ids, lambda last, copy: n_finished))


@pytest.mark.parametrize("period", [1, 2, 3, 7, 8, 40, MAX_PERIOD])
def test_a_circle_is_gone_through_once(period: int) -> None:
    start, circle = [900, 901], list(range(period))
    assert kept([*start, *circle * (MIN_REPEATED + 2)]) == [*start, *circle]


def test_what_repeats_the_prompt_says_nothing_new() -> None:
    prompt = list(range(20))
    assert kept(prompt * 3, prompt) == []
    assert kept([*prompt * 3], [*prompt, 77]) == prompt


@pytest.mark.parametrize(
    "ids",
    [
        [5] * (MIN_REPEATED - 1),
        [1, 2, 3, 1, 2, 3, 4],
        [*range(9), *range(8), 77],
        [0, 0, 0, 1, 0, 0, 0, 2],
        [],
    ],
)
def test_a_little_repetition_is_meant(ids: list[int]) -> None:
    assert kept(ids) == ids


def test_what_is_held_back_comes_out_again_in_order() -> None:
    numbers = random.Random(1)
    for _ in range(200):
        ids = [numbers.randrange(6) for _ in range(numbers.randrange(40))]
        given = kept(ids)
        assert ids[: len(given)] == given
        assert given == ids or len(ids) - len(given) >= MIN_REPEATED


def test_a_line_or_a_word_can_be_ended() -> None:
    asked: list[tuple[int, list[int]]] = []

    def finishes(last: int, copy: list[int]) -> int:
        asked.append((last, list(copy)))
        return 2

    assert list(without_repetition([], [9, *[1, 2, 3] * 5], finishes)) == [9, 1, 2, 3, 1, 2]  # type: ignore[arg-type]
    assert asked == [(3, [1, 2, 3])]
