"""When a server is asked, left alone, and asked again."""

import asyncio
import logging
from collections.abc import Iterator

import httpx
import pytest

from tests.server.completions import Completions, completions
from tinycoder.complete.question import Question
from tinycoder.errors import ConfigError
from tinycoder_lsp.remote.address import Address, address_of
from tinycoder_lsp.remote.client import MAX_OVERTAKEN, Remote
from tinycoder_lsp.settings import RemoteSettings

QUESTION = Question(text="ab", after="", max_tokens=9, block=False)
DEADLINE, PAUSE = 30.0, 2.0  # seconds


class Clock:
    """Stands still unless it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[Completions]:
    with completions() as server:
        yield server


def at(url: str) -> Address:
    address = address_of(RemoteSettings(url=url, allow_host=httpx.URL(url).raw_host.decode()), {})
    assert address is not None
    return address


async def overtaken(remote: Remote, server: Completions, clock: Clock, waited: float) -> None:
    asking = asyncio.ensure_future(remote.ask(QUESTION, DEADLINE))
    assert await asyncio.to_thread(server.came.acquire, timeout=30)
    clock.now += waited
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize(("share", "is_up"), [(0.4, True), (0.5, False)])
def test_a_server_that_is_too_slow_for_the_typing_is_left_alone_without_a_word(
    server: Completions, caplog: pytest.LogCaptureFixture, share: float, is_up: bool
) -> None:
    caplog.set_level(logging.INFO, "tinycoder_lsp")

    async def use() -> None:
        clock, said = Clock(), list[str]()
        remote = Remote(at(server.url), said.append, pause=PAUSE, clock=clock)
        for _ in range(2):  # the second pause is no longer
            server.mode = "silent"
            for _ in range(MAX_OVERTAKEN - 1):
                await overtaken(remote, server, clock, share * DEADLINE)
                assert remote.is_up
            await overtaken(remote, server, clock, share * DEADLINE)
            assert remote.is_up == is_up
            clock.now += PAUSE
            assert remote.is_up
        server.mode = "well"
        assert await remote.ask(QUESTION, DEADLINE)
        assert said == []
        await remote.close()

    asyncio.run(use())
    assert ("more slowly than is typed" in caplog.text) != is_up


def test_after_each_fault_in_a_row_the_pause_is_longer(server: Completions) -> None:
    async def use() -> None:
        clock, said = Clock(), list[str]()
        remote = Remote(at(server.url), said.append, pause=PAUSE, clock=clock)
        server.mode = "500"
        for pause in (2.0, 4.0, 8.0):
            assert await remote.ask(QUESTION, DEADLINE) is None
            clock.now += pause - 0.1
            assert not remote.is_up
            clock.now += 0.1
            assert remote.is_up
        assert len(set(said)) == 1
        await remote.close()

    asyncio.run(use())


def test_once_it_is_closed_nothing_is_asked_or_said(server: Completions) -> None:
    async def use() -> None:
        said = list[str]()
        remote = Remote(at(server.url), said.append, pause=PAUSE)
        await remote.close()
        assert await remote.ask(QUESTION, DEADLINE) is None
        server.mode = "silent"
        remote = Remote(at(server.url), said.append, pause=PAUSE)
        asking = asyncio.ensure_future(remote.ask(QUESTION, DEADLINE))
        assert await asyncio.to_thread(server.came.acquire, timeout=30)
        await remote.close()
        assert await asking is None
        assert said == []

    asyncio.run(use())
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", [RuntimeError("odd"), ValueError("odd"), httpx.InvalidURL("odd"), OSError("odd")])
def test_whatever_the_client_raises_is_a_fault_of_the_server(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def stream(*args: object, **options: object) -> None:
        raise fault

    async def use() -> None:
        said = list[str]()
        remote = Remote(at("http://127.0.0.1:9"), said.append, pause=PAUSE)
        monkeypatch.setattr(httpx.AsyncClient, "stream", stream)
        assert await remote.ask(QUESTION, DEADLINE) is None
        assert not remote.is_up
        assert "cannot be reached" in said[0]
        await remote.close()

    asyncio.run(use())


@pytest.mark.parametrize("url", ["http://xn--a.com", "http://127.0.0.1/" + "a" * 70_000])
def test_an_address_that_nothing_can_be_sent_to_is_refused(url: str) -> None:
    address = Address(base=url, host="x", kind="openai", model=None)
    with pytest.raises(ConfigError, match="nothing can be sent to"):
        Remote(address, print, pause=PAUSE)
