"""Seconds of a run without the time that the machine slept."""

import time
from collections.abc import Callable

LONG_S = 30.0  # between two looks: less may be a wait for a disk
ASLEEP = 0.05  # of a core over that time: training never takes so little while it runs


def awake_clock(
    clock: Callable[[], float] = time.perf_counter, busy: Callable[[], float] = time.process_time
) -> Callable[[], float]:
    """Seconds since now, but of a time in which this process hardly ran only those of its own work.

    So an hour with the lid closed, or stopped by a signal, takes nothing from a budget of minutes. ``busy`` counts
    the seconds that all threads of the process have computed.
    """
    now, worked, seconds = clock(), busy(), 0.0

    def look() -> float:
        nonlocal now, worked, seconds
        passed, work = clock() - now, busy() - worked
        now, worked = now + passed, worked + work
        seconds += work if passed > LONG_S and work < ASLEEP * passed else passed
        return seconds

    return look
