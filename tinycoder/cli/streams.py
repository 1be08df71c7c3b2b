"""The standard streams of the process: open, whoever started it, and able to take every character."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO


def open_streams() -> None:
    """Make standard input, output and error usable objects, also those that the caller has closed.

    A closed one must not stay free: the next file to be opened would take its number, and be written to. Reading the
    closed input and writing to the closed output fail, so that a command that needs them says so; what is said on a
    closed standard error is dropped. (The way of gnulib's stdopen.c.)
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the process's whole life
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal lacks is no reason to fail
            stream.reconfigure(errors="replace")


def drop_output() -> None:
    """Let nothing more be flushed to the standard streams at exit, where it would fail again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            drop(stream.fileno())


def drop(descriptor: int) -> None:
    """From now on what is written to this descriptor goes nowhere."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


class Terminal:
    """A stream to a terminal that may go at any time: what is said after that is dropped, and nothing fails.

    The write that finds the terminal gone can come before the signal that says so (``signals.stop_on_signals``).
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write ``text``, or drop it."""
        self._unless_gone(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush what was written, or drop it."""
        self._unless_gone(self._stream.flush)

    def _unless_gone(self, act: Any, *given: str) -> None:
        try:
            act(*given)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            drop(self._stream.fileno())
