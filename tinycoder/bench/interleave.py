"""Contestants that are measured in turns, so that whatever else the machine does meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

PAUSE = 0.05  # seconds between two turns, in which the threads of the one before go to sleep

Turn = Callable[[], float]  # does some work and returns what was measured


def interleave(
    contestants: Mapping[str, Turn], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Let each do one turn after the other until ``seconds`` are over; each has at least one.

    The first round warms up and is left out if there is time for a second.
    """
    found: dict[str, list[float]] = {name: [] for name in contestants}
    end, n_rounds = clock() + seconds, 0
    while n_rounds == 0 or clock() < end:
        for name, turn in contestants.items():
            if n_rounds > 1 and clock() > end:
                break
            time.sleep(PAUSE)
            found[name].append(turn())
        n_rounds += 1
    return {name: values[1:] or values for name, values in found.items()}


def medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    """Median of each contestant."""
    return {name: statistics.median(values) for name, values in found.items()}
