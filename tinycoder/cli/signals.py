"""Ctrl-C, SIGTERM and SIGHUP as a ``stop`` that a long run calls between its steps."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from tinycoder.cli.streams import drop

INTERRUPTED = 130  # exit code of a command that was asked to stop
_HANGUP = getattr(signal, "SIGHUP", None)  # the terminal has gone; Windows has no such signal


@contextmanager
def stop_on_signals(*, relayed: bool = False) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether a signal asked to stop. A second one interrupts at once.

    It does not where signals are also ``relayed`` by another program, so that one arrives twice.

    Nothing is said to a terminal that has gone, and one more SIGHUP does not interrupt the saving. Where SIGHUP is
    ignored, as with ``nohup``, it stays ignored.
    """
    asked = threading.Event()
    terminals = [number for number in (1, 2) if _is_terminal(number)]

    def handle(number: int, frame: FrameType | None) -> None:
        if number == _HANGUP:
            for descriptor in terminals:
                drop(descriptor)
        elif asked.is_set():
            if relayed:
                return
            raise KeyboardInterrupt
        asked.set()
        with suppress(OSError):  # standard error may be a pipe that the same Ctrl-C has closed
            again = b"" if relayed else b" (once more to leave at once)"
            os.write(2, b"\nstopping after this step, then saving" + again + b"\n")

    numbers = [signal.SIGINT, signal.SIGTERM]
    if _HANGUP is not None and signal.getsignal(_HANGUP) != signal.SIG_IGN:
        numbers.append(_HANGUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
