"""Background work of which only the latest request matters, done again some time after something has changed."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from tinycoder.stop import Stop
from tinycoder_lsp.editor.status import StatusReporter
from tinycoder_lsp.engine.worker import MAX_FAULTS, Kind, Worker
from tinycoder_lsp.jobs.background import Background

_YIELD_S = 0.2  # seconds at most that the work waits for running answers

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")


class LatestJob(Generic[_Request]):
    """A thread and the request that it works for. All methods are called from the event loop's thread.

    ``run`` does the work; it is told whether the work was asked for, or follows from a change. ``title`` names it in
    the log, ``name`` its faults in the editor. ``pause_s`` seconds pass between a change and the work. After each
    ``slice_s`` seconds the work waits until the worker of ``answers`` is free.
    """

    def __init__(
        self,
        name: str,
        title: str,
        run: Callable[[_Request, bool], Coroutine[Any, Any, None]],
        answers: Worker,
        background: Background,
        reporter: StatusReporter,
        *,
        pause_s: float,
        slice_s: float = 0.0,
    ) -> None:
        self.request: _Request | None = None
        self._name, self._title = name, title
        self._run = run
        self._answers = answers
        self._background = background
        self._reporter = reporter
        self._pause_s, self._slice_s = pause_s, slice_s
        self._worker = Worker(name, on_fault=self._failed)
        self._timer: asyncio.TimerHandle | None = None
        self._n_running = 0

    def want(self, request: _Request | None) -> None:
        """Work for this request from now on; without one, do nothing."""
        self.request = request
        self.start()

    def start(self) -> None:
        """Begin now, in place of what is under way."""
        self._worker.drop(Kind.LOAD)
        self._start(asked=True)

    def start_soon(self) -> None:
        """Begin after a pause, once in a while however often this is called."""
        if self.request is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._look)

    async def answer(self, call: Callable[[Stop], _Result]) -> _Result | None:
        """What ``call(stop)`` returns in the thread; None once nobody needs it any more."""

        def yielding_call(stop: Stop) -> _Result:
            waited = time.monotonic()

            def yielding_stop() -> bool:
                nonlocal waited
                if time.monotonic() - waited >= self._slice_s and not stop():
                    self._answers.wait_until_free(_YIELD_S)
                    waited = time.monotonic()
                return stop()

            return call(yielding_stop)

        return await self._worker.answer(Kind.LOAD, yielding_call)

    def close(self) -> None:
        """Stop, for good."""
        if self._timer is not None:
            self._timer.cancel()
        self.request = None
        self._worker.close(patience=0)  # what is kept on the disk is written all at once

    def _look(self) -> None:
        self._timer = None
        if self._n_running:
            self.start_soon()  # what is under way first, or one that takes long would never end
        else:
            self._start(asked=False)

    def _start(self, *, asked: bool) -> None:
        if self.request is not None:
            self._background.start(self._title, self._count(self.request, asked))

    async def _count(self, request: _Request, asked: bool) -> None:
        self._n_running += 1
        try:
            await self._run(request, asked)
        finally:
            self._n_running -= 1

    def _failed(self, fault: BaseException, n: int) -> None:
        self._reporter.fail_once(self._name, fault)
        if n < MAX_FAULTS:
            self.start_soon()
