"""One thread that does the jobs of many requests, of which only the newest matter.

At most one job of each kind is wanted: a newer one replaces the older. Jobs of a smaller kind go first, and interrupt
a running job of a larger kind, which starts again afterwards. So the popup never waits for ghost text, and nothing
waits for work done ahead.

Only the event loop's thread decides which job waits and which one runs; the worker's thread takes a job from a queue
and hands back its outcome. They share no lock. So whatever ends the worker's thread, and wherever, nobody waits in
vain: the event loop's thread notices, answers the job with None, and starts a new thread.
"""

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

MAX_FAULTS = 3  # in a row, before whoever is told should give up
LOOK_S = 0.1  # between two checks that the thread lives, while somebody waits for it
_BREATH_S = 0.002  # between two checks that no request waits

OnFault = Callable[[BaseException, int], object]
_T = TypeVar("_T")


class Kind(enum.IntEnum):
    """The purpose of a job; the smaller goes first."""

    LOAD = 0
    POPUP = 1
    GHOST = 2
    AHEAD = 3
    PREPARE = 4
    LEARN = 5


class LostError(BaseException):
    """The thread ended for an unknown reason."""


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
    again: bool = False  # the job was interrupted, or ``quick`` had no answer
    worked: bool = True  # ``call`` ran; that ``quick`` succeeds does not reset the count of faults


class Worker:
    """The thread and the jobs that wait for it. Call the methods from the event loop's thread, unless they say else.

    ``on_fault`` is called when the thread has ended, and when a job raised more than an ordinary exception, such as a
    panic in a library: its work may be half done. It gets the exception, and the number of such faults in a row in
    jobs of the kind.
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
        """The result of ``call(stop)``, or ``None`` once nobody needs it any more.

        Nobody does when a newer job of the kind arrives, the document changes, or ``deadline`` seconds have passed.
        The answer then comes at once; ``stop()`` is true from that moment, and ``call`` may raise ``Cancelled``.
        Cancelling the awaiting task stops the job too. Any other ``Exception`` of ``call`` is raised here; after any
        other ``BaseException``, and if the thread has ended, the answer is ``None``.

        ``quick`` may answer without work: it runs before all waiting jobs, and ``call`` only if it returns ``None``.
        While a job with the same ``key`` runs or waits, another one is answered ``None``. So is a LEARN job that is
        interrupted; it is for the caller to start it again.
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
        """Cancel the jobs of this kind."""
        for job in self._jobs():
            if job.kind == kind:
                self._drop(job)

    def discard(self, uri: str) -> None:
        """Cancel the jobs for an older text of this document."""
        for job in self._jobs():
            if job.uri == uri:
                self._drop(job)

    def wait_until_free(self, patience: float) -> None:
        """Return when no request waits for an answer, or after ``patience`` seconds. Call it from other threads."""
        end = time.monotonic() + patience
        while not self._closed and any(job.kind <= Kind.GHOST for job in self._jobs()) and time.monotonic() < end:
            time.sleep(_BREATH_S)

    def close(self, patience: float = 1.0) -> bool:
        """Stop the running job and drop the waiting ones; True if the thread ended within ``patience`` seconds."""
        self._closed = True
        for job in self._jobs():
            self._drop(job)
        self._inbox.put(None)
        self._thread.join(patience)
        return not self._thread.is_alive()

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
        """Give the thread the job that goes first, if it has none."""
        waiting = [job for job in self._waiting if job is not None]
        if self._running is None and waiting and not self._closed:
            job = self._running = next((job for job in waiting if job.quick), waiting[0])
            self._waiting[job.kind] = None
            self._inbox.put(job)

    def _done(self, job: _Job, outcome: _Outcome) -> None:
        """Answer a job that the thread has done, and give it the next one."""
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
        """Let an interrupted job wait again, if it is still wanted: a newer one of its kind would have cancelled it."""
        if job.kind is Kind.LEARN:
            self._drop(job)
        elif not job.unwanted and self._waiting[job.kind] is None:
            self._waiting[job.kind] = job

    def _look(self) -> None:
        """If the thread has ended, start another one; the job that it ran is lost."""
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
        # A daemon, so that a job that ignores `stop` cannot keep the process alive.
        thread = threading.Thread(target=self._live, name=self._name, daemon=True)
        thread.start()
        return thread

    def _live(self) -> None:
        try:
            while (job := self._inbox.get()) is not None:
                outcome = self._do(job)
                with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                    job.loop.call_soon_threadsafe(self._done, job, outcome)
        except BaseException as fault:  # raised in this thread from outside
            self._fault = fault

    def _do(self, job: _Job) -> _Outcome:
        quick, job.quick = job.quick, None
        try:
            result = quick() if quick else job.call(partial(self._must_stop, job))
        except Cancelled:
            return _Outcome(again=True)
        except BaseException as fault:  # judged by ``_done``
            return _Outcome(error=fault)
        return _Outcome(result=result, again=quick is not None and result is None, worked=quick is None)

    def _must_stop(self, job: _Job) -> bool:
        return job.unwanted or any(self._waiting[: job.kind])
