"""Contestants that are measured in turns, so that whatever else the machine does meets all of them."""

import statistics
import time
from collections.abc import Callable, Mapping

PAUSE = 0.05  # seconds between two turns, in which the threads of the one before go to sleep

Turn = Callable[[], float]  # does some work and returns what was measured


def interleave(
    contestants: Mapping[str, Turn], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Let each do one turn after the other until ``seconds`` are over, at least one each; the median of each.

    The first round warms up and is left out if there is time for a second.
    """
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    end, n_rounds = clock() + seconds, 0
    while n_rounds == 0 or clock() < end:
        for name, turn in contestants.items():
            if n_rounds > 1 and clock() > end:
                break
            time.sleep(PAUSE)
            measured[name].append(turn())
        n_rounds += 1
    return {name: statistics.median(values[1:] or values) for name, values in measured.items()}
