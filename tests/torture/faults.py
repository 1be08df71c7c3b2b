"""Inject a fault just before the n-th step of writing: kill the process, or let the disk refuse.

Steps are Python's audit events, ``os.fsync``, and the writing of tensors, which happens in two halves here. As a
program, ``faults.py HOME FAULT N ARGUMENT...`` runs ``tinycoder ARGUMENT...`` with one fault, or with none if the fault
is ``count``. With ``limit`` the system lets no file grow beyond N kB.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_RENAMES, _REMOVALS = ("os.rename",), ("os.remove", "os.rmdir")
_WATCHED = (*_RENAMES, *_REMOVALS, "os.mkdir", "os.chmod", "os.truncate")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

Step = Callable[[str, tuple[Any, ...]], None]


class Steps:
    """Watches writing under a folder and calls ``do`` before each step; only one can exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.absolute())
        self._do: Step | None = None
        self.n = 0
        sys.addaudithook(self._audit)
        self._fsync = os.fsync
        os.fsync = self._counted_fsync
        from tinycoder.storage import checkpoint

        self._save_file = checkpoint.save_file
        checkpoint.save_file = self._halved_save_file

    @contextmanager
    def watched(self, do: Step) -> Iterator[None]:
        """Call ``do`` with the name and the arguments of each step in this block; ``n`` counts them from 1."""
        self.n, self._do = 0, do
        try:
            yield
        finally:
            self._do = None

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._do is None:
            return
        if event == "open":
            path, _, flags = arguments
            written = isinstance(flags, int) and flags & _WRITING
            if not written or not isinstance(path, (str, bytes, os.PathLike)):
                return
        elif event not in _WATCHED:
            return
        path = os.fsdecode(arguments[0])
        within_a_removal = event in _REMOVALS and not Path(path).is_absolute()
        if within_a_removal or path.startswith(self._folder):
            self._step(event, arguments)

    def _counted_fsync(self, descriptor: int) -> None:
        self._step("fsync", ())
        self._fsync(descriptor)

    def _halved_save_file(self, tensors: Any, path: Path, **more: Any) -> None:
        self._save_file(tensors, path, **more)
        if self._do is not None:
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
            self._step("half of the tensors", ())
            path.write_bytes(whole)

    def _step(self, event: str, arguments: tuple[Any, ...]) -> None:
        do = self._do
        if do is not None:
            self.n += 1
            self._do = None  # its own writing is no step
            try:
                do(event, arguments)
            finally:
                self._do = do


def kill_at(steps: Steps, n: int) -> Step:
    """End this process at once, as a power cut would, just before step ``n``."""

    def do(event: str, arguments: tuple[Any, ...]) -> None:
        if steps.n == n:
            os.kill(os.getpid(), signal.SIGKILL)

    return do


def refuse_at(steps: Steps, n: int, number: int, *, lasting: bool) -> Step:
    """Refuse step ``n``, with ``lasting`` also later ones, except those that a full disk allows."""

    def do(event: str, arguments: tuple[Any, ...]) -> None:
        allowed = number == errno.ENOSPC and event in (*_REMOVALS, *_RENAMES, "os.chmod")
        if (steps.n == n or (lasting and steps.n > n)) and not allowed:
            raise OSError(number, os.strerror(number))

    return do


def set_clock_back() -> None:
    """Set the clock back an hour at each reading."""
    now, looks = time.time(), iter(range(1, 10**9))
    time.time = lambda: now - 3600 * next(looks)


def main() -> None:
    home, fault, n, *arguments = sys.argv[1:]
    from tinycoder.cli import main as tinycoder

    steps = Steps(Path(home))
    sys.argv = ["tinycoder", "--home", home, *arguments]
    do: Step = {
        "kill": lambda: kill_at(steps, int(n)),
        "full": lambda: refuse_at(steps, int(n), errno.ENOSPC, lasting=True),
        "read-only": lambda: refuse_at(steps, int(n), errno.EROFS, lasting=True),
    }.get(fault, lambda: lambda event, arguments: None)()
    if fault == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000 * int(n), 1000 * int(n)))
    if fault == "clock-back":
        set_clock_back()
    try:
        with steps.watched(do):
            tinycoder()
    finally:
        print(f"steps: {steps.n}", file=sys.stderr)


if __name__ == "__main__":
    main()
