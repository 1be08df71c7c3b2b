"""When to train by itself: the person pauses, and has saved something since the last round.

A round is a short training on what was saved lately. One that the person's return stops counts for nothing: what it
was about is learnt in another pause. Knows no process, no model and no protocol.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tinycoder.errors import TinyCoderError
from tinycoder_lsp.background import Background
from tinycoder_lsp.training import TrainingResult

logger = logging.getLogger(__name__)

PAUSE_S = 300.0
MOST_FILES = 1000  # that are looked at
ROUND_PATIENCE_S = 3.0  # for a round that is to stop: it has nothing to save, and the person is back


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a round is about: a folder, the name of the model to go on from, patterns of files to leave out."""

    folder: Path
    start: str
    exclude: tuple[str, ...] = ()


class Clock(Protocol):
    """Seconds that only go forward, and a call when some have passed; an event loop in use."""

    def time(self) -> float:
        """Seconds since some beginning."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> Any:
        """Call in ``delay`` seconds, unless the handle that is returned is cancelled."""


class Rounds(Protocol):
    """What is needed of ``Training``."""

    @property
    def busy(self) -> bool:
        """Whether a round runs or is being started."""

    async def learn(self, folder: Path, *, start: str, exclude: Sequence[str] = ()) -> str:
        """Begin a round. Raises ``TinyCoderError``."""

    def stop(self) -> bool:
        """Let a round stop, also one that is being started."""

    def close(self) -> None:
        """Let a round stop, and hear no more of it."""


class Idle:
    """Starts rounds in pauses of ``pause_s`` seconds and stops them. All methods are called on the event loop's thread.

    ``lesson`` says what to learn, or ``None`` while nothing is to be. ``clock`` measures pauses; ``now`` is in seconds
    since 1970, like the times of files.
    """

    def __init__(
        self,
        rounds: Rounds,
        background: Background,
        *,
        lesson: Callable[[], Lesson | None],
        pause_s: float = PAUSE_S,
        clock: Callable[[], Clock] = asyncio.get_running_loop,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rounds = rounds
        self._background = background
        self._lesson = lesson
        self._pause_s = pause_s
        self._clock = clock
        self._now = now
        self._timer: Any = None
        self._stirred = 0.0
        self._files: dict[Path, None] = {}  # that were open, the latest last; whether one was saved is seen by its time
        self._began = self._learnt = now()  # what was saved before ``_learnt`` is nothing new

    def enable(self, on: bool) -> None:
        """Learn in pauses from now on, or no longer."""
        if on and self._timer is None:
            self._stirred = self._clock().time()
            self._wait(self._pause_s)
        elif not on and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._rounds.stop()

    def stir(self, file: Path | None = None) -> None:
        """The person is at work, perhaps in this file: a pause begins anew, and a round stops."""
        self._stirred = self._clock().time()
        if file is not None:
            self._files.pop(file, None)
            self._files[file] = None
            if len(self._files) > MOST_FILES:
                del self._files[next(iter(self._files))]
        if self._rounds.busy:
            self._rounds.stop()

    async def look(self) -> bool:
        """Begin a round if it is time for one; whether one has begun.

        One that is refused, as while another window trains, is not tried again until something else is saved.
        """
        lesson, now = self._lesson(), self._now()
        if lesson is None or not self._pauses() or not await asyncio.to_thread(self._something_new, lesson.folder):
            return False
        if not self._pauses() or lesson != self._lesson():  # while the files were looked at
            return False
        self._began = now
        try:
            await self._rounds.learn(lesson.folder, start=lesson.start, exclude=lesson.exclude)
        except TinyCoderError as error:
            logger.info("no learning in this pause: %s", error)
            if self._pauses():
                self._learnt = now
            return False
        return True

    def ended(self, result: TrainingResult) -> None:
        """A round has ended. If it failed, another one about the same files would fail again."""
        if result.state != "stopped":
            self._learnt = self._began

    def close(self) -> None:
        """No rounds any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rounds.close()

    def _wait(self, seconds: float) -> None:
        self._timer = self._clock().call_later(seconds, self._wake)

    def _wake(self) -> None:
        """Typing does not set the timer anew at each key, so there may be some time left."""
        left = self._left()
        self._wait(left if left > 0 else self._pause_s)
        if left <= 0:
            self._background.start("learning in a pause", self.look())

    def _pauses(self) -> bool:
        return self._timer is not None and self._left() <= 0 and not self._rounds.busy

    def _left(self) -> float:
        return self._stirred + self._pause_s - self._clock().time()

    def _something_new(self, folder: Path) -> bool:
        """Whether a file of the folder was saved since the last round. In a thread: disks may be slow."""
        return any(_written(file) >= self._learnt for file in tuple(self._files) if file.is_relative_to(folder))


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # never saved, or gone meanwhile
        return 0.0
