"""Ghost text from a server: when it is asked, and how long it is waited for."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.server.stub_server import Stub
from tinycoder.complete.candidate import Candidate, GhostRequest
from tinycoder.complete.question import Question
from tinycoder.complete.written import Written
from tinycoder.errors import Cancelled
from tinycoder_lsp.documents.positions import Lines, TextCursor
from tinycoder_lsp.engine import served
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.engine.served import ServedGhosts
from tinycoder_lsp.engine.worker import Kind
from tinycoder_lsp.remote.address import Address

CURSOR = TextCursor(uri="file:///a.py", path="a.py", lines=Lines("# new\nab"), offset=8)


class Remote:
    """Keeps the deadlines that it is given."""

    address = Address(base="http://127.0.0.1:1", host="127.0.0.1", kind="openai", model=None)

    def __init__(self) -> None:
        self.deadlines: list[float] = []

    async def ask(self, question: Question, deadline: float) -> Written:
        self.deadlines.append(deadline)
        return Written(text="_served", ended=True, tokens=())


class Worker:
    """Does each job at once; by the clock it takes ``takes`` seconds, and ``meanwhile`` happens."""

    def __init__(self) -> None:
        self.now, self.takes = 100.0, 0.0
        self.meanwhile: Callable[[], object] = lambda: None
        self.deadlines: list[float] = []

    async def answer(self, kind: Kind, call: Any, *, deadline: float, **rest: Any) -> Any:
        self.deadlines.append(deadline)
        self.now += self.takes
        self.meanwhile()
        return call(lambda: False)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    worker = Worker()
    monkeypatch.setattr(served, "time", SimpleNamespace(monotonic=lambda: worker.now))
    return worker


@pytest.fixture
def ghosts(worker: Worker, tmp_path: Path) -> ServedGhosts:
    (tmp_path / "models" / "stub").mkdir(parents=True)
    models = Models(tmp_path, cast(Any, Stub))
    models.load("stub", [])
    return ServedGhosts(models, cast(Any, worker))


async def ask(ghosts: ServedGhosts, remote: Remote) -> list[Candidate] | None:
    return await ghosts.ghosts(cast(Any, remote), CURSOR, GhostRequest(), 2.0, cached_first=False)


def test_the_server_has_half_of_the_time_less_what_the_question_took(ghosts: ServedGhosts, worker: Worker) -> None:
    remote = Remote()
    worker.takes = 0.75
    found = asyncio.run(ask(ghosts, remote))
    assert found is not None
    assert [each.text for each in found] == ["ab_served"]
    assert remote.deadlines == [pytest.approx(0.25)]
    assert worker.deadlines == [2.0, pytest.approx(1.25)]


def test_where_the_question_took_that_half_the_server_is_not_asked(ghosts: ServedGhosts, worker: Worker) -> None:
    remote = Remote()
    worker.takes = 1.0
    assert asyncio.run(ask(ghosts, remote)) is None  # our engine is to answer, in the other half
    assert remote.deadlines == []


def test_a_key_before_the_server_is_asked_overtakes_the_request(ghosts: ServedGhosts, worker: Worker) -> None:
    remote = Remote()
    worker.meanwhile = ghosts.overtake
    with pytest.raises(Cancelled):
        asyncio.run(ask(ghosts, remote))
    assert remote.deadlines == []
