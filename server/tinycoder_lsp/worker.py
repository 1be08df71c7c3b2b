"""One thread that works for many requests, of which only the newest matter. Knows no engine and no protocol.

At most one job of each kind is wanted: a newer one takes the place of the older. Jobs of a smaller kind go
first, and interrupt a running job of a larger kind, which starts again afterwards; so the popup never waits
for ghost text, and nothing waits for what is done ahead.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from tinycoder.errors import Cancelled

Stop = Callable[[], bool]
_T = TypeVar("_T")


class Kind(enum.IntEnum):
    """What a job is for; the smaller goes first."""

    LOAD = 0
    POPUP = 1
    GHOST = 2
    AHEAD = 3
    LEARN = 4


@dataclass(eq=False, kw_only=True)
class _Job:
    kind: Kind
    uri: str | None
    key: object
    quick: Callable[[], Any] | None
    call: Callable[[Stop], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    unwanted: threading.Event = field(default_factory=threading.Event)


class Worker:
    """The thread and what waits for it. All methods are called from the event loop's thread."""

    def __init__(self, name: str = "inference") -> None:
        self._changed = threading.Condition()  # its lock is re-entrant
        self._waiting: list[_Job | None] = [None] * len(Kind)
        self._running: _Job | None = None
        self._closed = False
        # A daemon, so that a job that is deaf to `stop` cannot keep the process alive.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

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
        ``Cancelled``. Cancelling the awaiting task stops the job too. Whatever else ``call`` raises is raised
        here.

        ``quick`` may know the answer without work: it is asked before any job that waits, and ``call`` only if it
        returns ``None``. While a job with the same ``key`` runs or waits, another one is answered
        ``None``. So is a LEARN job that is interrupted: it starts again when somebody says so.
        """
        if key is not None and any(job.key == key and not job.unwanted.is_set() for job in self._jobs()):
            return None
        loop = asyncio.get_running_loop()
        job = _Job(kind=kind, uri=uri, key=key, quick=quick, call=call, loop=loop, future=loop.create_future())
        self._put(job)
        try:
            await asyncio.wait((job.future,), timeout=deadline)
            result: _T | None = job.future.result() if job.future.done() else None
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
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_free(), patience)

    def close(self, patience: float = 1.0) -> bool:
        """Stop the running job, forget the waiting ones; whether the thread ended within ``patience`` seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for job in self._jobs():
            self._drop(job)
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _is_free(self) -> bool:
        return all(job is None or job.kind > Kind.GHOST for job in (*self._waiting, self._running))

    def _jobs(self) -> list[_Job]:
        with self._changed:
            return [job for job in (*self._waiting, self._running) if job is not None]

    def _put(self, job: _Job) -> None:
        with self._changed:
            older = [other for other in self._jobs() if other.kind == job.kind]
            self._waiting[job.kind] = job
            self._changed.notify_all()
        for other in older:
            self._drop(other)

    def _drop(self, job: _Job) -> None:
        job.unwanted.set()
        with self._changed:
            if self._waiting[job.kind] is job:
                self._waiting[job.kind] = None
        if not job.future.done():
            job.future.set_result(None)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            result, error = None, None
            quick, job.quick = job.quick, None
            try:
                result = quick() if quick else job.call(partial(self._must_stop, job))
            except Cancelled:
                self._put_back(job)
                continue
            except BaseException as fault:  # not judged here: it is raised where the answer is awaited
                error = fault
            if quick and result is None and error is None:
                self._put_back(job)
                continue
            self._tell(job, result, error)

    def _take(self) -> _Job | None:
        with self._changed:
            self._running = None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or any(self._waiting))
            if self._closed:
                return None
            waiting = [job for job in self._waiting if job is not None]
            self._running = next((job for job in waiting if job.quick), waiting[0])
            self._waiting[self._running.kind] = None
            return self._running

    def _must_stop(self, job: _Job) -> bool:
        return job.unwanted.is_set() or any(self._waiting[: job.kind])

    def _put_back(self, job: _Job) -> None:
        """An interrupted job that is still wanted waits again.

        Nothing newer can stand there: it would be unwanted.
        """
        if job.kind is Kind.LEARN:
            self._tell(job, None, None)
            return
        with self._changed:
            if not job.unwanted.is_set() and self._waiting[job.kind] is None:
                self._waiting[job.kind] = job

    def _tell(self, job: _Job, result: object, error: BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            job.loop.call_soon_threadsafe(_deliver, job, result, error)


def _deliver(job: _Job, result: object, error: BaseException | None) -> None:
    if job.future.done():
        return
    if error is None:
        job.future.set_result(result)
    else:
        job.future.set_exception(error)
