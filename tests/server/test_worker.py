"""The worker: which jobs are answered or stopped, and in which order. The tests wait for events, not for time."""

import asyncio
import ctypes
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tinycoder.errors import Cancelled
from tinycoder_lsp.engine.worker import Kind, Stop, Worker

pytestmark = pytest.mark.asyncio
PATIENCE = 30.0
POPUP, GHOST, AHEAD, LEARN = Kind.POPUP, Kind.GHOST, Kind.AHEAD, Kind.LEARN


class Step:
    """A job of three tokens, each of which waits for ``go``."""

    def __init__(self, result: str = "done") -> None:
        self.result = result
        self.tokens = 0
        self.starts = 0
        self.started = threading.Event()
        self.ended = threading.Event()
        self._go = threading.Semaphore(0)

    def __call__(self, stop: Stop) -> str:
        self.starts += 1
        self.started.set()
        try:
            while self._go.acquire(timeout=PATIENCE):
                if stop():
                    raise Cancelled
                self.tokens += 1
                if self.tokens == 3:
                    return self.result
            raise AssertionError("nobody moved this job on")
        finally:
            self.ended.set()

    def go(self, n: int = 1) -> None:
        self._go.release(n)

    async def running(self) -> None:
        assert await asyncio.to_thread(self.started.wait, PATIENCE)


@pytest_asyncio.fixture
async def faults() -> list[tuple[str, int]]:
    return []


@pytest_asyncio.fixture
async def worker(faults: list[tuple[str, int]]) -> AsyncIterator[Worker]:
    worker = Worker(on_fault=lambda fault, n: faults.append((type(fault).__name__, n)))
    yield worker
    assert worker.close(PATIENCE)


async def soon(task: "asyncio.Task[str | None]") -> str | None:
    return await asyncio.wait_for(task, PATIENCE)


async def started(awaitable: "asyncio.Task[str | None]") -> None:
    """Let a task take its first step, which hands its job in."""
    await asyncio.sleep(0)
    assert not awaitable.done()


def ask(worker: Worker, kind: Kind, job: Step, uri: str = "a") -> "asyncio.Task[str | None]":
    return asyncio.create_task(worker.answer(kind, job, uri=uri, deadline=PATIENCE))


async def cancel(task: "asyncio.Task[str | None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(task)


async def assert_free(worker: Worker) -> None:
    assert await worker.answer(GHOST, lambda stop: "free", deadline=PATIENCE) == "free"


async def test_a_job_is_answered_from_another_thread(worker: Worker) -> None:
    here = threading.get_ident()
    there = await worker.answer(POPUP, lambda stop: threading.get_ident(), deadline=PATIENCE)
    again = await worker.answer(GHOST, lambda stop: threading.get_ident(), deadline=PATIENCE)
    assert there == again != here


@pytest.mark.parametrize("quick", [False, True])
async def test_an_exception_is_raised_to_the_caller_and_the_worker_continues(worker: Worker, quick: bool) -> None:
    def fault(stop: Stop | None = None) -> str:
        raise ZeroDivisionError("in the engine")

    with pytest.raises(ZeroDivisionError, match="in the engine"):
        await worker.answer(POPUP, Step() if quick else fault, quick=fault if quick else None)
    await assert_free(worker)


async def test_a_cancelled_request_stops_its_job_before_the_next_token(worker: Worker) -> None:
    job = Step()
    task = ask(worker, POPUP, job)
    await job.running()
    job.go()
    await cancel(task)
    tokens = job.tokens
    job.go()
    assert await asyncio.to_thread(job.ended.wait, PATIENCE)
    assert job.tokens <= tokens + 1
    await assert_free(worker)
    assert job.starts == 1


async def test_a_cancelled_request_that_waits_never_runs(worker: Worker) -> None:
    first, second = Step(), Step()
    running = ask(worker, POPUP, first)
    await first.running()
    waiting = ask(worker, GHOST, second)
    await started(waiting)
    await cancel(waiting)
    first.go(3)
    assert await soon(running) == "done"
    await assert_free(worker)
    assert second.starts == 0


@pytest.mark.parametrize("kind", [POPUP, GHOST])
async def test_the_newest_job_of_a_kind_is_answered(worker: Worker, kind: Kind) -> None:
    jobs = [Step(str(n)) for n in range(4)]
    tasks = [ask(worker, kind, jobs[0])]
    await jobs[0].running()
    for job in jobs[1:]:
        tasks.append(ask(worker, kind, job))
        await started(tasks[-1])
    assert [await soon(task) for task in tasks[:3]] == [None, None, None]  # at once, the first still runs
    for job in jobs:
        job.go(3)
    assert await soon(tasks[3]) == "3"
    assert [job.starts for job in jobs] == [1, 0, 0, 1]
    assert jobs[0].tokens == 0


async def test_jobs_of_two_kinds_are_both_answered(worker: Worker) -> None:
    popup, ghost = Step("popup"), Step("ghost")
    popup.go(3)
    ghost.go(4)  # one for the token at which the popup may interrupt it
    answers = await asyncio.wait_for(asyncio.gather(ask(worker, GHOST, ghost), ask(worker, POPUP, popup)), PATIENCE)
    assert answers == ["ghost", "popup"]


@pytest.mark.parametrize(("low", "high"), [(GHOST, POPUP), (AHEAD, POPUP), (AHEAD, GHOST)])
async def test_a_job_of_a_smaller_kind_interrupts_the_running_one_which_starts_again(
    worker: Worker, low: Kind, high: Kind
) -> None:
    interrupted, urgent = Step("later"), Step("first")
    later = ask(worker, low, interrupted)
    await interrupted.running()
    first = ask(worker, high, urgent)
    await started(first)
    interrupted.go()  # its next look at `stop` interrupts it
    urgent.go(3)
    assert await soon(first) == "first"
    assert not later.done()
    interrupted.go(3)
    assert await soon(later) == "later"
    assert interrupted.starts == 2


async def test_interrupted_ghost_text_that_is_cancelled_does_not_start_again(worker: Worker) -> None:
    ghost, popup = Step("ghost"), Step("popup")
    later = ask(worker, GHOST, ghost)
    await ghost.running()
    first = ask(worker, POPUP, popup)
    await started(first)
    ghost.go()
    await popup.running()
    await cancel(later)
    popup.go(3)
    assert await soon(first) == "popup"
    await assert_free(worker)
    assert ghost.starts == 1


async def test_waiting_jobs_run_in_the_order_of_their_kinds(worker: Worker) -> None:
    order: list[str] = []
    gate = Step()
    running = ask(worker, POPUP, gate)
    await gate.running()
    tasks = []
    for kind in (GHOST, Kind.LOAD):
        job = worker.answer(kind, lambda stop, kind=kind: order.append(kind.name), deadline=PATIENCE)  # type: ignore[misc]
        tasks.append(asyncio.create_task(job))
        await asyncio.sleep(0)
    gate.go()  # the load is waiting, so the popup is interrupted
    gate.go(3)
    assert await soon(running) == "done"
    await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
    assert order == ["LOAD", "GHOST"]


async def test_an_edit_cancels_the_jobs_of_its_document(worker: Worker) -> None:
    edited, other = Step("edited"), Step("other")
    running = ask(worker, GHOST, edited, uri="a")
    await edited.running()
    waiting = ask(worker, POPUP, other, uri="b")
    await started(waiting)
    worker.discard("a")
    assert await soon(running) is None
    edited.go()
    other.go(3)
    assert await soon(waiting) == "other"
    assert edited.tokens == 0


async def test_an_answer_comes_at_the_deadline_even_if_the_job_ignores_stop(worker: Worker) -> None:
    over = threading.Event()
    try:
        assert await worker.answer(GHOST, lambda stop: over.wait(PATIENCE), deadline=0.0) is None
    finally:
        over.set()
    await assert_free(worker)


async def test_many_requests_and_cancellations_leave_the_worker_free(worker: Worker) -> None:
    jobs = [Step(str(n)) for n in range(200)]
    for job in jobs:
        job.go(2)  # not enough to finish: each must be stopped
    tasks = []
    for n, job in enumerate(jobs):
        tasks.append(ask(worker, (POPUP, GHOST)[n % 2], job, uri=f"{n % 3}"))
        await asyncio.sleep(0)
        if n % 5 == 0:
            worker.discard(f"{n % 3}")
        if n % 4 == 0:
            tasks[n // 2].cancel()
    for task in tasks:
        task.cancel()
    for job in jobs:
        job.go()
    answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)
    assert all(answer is None or isinstance(answer, (str, asyncio.CancelledError)) for answer in answers)
    await assert_free(worker)


async def test_closing_answers_everyone_and_ends_the_thread(worker: Worker) -> None:
    running_job, waiting_job = Step(), Step()
    running = ask(worker, POPUP, running_job)
    await running_job.running()
    waiting = ask(worker, GHOST, waiting_job)
    await started(waiting)
    running_job.go()
    worker.close(PATIENCE)
    assert await soon(running) is None
    assert await soon(waiting) is None
    assert running_job.ended.is_set()
    assert waiting_job.starts == 0
    assert await worker.answer(POPUP, lambda stop: "too late") is None


@pytest.mark.parametrize("kind", [POPUP, GHOST, AHEAD])
async def test_interrupted_learning_does_not_start_again_by_itself(worker: Worker, kind: Kind) -> None:
    learning, job = Step("learnt"), Step("answer")
    task = ask(worker, LEARN, learning)
    await learning.running()
    first = ask(worker, kind, job)
    await started(first)
    learning.go()
    assert await soon(task) is None
    job.go(3)
    assert await soon(first) == "answer"
    assert await worker.answer(LEARN, lambda stop: "free", deadline=PATIENCE) == "free"
    assert learning.starts == 1


async def test_of_two_jobs_with_one_key_the_second_does_not_run(worker: Worker) -> None:
    first, second = Step("first"), Step("second")
    running = asyncio.create_task(worker.answer(AHEAD, first, key="key"))
    await first.running()
    assert await worker.answer(AHEAD, second, key="key") is None
    first.go(3)
    assert await soon(running) == "first"
    second.go(3)
    assert await worker.answer(AHEAD, second, key="key") == "second"


async def test_the_job_of_a_kind_can_be_dropped(worker: Worker) -> None:
    ahead = Step()
    task = ask(worker, AHEAD, ahead)
    await ahead.running()
    worker.drop(AHEAD)
    assert await soon(task) is None
    ahead.go()
    await assert_free(worker)
    assert ahead.starts == 1


async def test_a_quick_answer_comes_before_every_waiting_job(worker: Worker) -> None:
    load, popup = Step("load"), Step("popup")
    running = ask(worker, Kind.LOAD, load)
    await load.running()
    waiting = ask(worker, POPUP, popup)
    await started(waiting)
    quick = asyncio.create_task(worker.answer(GHOST, Step("slow"), quick=lambda: "quick"))
    await started(quick)
    load.go(3)
    assert await soon(running) == "load"
    assert await soon(quick) == "quick"
    assert not waiting.done()
    popup.go(3)
    assert await soon(waiting) == "popup"


async def test_the_slow_job_runs_if_the_quick_answer_is_none(worker: Worker) -> None:
    asked: list[int] = []
    job = Step("slow")
    job.go(3)
    answer = await worker.answer(GHOST, job, quick=lambda: asked.append(1))  # type: ignore[func-returns-value]
    assert (answer, asked, job.starts) == ("slow", [1], 1)


async def test_other_threads_can_wait_until_no_request_waits(worker: Worker) -> None:
    worker.wait_until_free(PATIENCE)
    ghost, ahead = Step(), Step()
    task = ask(worker, GHOST, ghost)
    await ghost.running()
    worker.wait_until_free(0)  # returns although somebody waits
    waiting = asyncio.create_task(asyncio.to_thread(worker.wait_until_free, PATIENCE))
    await asyncio.sleep(0)
    ghost.go(3)
    await soon(task)
    await asyncio.wait_for(waiting, PATIENCE)
    later = ask(worker, AHEAD, ahead)
    await ahead.running()
    worker.wait_until_free(PATIENCE)  # nobody waits for work done ahead
    ahead.go(3)
    await soon(later)


class Panic(BaseException):
    """What a library in another language raises when it gives up."""


def kill(ident: int) -> None:
    """Let the thread raise ``Panic`` at whatever instruction it executes next."""
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Panic)) == 1


@pytest.mark.parametrize("fault", [SystemExit, KeyboardInterrupt, MemoryError, StopIteration, Panic, GeneratorExit])
async def test_a_severe_fault_gives_an_empty_answer_and_is_counted(
    worker: Worker, faults: list[tuple[str, int]], fault: type[BaseException]
) -> None:
    def call(stop: Stop) -> str:
        raise fault

    for _ in range(2):
        assert await worker.answer(POPUP, call) is None
    assert await worker.answer(POPUP, lambda stop: "fine") == "fine"
    assert await worker.answer(GHOST, call) is None
    name = fault.__name__
    assert faults == [(name, 1), (name, 2), (name, 1)]


async def test_a_quick_answer_does_not_reset_the_count_of_faults(worker: Worker, faults: list[tuple[str, int]]) -> None:
    def panic(stop: Stop) -> str:
        raise Panic

    for _ in range(3):
        assert await worker.answer(GHOST, lambda stop: "slow", quick=lambda: "known") == "known"
        assert await worker.answer(GHOST, panic) is None
    assert faults == [("Panic", 1), ("Panic", 2), ("Panic", 3)]


async def test_a_thread_that_ends_within_a_job_is_replaced(worker: Worker, faults: list[tuple[str, int]]) -> None:
    ident: list[int] = []
    running = threading.Event()

    def call(stop: Stop) -> str:
        ident.append(threading.get_ident())
        running.set()
        while not stop():
            pass
        return "stopped"

    lost = asyncio.create_task(worker.answer(GHOST, call))
    assert await asyncio.to_thread(running.wait, PATIENCE)
    waiting = asyncio.create_task(worker.answer(AHEAD, lambda stop: "served"))
    await started(waiting)
    kill(ident[0])
    assert await soon(lost) is None
    assert await soon(waiting) == "served"
    assert faults == [("Panic", 1)]


async def test_a_thread_that_ends_between_jobs_is_replaced(worker: Worker, faults: list[tuple[str, int]]) -> None:
    for _ in range(20):
        ident = await worker.answer(POPUP, lambda stop: threading.get_ident())
        assert ident is not None
        kill(ident)  # it raises when it takes the next job, or on its way there
        assert await worker.answer(POPUP, lambda stop: "taken") in (None, "taken")
        assert await worker.answer(POPUP, lambda stop: "served") == "served"
    assert {name for name, _ in faults} == {"Panic"}
