"""A pause of the ghost text that comes by itself."""

import asyncio
import math
from collections.abc import Callable


class Snooze:
    """Ends by itself. ``on_change`` gets the minutes that are left whenever these change; 0 at the end.

    All methods are called from the event loop's thread.
    """

    def __init__(self, on_change: Callable[[int], object], *, minute_s: float = 60.0) -> None:
        self.minutes = 0  # that are left, rounded up
        self._on_change = on_change
        self._minute_s = minute_s
        self._timer: asyncio.TimerHandle | None = None

    def start(self, minutes: float) -> None:
        """Snooze for so long from now on, whatever was said before; 0 ends it."""
        self.close()
        self._tick(asyncio.get_running_loop().time() + minutes * self._minute_s)

    def close(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self, end_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.minutes = max(0, math.ceil((end_s - loop.time()) / self._minute_s))
        if self.minutes:
            self._timer = loop.call_at(end_s - (self.minutes - 1) * self._minute_s, self._tick, end_s)
        self._on_change(self.minutes)
