"""How many threads BLAS has while decoding: one for small steps, more for a long prefill where that is quicker.

A second thread nearly halves a long prefill on an idle machine. On a busy one the threads wait for each other, and the
prefill takes many times as long; so an editor's server asks first what other processes do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from threadpoolctl import ThreadpoolController

from tinycoder.config import n_cpus

LONG_PREFILL = 64  # positions from which on more threads pay
LOOK_S = 0.25  # seconds at least over which the load is measured
STALE_S = 2.0  # seconds after which a measurement alone says nothing of now
IDLE, BUSY = 0.25, 0.5  # cores that others use, below and above which a machine is idle and busy


class Load:
    """Whether other processes leave the cores alone; in between IDLE and BUSY it stays what it was.

    ``busy_s`` gives the seconds that all cores have worked since the system started, and None where it does not say:
    then the machine counts as busy. One that was not looked at for STALE_S is idle if it was so all the time, and
    ``is_calm`` now.
    """

    def __init__(
        self,
        busy_s: Callable[[], float | None],
        clock: Callable[[], float] = time.monotonic,
        is_calm: Callable[[], bool] = lambda: False,
    ) -> None:
        self.is_idle = False
        self._busy_s, self._clock, self._is_calm = busy_s, clock, is_calm
        self._last: tuple[float, float, float] | None = None  # when it was looked at, and seconds of all and of ours

    def look(self, own_s: float) -> None:
        """Measure, unless that was done a moment ago; ``own_s`` are the seconds of this process."""
        now = self._clock()
        if self._last is not None and now - self._last[0] < LOOK_S:
            return
        busy_s = self._busy_s()
        if busy_s is None:
            self.is_idle = False
            return
        last, self._last = self._last, (now, busy_s, own_s)
        if last is None:
            self.is_idle = False
            return
        others = (busy_s - last[1] - (own_s - last[2])) / (now - last[0])
        if now - last[0] > STALE_S:
            self.is_idle = others < IDLE and self._is_calm()
        else:
            self.is_idle = others < (BUSY if self.is_idle else IDLE)


def system_busy_s() -> float | None:
    """Seconds that all cores have worked since the start, by Linux' /proc/stat; None on other systems."""
    try:
        with Path("/proc/stat").open("rb") as file:
            user, nice, system, _idle, _wait, interrupts, soft, steal = map(int, file.readline().split()[1:9])
        return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def system_is_calm() -> bool:
    """Whether at most half as many threads as there are cores run now, by Linux' /proc/loadavg; false elsewhere."""
    try:
        n_running = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return False
    return n_running <= max(1, n_cpus() // 2)  # the one that asks is among them


class Blas:
    """BLAS' threads in this process; they are its own business until ``hold_to_one``."""

    def __init__(self, load: Load) -> None:
        self._controller: ThreadpoolController | None = None
        self._n_threads = 1
        self._load = load
        self._asks = False

    def hold_to_one(self, at_most: int | None, *, when_idle: bool) -> None:
        """One thread from here on, and for long prefills as many as BLAS has now, or ``at_most``."""
        if self._controller is None:
            self._controller = ThreadpoolController().select(user_api="blas")
            self._n_threads = max((library["num_threads"] for library in self._controller.info()), default=1)
            self._controller.limit(limits=1)
        self._n_threads = min(self._n_threads, at_most or self._n_threads)
        self._asks = when_idle

    def threads_for(self, n_positions: int) -> AbstractContextManager[Any]:
        """A block in which BLAS has the threads that suit a step of so many positions."""
        if self._controller is None or self._n_threads == 1:
            return nullcontext()
        if self._asks:
            self._load.look(time.process_time())
        if n_positions < LONG_PREFILL or (self._asks and not self._load.is_idle):
            return nullcontext()
        threads: AbstractContextManager[Any] = self._controller.limit(limits=self._n_threads)
        return threads


blas = Blas(Load(system_busy_s, is_calm=system_is_calm))


def use_one_blas_thread(*, prefill: int | None = None, when_idle: bool = False) -> None:
    """Keep BLAS to one thread from here on: for single tokens more threads only wait for each other.

    Long prefills still use as many as BLAS came with, which ``OMP_NUM_THREADS`` and its like set, or ``prefill``; with
    ``when_idle`` only while other processes leave the cores alone, which is known after the first look at them.
    """
    blas.hold_to_one(prefill, when_idle=when_idle)
