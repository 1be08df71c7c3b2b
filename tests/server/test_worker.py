"""The worker: who is answered, who is stopped, and in which order. Events instead of time."""

import asyncio
import ctypes
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tinycoder.errors import Cancelled
from tinycoder_lsp.engine.worker import Kind, Stop, Worker

PATIENCE = 30.0
POPUP, GHOST, AHEAD, LEARN = Kind.POPUP, Kind.GHOST, Kind.AHEAD, Kind.LEARN


class Step:
    """A job that goes on token by token, each time when it is told to."""

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
async def worker() -> AsyncIterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


async def soon(task: "asyncio.Task[str | None]") -> str | None:
    return await asyncio.wait_for(task, PATIENCE)


async def started(awaitable: "asyncio.Task[str | None]") -> None:
    """Let a task take its first step, which hands its job in."""
    await asyncio.sleep(0)
    assert not awaitable.done()


def ask(worker: Worker, kind: Kind, job: Step, uri: str = "a") -> "asyncio.Task[str | None]":
    return asyncio.create_task(worker.answer(kind, job, uri=uri, deadline=PATIENCE))


@pytest.mark.asyncio
async def test_a_job_is_answered_from_another_thread(worker: Worker) -> None:
    here = threading.get_ident()
    there = await worker.answer(POPUP, lambda stop: threading.get_ident(), deadline=PATIENCE)
    again = await worker.answer(GHOST, lambda stop: threading.get_ident(), deadline=PATIENCE)
    assert there == again != here


@pytest.mark.asyncio
async def test_a_fault_is_raised_to_who_asked_and_the_worker_lives(worker: Worker) -> None:
    def fault(stop: Stop) -> str:
        raise ZeroDivisionError("in the engine")

    with pytest.raises(ZeroDivisionError, match="in the engine"):
        await worker.answer(POPUP, fault)
    assert await worker.answer(POPUP, lambda stop: "fine") == "fine"


@pytest.mark.asyncio
async def test_a_cancelled_request_stops_its_job_before_the_next_token(worker: Worker) -> None:
    job = Step()
    task = ask(worker, POPUP, job)
    await job.running()
    job.go()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(task)
    tokens = job.tokens
    job.go()
    assert await asyncio.to_thread(job.ended.wait, PATIENCE)
    assert job.tokens <= tokens + 1
    assert await worker.answer(GHOST, lambda stop: "free", deadline=PATIENCE) == "free"
    assert job.starts == 1


@pytest.mark.asyncio
async def test_a_cancelled_request_that_waits_never_runs(worker: Worker) -> None:
    first, second = Step(), Step()
    running = ask(worker, POPUP, first)
    await first.running()
    waiting = ask(worker, GHOST, second)
    await started(waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(waiting)
    first.go(3)
    assert await soon(running) == "done"
    assert await worker.answer(GHOST, lambda stop: "free", deadline=PATIENCE) == "free"
    assert second.starts == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [POPUP, GHOST])
async def test_the_newest_of_a_kind_wins(worker: Worker, kind: Kind) -> None:
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


@pytest.mark.asyncio
async def test_a_popup_leaves_ghost_text_and_the_other_way_round(worker: Worker) -> None:
    popup, ghost = Step("popup"), Step("ghost")
    popup.go(3)
    ghost.go(4)  # one for the token at which the popup may send it back
    answers = await asyncio.wait_for(asyncio.gather(ask(worker, GHOST, ghost), ask(worker, POPUP, popup)), PATIENCE)
    assert answers == ["ghost", "popup"]


@pytest.mark.asyncio
async def test_a_popup_interrupts_ghost_text_which_starts_again(worker: Worker) -> None:
    ghost, popup = Step("ghost"), Step("popup")
    later = ask(worker, GHOST, ghost)
    await ghost.running()
    first = ask(worker, POPUP, popup)
    await started(first)
    ghost.go()  # its next look at `stop` sends it back
    popup.go(3)
    assert await soon(first) == "popup"
    assert not later.done()
    ghost.go(3)
    assert await soon(later) == "ghost"
    assert ghost.starts == 2


@pytest.mark.asyncio
async def test_interrupted_ghost_text_that_is_cancelled_does_not_start_again(worker: Worker) -> None:
    ghost, popup = Step("ghost"), Step("popup")
    later = ask(worker, GHOST, ghost)
    await ghost.running()
    first = ask(worker, POPUP, popup)
    await started(first)
    ghost.go()
    await popup.running()
    later.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(later)
    popup.go(3)
    assert await soon(first) == "popup"
    assert await worker.answer(GHOST, lambda stop: "free", deadline=PATIENCE) == "free"
    assert ghost.starts == 1


@pytest.mark.asyncio
async def test_waiting_jobs_go_by_kind(worker: Worker) -> None:
    order: list[str] = []
    gate = Step()
    running = ask(worker, POPUP, gate)
    await gate.running()
    tasks = []
    for kind in (Kind.GHOST, Kind.LOAD):
        job = worker.answer(kind, lambda stop, kind=kind: order.append(kind.name), deadline=PATIENCE)  # type: ignore[misc]
        tasks.append(asyncio.create_task(job))
        await asyncio.sleep(0)
    gate.go()  # the load is waiting, so the popup is interrupted
    gate.go(3)
    assert await soon(running) == "done"
    await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
    assert order == ["LOAD", "GHOST"]


@pytest.mark.asyncio
async def test_an_edit_ends_what_was_asked_before_it(worker: Worker) -> None:
    here, there = Step("here"), Step("there")
    running = ask(worker, GHOST, here, uri="a")
    await here.running()
    waiting = ask(worker, POPUP, there, uri="b")
    await started(waiting)
    worker.discard("a")
    assert await soon(running) is None
    here.go()
    there.go(3)
    assert await soon(waiting) == "there"
    assert here.tokens == 0


@pytest.mark.asyncio
async def test_a_deadline_answers_even_if_the_job_is_deaf(worker: Worker) -> None:
    deaf = threading.Event()
    try:
        assert await worker.answer(GHOST, lambda stop: deaf.wait(PATIENCE), deadline=0.0) is None
    finally:
        deaf.set()
    assert await worker.answer(GHOST, lambda stop: "free", deadline=PATIENCE) == "free"


@pytest.mark.asyncio
async def test_a_storm_of_requests_and_cancellations_leaves_the_worker_free(worker: Worker) -> None:
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
    assert await worker.answer(GHOST, lambda stop: "free", deadline=PATIENCE) == "free"


@pytest.mark.asyncio
async def test_closing_answers_everyone_and_ends_the_thread() -> None:
    worker = Worker()
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


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [POPUP, GHOST])
async def test_what_is_done_ahead_gives_way_and_goes_on_later(worker: Worker, kind: Kind) -> None:
    ahead, job = Step("ahead"), Step("answer")
    later = ask(worker, AHEAD, ahead)
    await ahead.running()
    first = ask(worker, kind, job)
    await started(first)
    ahead.go()
    job.go(3)
    assert await soon(first) == "answer"
    ahead.go(3)
    assert await soon(later) == "ahead"
    assert ahead.starts == 2


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [POPUP, GHOST, AHEAD])
async def test_learning_gives_way_and_starts_again_only_when_told(worker: Worker, kind: Kind) -> None:
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


@pytest.mark.asyncio
async def test_a_job_of_the_same_key_is_not_begun_again(worker: Worker) -> None:
    first, second = Step("first"), Step("second")
    running = asyncio.create_task(worker.answer(AHEAD, first, key="here"))
    await first.running()
    assert await worker.answer(AHEAD, second, key="here") is None
    first.go(3)
    assert await soon(running) == "first"
    second.go(3)
    assert await worker.answer(AHEAD, second, key="here") == "second"


@pytest.mark.asyncio
async def test_a_kind_can_be_dropped(worker: Worker) -> None:
    ahead = Step()
    task = ask(worker, AHEAD, ahead)
    await ahead.running()
    worker.drop(AHEAD)
    assert await soon(task) is None
    ahead.go()
    assert await worker.answer(GHOST, lambda stop: "free", deadline=PATIENCE) == "free"
    assert ahead.starts == 1


@pytest.mark.asyncio
async def test_a_quick_answer_goes_before_every_waiting_job(worker: Worker) -> None:
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


@pytest.mark.asyncio
async def test_a_quick_answer_that_is_none_is_followed_by_the_slow_one(worker: Worker) -> None:
    asked: list[int] = []
    job = Step("slow")
    job.go(3)
    answer = await worker.answer(GHOST, job, quick=lambda: asked.append(1))  # type: ignore[func-returns-value]
    assert (answer, asked, job.starts) == ("slow", [1], 1)


@pytest.mark.asyncio
async def test_a_quick_answer_that_fails_fails(worker: Worker) -> None:
    def fault() -> str:
        raise ZeroDivisionError("in the engine")

    with pytest.raises(ZeroDivisionError):
        await worker.answer(GHOST, Step(), quick=fault)
    assert await worker.answer(POPUP, lambda stop: "fine") == "fine"


@pytest.mark.asyncio
async def test_other_threads_can_wait_until_nobody_asks(worker: Worker) -> None:
    worker.wait_until_free(PATIENCE)
    ghost, ahead = Step(), Step()
    task = ask(worker, GHOST, ghost)
    await ghost.running()
    worker.wait_until_free(0)  # patience is all it takes
    waiting = asyncio.create_task(asyncio.to_thread(worker.wait_until_free, PATIENCE))
    await asyncio.sleep(0)
    ghost.go(3)
    await soon(task)
    await asyncio.wait_for(waiting, PATIENCE)
    later = ask(worker, AHEAD, ahead)
    await ahead.running()
    worker.wait_until_free(PATIENCE)  # what is done ahead makes nobody wait
    ahead.go(3)
    await soon(later)


class Panic(BaseException):
    """What a library in another language raises when it gives up."""


def kill(ident: int) -> None:
    """Let the thread raise ``Panic`` at whatever instruction it executes next."""
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Panic)) == 1


@pytest_asyncio.fixture
async def faults() -> list[tuple[str, int]]:
    return []


@pytest_asyncio.fixture
async def watched(faults: list[tuple[str, int]]) -> AsyncIterator[Worker]:
    worker = Worker(on_fault=lambda fault, n: faults.append((type(fault).__name__, n)))
    yield worker
    assert worker.close(PATIENCE)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [SystemExit, KeyboardInterrupt, MemoryError, StopIteration, Panic, GeneratorExit])
async def test_a_fault_that_is_no_ordinary_one_is_an_empty_answer(
    watched: Worker, faults: list[tuple[str, int]], fault: type[BaseException]
) -> None:
    def call(stop: Stop) -> str:
        raise fault

    assert await watched.answer(POPUP, call) is None
    assert await watched.answer(POPUP, call) is None
    assert await watched.answer(POPUP, lambda stop: "fine") == "fine"
    assert await watched.answer(GHOST, call) is None
    name = fault.__name__
    assert faults == [(name, 1), (name, 2), (name, 1)]


@pytest.mark.asyncio
async def test_what_is_known_without_work_says_nothing_of_how_work_goes(
    watched: Worker, faults: list[tuple[str, int]]
) -> None:
    def call(stop: Stop) -> str:
        raise Panic

    for _ in range(3):
        assert await watched.answer(GHOST, lambda stop: "slow", quick=lambda: "known") == "known"
        assert await watched.answer(GHOST, call) is None
    assert faults == [("Panic", 1), ("Panic", 2), ("Panic", 3)]


@pytest.mark.asyncio
async def test_a_thread_that_is_ended_in_a_job_is_replaced(watched: Worker, faults: list[tuple[str, int]]) -> None:
    ident: list[int] = []
    running = threading.Event()

    def call(stop: Stop) -> str:
        ident.append(threading.get_ident())
        running.set()
        while not stop():
            pass
        return "stopped"

    lost = asyncio.create_task(watched.answer(GHOST, call))
    assert await asyncio.to_thread(running.wait, PATIENCE)
    waiting = asyncio.create_task(watched.answer(AHEAD, lambda stop: "served"))
    await started(waiting)
    kill(ident[0])
    assert await soon(lost) is None
    assert await soon(waiting) == "served"
    assert faults == [("Panic", 1)]


@pytest.mark.asyncio
async def test_a_thread_that_is_ended_between_jobs_is_replaced(watched: Worker, faults: list[tuple[str, int]]) -> None:
    for _ in range(20):
        ident = await watched.answer(POPUP, lambda stop: threading.get_ident())
        assert ident is not None
        kill(ident)  # it raises when it takes the next job, or on its way there
        assert await watched.answer(POPUP, lambda stop: "taken") in (None, "taken")
        assert await watched.answer(POPUP, lambda stop: "served") == "served"
    assert {name for name, _ in faults} == {"Panic"}


@pytest.mark.asyncio
async def test_a_closed_worker_answers_at_once() -> None:
    worker = Worker()
    worker.close(PATIENCE)
    assert await worker.answer(POPUP, lambda stop: "too late") is None
