"""The bar in the editor, against pygls' own progress and an editor that only listens."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.progress import Progress

from tinycoder_lsp.editor.progress import Bar


class Listener:
    """Takes what is sent; agrees to everything."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.work_done_progress = Progress(self)  # type: ignore[arg-type]
        window = lsp.WindowClientCapabilities(work_done_progress=True)
        self.client_capabilities = SimpleNamespace(window=window)

    async def send_request_async(self, method: str, params: lsp.WorkDoneProgressCreateParams) -> None:
        self.token = params.token

    def notify(self, method: str, params: lsp.ProgressParams) -> None:
        self.heard.append(params.value)

    def cancel(self) -> None:
        self.work_done_progress.tokens[self.token].cancel()


@pytest.mark.asyncio
async def test_a_bar_that_can_be_cancelled() -> None:
    listener, cancelled = Listener(), []
    bar = Bar(listener, "work", on_cancel=lambda: cancelled.append(1))  # type: ignore[arg-type]
    bar.report(3, 10, "begun")
    await bar.open()
    begin = listener.heard[0]
    assert (begin.title, begin.percentage, begin.message, begin.cancellable) == ("work", 30, "begun", True)
    listener.cancel()
    assert cancelled == [1]
    bar.close("saved")
    assert listener.heard[-1].message == "saved"


@pytest.mark.asyncio
async def test_cancelling_what_has_ended_does_nothing() -> None:
    listener, cancelled = Listener(), []
    bar = Bar(listener, "work", on_cancel=lambda: cancelled.append(1))  # type: ignore[arg-type]
    await bar.open()
    token = listener.work_done_progress.tokens[listener.token]
    bar.close()
    token.cancel()
    assert cancelled == []


@pytest.mark.asyncio
@pytest.mark.parametrize("agrees_first", [True, False])
async def test_nothing_is_kept_of_a_bar_that_has_ended(agrees_first: bool) -> None:
    listener = Listener()
    bar = Bar(listener, "work")  # type: ignore[arg-type]
    opening = asyncio.create_task(bar.open())
    await (opening if agrees_first else asyncio.sleep(0))
    bar.close()
    await opening
    assert listener.work_done_progress.tokens == {}


@pytest.mark.asyncio
async def test_a_bar_that_cannot_be_cancelled() -> None:
    listener = Listener()
    bar = Bar(listener, "work")  # type: ignore[arg-type]
    await bar.open()
    assert listener.heard[0].cancellable is False
    listener.cancel()
    bar.close()
