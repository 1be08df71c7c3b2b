"""Work that nobody waits for. A fault in it is a line in the log."""

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any

from tinycoder.errors import TinyCoderError
from tinycoder_lsp.editor.status import cause

logger = logging.getLogger(__name__)


class Background:
    """The tasks that run in the background."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()  # a task that nobody holds may vanish

    def start(self, what: str, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` on the current event loop; ``what`` names it in the log."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._end, what))

    def _end(self, what: str, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            reason = str(error) if isinstance(error, TinyCoderError) else cause(error)
            logger.error("%s failed: %s", what, reason)
