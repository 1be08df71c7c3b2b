"""Threads for data-parallel training. BLAS keeps to one thread, so that each of ours owns one core.

numpy releases the interpreter lock inside BLAS and ufuncs. Results are always taken in the order of the items, so
that sums do not depend on which thread was first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Threads:
    """``map`` over a fixed set of threads."""

    def __init__(self, executor: ThreadPoolExecutor | None) -> None:
        self._executor = executor

    def map(self, function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterable[_Result]:
        """Results in the order of ``items``."""
        return map(function, items) if self._executor is None else self._executor.map(function, items)


@contextmanager
def threads(n: int) -> Iterator[Threads]:
    """``n`` threads with single-threaded BLAS for the length of the block."""
    with threadpool_limits(limits=1, user_api="blas"):
        if n == 1:
            yield Threads(None)
            return
        with ThreadPoolExecutor(n, thread_name_prefix="tinycoder-train") as executor:
            yield Threads(executor)
