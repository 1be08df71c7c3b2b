"""A bar in the editor for work that takes a while."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Future

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

logger = logging.getLogger(__name__)


class Bar:
    """One piece of work as the editor shows it, if it can. It appears once the editor has agreed.

    With ``on_cancel`` a person can cancel the work there: it is called then, on the event loop's thread.
    """

    def __init__(self, server: LanguageServer, title: str, *, on_cancel: Callable[[], object] | None = None) -> None:
        self._progress = server.work_done_progress
        able = server.client_capabilities.window
        self._able = bool(able and able.work_done_progress)
        self._title = title
        self._on_cancel = on_cancel
        self._token = str(uuid.uuid4())
        self._loop = asyncio.get_running_loop()
        self._percentage = 0
        self._message: str | None = None
        self._shown = self._closed = False

    async def open(self) -> None:
        """Ask the editor, which may never answer, and begin."""
        if not self._able:
            return
        try:
            await self._progress.create_async(self._token)
        except JsonRpcException as error:
            logger.info("the editor shows no progress: %s", error)
            return
        if self._closed:
            self._progress.tokens.pop(self._token, None)  # known only now
        else:
            self._shown = True
            begin = lsp.WorkDoneProgressBegin(
                title=self._title,
                message=self._message,
                percentage=self._percentage,
                cancellable=self._on_cancel is not None,
            )
            self._progress.begin(self._token, begin)
            self._progress.tokens[self._token].add_done_callback(self._cancelled)

    def report(self, done: int, total: int, message: str | None = None) -> None:
        """So much of the work is done. May be called from any thread, as often as one likes."""
        percentage = 100 * done // total if total else 100
        if (percentage, message) != (self._percentage, self._message):
            self._percentage, self._message = percentage, message
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._send, percentage, message)

    def close(self, message: str | None = None) -> None:
        """The work has ended, one way or the other; ``message`` may say which."""
        self._closed = True
        if self._shown:
            self._progress.end(self._token, lsp.WorkDoneProgressEnd(message=message))
        self._progress.tokens.pop(self._token, None)  # pygls would keep it

    def _send(self, percentage: int, message: str | None) -> None:
        if self._shown and not self._closed:
            self._progress.report(self._token, lsp.WorkDoneProgressReport(percentage=percentage, message=message))

    def _cancelled(self, future: Future[object]) -> None:
        if self._on_cancel is not None and not self._closed:
            self._on_cancel()
