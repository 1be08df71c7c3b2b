from collections.abc import Iterator

import pytest

from tinycoder_training.clock import awake_clock


def clock_of(walls: list[float], works: list[float]) -> Iterator[float]:
    """What the clock says at each look after the first."""
    wall, work = iter(walls), iter(works)
    look = awake_clock(lambda: next(wall), lambda: next(work))
    return iter([look() for _ in walls[1:]])


def test_time_goes_by_while_the_process_computes() -> None:
    assert list(clock_of([100, 101, 105, 165], [7, 8, 12, 70])) == [1, 5, 65]


def test_short_waits_count() -> None:
    assert list(clock_of([0, 20, 25], [0, 0, 0])) == [20, 25]


@pytest.mark.parametrize("hours", [0.1, 1, 1000])
def test_sleep_does_not_count(hours: float) -> None:
    asleep = 3600 * hours
    assert list(clock_of([0, 1, 2 + asleep, 3 + asleep], [0, 1, 2, 3])) == pytest.approx([1, 2, 3])
