"""When a long prefill may have more than one thread."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tinycoder.transformer.blas import BUSY, IDLE, LOOK_S, STALE_S, Blas, Load, system_busy_s


class Machine:
    """Two cores, of which other processes use ``others``, and ours ``own``, while ``seconds`` pass."""

    def __init__(self) -> None:
        self.now = self.busy_s = self.own_s = 100.0
        self.is_calm = False
        self.load = Load(lambda: self.busy_s, lambda: self.now, lambda: self.is_calm)
        self.load.look(self.own_s)

    def after(self, others: float, *, own: float = 0.0, seconds: float = 2 * LOOK_S) -> bool:
        self.now += seconds
        self.busy_s += seconds * (others + own)
        self.own_s += seconds * own
        self.load.look(self.own_s)
        return self.load.is_idle


def test_a_machine_counts_as_busy_until_it_was_measured() -> None:
    machine = Machine()
    assert not machine.load.is_idle
    assert machine.after(0.0)


def test_what_this_process_uses_is_not_counted() -> None:
    machine = Machine()
    assert machine.after(IDLE / 2, own=1.9)
    assert not machine.after(1.0, own=0.0)


def test_a_little_more_or_less_changes_nothing() -> None:
    machine, between = Machine(), (IDLE + BUSY) / 2
    assert not machine.after(between)
    assert machine.after(0.0)
    assert machine.after(between)
    assert not machine.after(BUSY + 0.1)
    assert not machine.after(between)


@pytest.mark.parametrize("seconds", [LOOK_S / 2, STALE_S + 1])
def test_too_short_and_too_long_a_time_say_nothing(seconds: float) -> None:
    machine = Machine()
    assert not machine.after(0.0, seconds=seconds)


def test_after_a_pause_it_is_idle_if_it_was_and_is_calm_now() -> None:
    machine = Machine()
    machine.is_calm = True
    assert machine.after(IDLE / 2, seconds=60 * STALE_S)
    assert not machine.after(BUSY, seconds=60 * STALE_S)
    machine.is_calm = False
    assert not machine.after(0.0, seconds=60 * STALE_S)


def test_where_the_system_does_not_say_it_is_busy() -> None:
    load = Load(lambda: None)
    load.look(0.0)
    assert not load.is_idle


def test_the_system_says_how_long_its_cores_have_worked() -> None:
    found = system_busy_s()
    assert found is None or found > 0
    assert sum(range(10_000_000)) > 0  # some work
    assert found is None or (system_busy_s() or 0) >= found


def blas_threads() -> int:
    return max((library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"), default=1)


def test_long_prefills_have_the_threads_that_blas_came_with() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        came_with = blas_threads()
        blas = Blas(Load(lambda: None))
        blas.hold_to_one(None, when_idle=False)
        assert blas_threads() == 1
        with blas.threads_for(1000):
            assert blas_threads() == came_with
        with blas.threads_for(1):
            assert blas_threads() == 1
        assert blas_threads() == 1
        blas.hold_to_one(1, when_idle=False)
        with blas.threads_for(1000):
            assert blas_threads() == 1


def test_a_busy_machine_has_one_thread() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        came_with = blas_threads()
        machine = Machine()
        blas = Blas(machine.load)
        blas.hold_to_one(None, when_idle=True)
        with blas.threads_for(1000):
            assert blas_threads() == 1
        machine.load.is_idle = True
        with blas.threads_for(1000):
            assert blas_threads() == came_with
        assert blas_threads() == 1
