"""One thread that works for many requests, of which only the newest matter. Knows no engine and no protocol.

At most one job of each kind is wanted: a newer one takes the place of the older. Jobs of a smaller kind go
first, and interrupt a running job of a larger kind, which starts again afterwards; so the popup never waits
for ghost text, and nothing waits for what is done ahead.

Which job waits and which one runs is known to the event loop's thread alone; the other thread takes a job from a queue
and hands back what came of it. They share no lock. So whatever ends that thread, and wherever, nobody waits for what
it held: it is missed, its job is answered with nothing, and a new thread takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from tinycoder.errors import Cancelled
from tinycoder.stop import Stop

MAX_FAULTS = 3  # in a row, before what fails is left alone
LOOK_S = 0.1  # between two looks whether the thread lives, while somebody waits for it
_BREATH_S = 0.002  # between two looks whether nobody asks

OnFault = Callable[[BaseException, int], object]
_T = TypeVar("_T")


class Kind(enum.IntEnum):
    """What a job is for; the smaller goes first."""

    LOAD = 0
    POPUP = 1
    GHOST = 2
    AHEAD = 3
    LEARN = 4


class LostError(BaseException):
    """Nobody knows what ended the thread."""


@dataclass(eq=False, kw_only=True)
class _Job:
    kind: Kind
    uri: str | None
    key: object
    quick: Callable[[], Any] | None
    call: Callable[[Stop], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    unwanted: bool = False


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    result: object = None
    error: BaseException | None = None
    again: bool = False  # it was interrupted, or what is quick did not know
    worked: bool = True  # not only what is quick, which says nothing of whether the work goes well


class Worker:
    """The thread and what waits for it. All methods are called from the event loop's thread.

    ``on_fault`` is told when the thread was ended, and when a job raised what is no ordinary fault, such as a panic in
    a library: what it worked on may be half done. Also how many times in a row that has happened to jobs of the kind.
    """

    def __init__(self, name: str = "inference", *, on_fault: OnFault = lambda fault, n: None) -> None:
        self._name = name
        self._on_fault = on_fault
        self._waiting: list[_Job | None] = [None] * len(Kind)
        self._running: _Job | None = None
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()  # holds the running job until the thread takes it
        self._fault: BaseException | None = None
        self._n_faults: Counter[Kind | None] = Counter()
        self._closed = False
        self._thread = self._start()

    async def answer(
        self,
        kind: Kind,
        call: Callable[[Stop], _T],
        *,
        quick: Callable[[], _T | None] | None = None,
        uri: str | None = None,
        key: object = None,
        deadline: float | None = None,
    ) -> _T | None:
        """What ``call(stop)`` returns, or ``None`` once nobody needs it any more.

        That is so when a newer job of the kind arrives, the document changes, or ``deadline`` seconds have
        passed. The answer then comes at once; ``stop()`` is true from that moment, and ``call`` may raise
        ``Cancelled``. Cancelling the awaiting task stops the job too. Any other ``Exception`` that ``call`` raises is
        raised here; what is more than that, and a thread that has ended, make the answer ``None``.

        ``quick`` may know the answer without work: it is asked before any job that waits, and ``call`` only if it
        returns ``None``. While a job with the same ``key`` runs or waits, another one is answered
        ``None``. So is a LEARN job that is interrupted: it starts again when somebody says so.
        """
        if key is not None and any(job.key == key and not job.unwanted for job in self._jobs()):
            return None
        loop = asyncio.get_running_loop()
        end = None if deadline is None else loop.time() + deadline
        job = _Job(kind=kind, uri=uri, key=key, quick=quick, call=call, loop=loop, future=loop.create_future())
        try:
            self._put(job)
            while not job.future.done():
                left = LOOK_S if end is None else min(LOOK_S, end - loop.time())
                if left <= 0:
                    return None
                await asyncio.wait((job.future,), timeout=left)
                self._look()
            result: _T | None = job.future.result()
            return result
        finally:
            self._drop(job)

    def drop(self, kind: Kind) -> None:
        """The job of this kind is of no use, if there is one."""
        for job in self._jobs():
            if job.kind == kind:
                self._drop(job)

    def discard(self, uri: str) -> None:
        """The document has changed: jobs for what it said before are of no use."""
        for job in self._jobs():
            if job.uri == uri:
                self._drop(job)

    def wait_until_free(self, patience: float) -> None:
        """Return when nobody waits for an answer, or after ``patience`` seconds. For other threads."""
        end = time.monotonic() + patience
        while not (self._closed or self._is_free()) and time.monotonic() < end:
            time.sleep(_BREATH_S)

    def close(self, patience: float = 1.0) -> bool:
        """Stop the running job, forget the waiting ones; whether the thread ended within ``patience`` seconds."""
        self._closed = True
        for job in self._jobs():
            self._drop(job)
        self._inbox.put(None)
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _is_free(self) -> bool:
        return all(job.kind > Kind.GHOST for job in self._jobs())

    def _jobs(self) -> list[_Job]:
        return [job for job in (*self._waiting, self._running) if job is not None]

    def _put(self, job: _Job) -> None:
        if self._closed:
            self._drop(job)
            return
        older = [other for other in self._jobs() if other.kind == job.kind]
        self._waiting[job.kind] = job
        for other in older:
            self._drop(other)
        self._hand_over()

    def _drop(self, job: _Job) -> None:
        job.unwanted = True
        if self._waiting[job.kind] is job:
            self._waiting[job.kind] = None
        if not job.future.done():
            job.future.set_result(None)

    def _hand_over(self) -> None:
        """Let the thread have the job that goes first, if it has none."""
        waiting = [job for job in self._waiting if job is not None]
        if self._running is None and waiting and not self._closed:
            job = self._running = next((job for job in waiting if job.quick), waiting[0])
            self._waiting[job.kind] = None
            self._inbox.put(job)

    def _done(self, job: _Job, outcome: _Outcome) -> None:
        """The thread has done a job."""
        if self._running is job:
            self._running = None
        fault = outcome.error
        if outcome.again:
            self._put_back(job)
        elif fault is None:
            if outcome.worked:
                self._n_faults[job.kind] = self._n_faults[None] = 0
            if not job.future.done():
                job.future.set_result(outcome.result)
        elif isinstance(fault, Exception) and not isinstance(fault, (MemoryError, StopIteration)):
            if not job.future.done():
                job.future.set_exception(fault)
        else:
            self._drop(job)
            self._note(job.kind, fault)
        self._hand_over()

    def _put_back(self, job: _Job) -> None:
        """An interrupted job that is still wanted waits again.

        Nothing newer can stand there: it would be unwanted.
        """
        if job.kind is Kind.LEARN:
            self._drop(job)
        elif not job.unwanted and self._waiting[job.kind] is None:
            self._waiting[job.kind] = job

    def _look(self) -> None:
        """If the thread has ended, start another one. What it had begun is lost."""
        if self._closed or self._thread.is_alive():
            return
        lost = self._running if self._inbox.empty() else None
        fault, self._fault = self._fault or LostError(), None
        self._thread = self._start()
        if lost is not None:
            self._running = None
            self._drop(lost)
        self._note(lost.kind if lost else None, fault)
        self._hand_over()

    def _note(self, kind: Kind | None, fault: BaseException) -> None:
        self._n_faults[kind] += 1
        self._on_fault(fault, self._n_faults[kind])

    def _start(self) -> threading.Thread:
        # A daemon, so that a job that is deaf to `stop` cannot keep the process alive.
        thread = threading.Thread(target=self._live, name=self._name, daemon=True)
        thread.start()
        return thread

    def _live(self) -> None:
        try:
            while (job := self._inbox.get()) is not None:
                outcome = self._do(job)
                with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                    job.loop.call_soon_threadsafe(self._done, job, outcome)
        except BaseException as fault:  # something ended this thread from outside
            self._fault = fault

    def _do(self, job: _Job) -> _Outcome:
        quick, job.quick = job.quick, None
        try:
            result = quick() if quick else job.call(partial(self._must_stop, job))
        except Cancelled:
            return _Outcome(again=True)
        except BaseException as fault:  # not judged here
            return _Outcome(error=fault)
        return _Outcome(result=result, again=quick is not None and result is None, worked=quick is None)

    def _must_stop(self, job: _Job) -> bool:
        return job.unwanted or any(self._waiting[: job.kind])
