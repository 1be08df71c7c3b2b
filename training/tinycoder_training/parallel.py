"""Threads for data-parallel training. BLAS keeps to one thread, so that each of ours owns one core.

numpy releases the interpreter lock inside BLAS and ufuncs. Results are always taken in the order of the items, so
that sums do not depend on which thread was first.
"""

import ctypes
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from threadpoolctl import threadpool_limits

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # of malloc.h

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Threads:
    """``map`` over a fixed set of threads."""

    def __init__(self, executor: ThreadPoolExecutor | None) -> None:
        self._executor = executor

    def map(self, function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterable[_Result]:
        """Results in the order of ``items``. Raises ``MemoryError`` if there is none for another thread."""
        if self._executor is None:
            return map(function, items)
        try:
            return self._executor.map(function, items)
        except RuntimeError as error:
            raise MemoryError(str(error)) from None

    def map_all(self, function: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
        """Results in the order of ``items``. Raises ``MemoryError``, if need be, when no thread is at work any more."""

        def tried(item: _Item) -> list[_Result]:
            with suppress(MemoryError):
                return [function(item)]
            return []

        results = list(self.map(tried, items))
        if not all(results):
            raise MemoryError
        return [result for (result,) in results]


def keep_freed_memory() -> None:
    """Ask glibc to keep what is freed instead of returning it to the system; elsewhere nothing happens.

    A training step allocates the same large arrays over and over; without this each of their pages is asked for,
    zeroed and mapped again every time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    for parameter, n_bytes in ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 1 << 26)):
        mallopt(parameter, n_bytes)


@contextmanager
def threads(n: int) -> Iterator[Threads]:
    """``n`` threads with single-threaded BLAS for the length of the block."""
    keep_freed_memory()
    with threadpool_limits(limits=1, user_api="blas"):
        if n == 1:
            yield Threads(None)
            return
        with ThreadPoolExecutor(n, thread_name_prefix="tinycoder-train") as executor:
            yield Threads(executor)
