"""What a time needs in order to mean something: no training run in the background, and no other work on the cores.

``quiet`` is for the scripts of ``benchmarks/``, which refuse their times where others used more than ``LIMIT`` of the
cores. ``TINYCODER_BUSY=1`` prints them all the same, marked. Run as a module it halts a run while its input is open:

    python -m tinycoder.bench.quiet PLACE NAME
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tinycoder.errors import TrainingError
from tinycoder_training.background import Place, is_paused, pause, remembered, resume, running

LIMIT = 0.02  # of the cores
TICKS = 2  # of a core's clock: less cannot be told from nothing
BUSY = "TINYCODER_BUSY"
UNKNOWN = "what other processes use of the cores cannot be told on this system"
T = TypeVar("T")


class Others:
    """What processes outside the tree of this one, and of ``trees``, use of the cores from here on.

    Time that a hypervisor gives to other machines counts too. The cores are those that this process may use.
    """

    def __init__(self, *trees: int) -> None:
        self.refused: str | None = None  # why times were refused, if they were
        self._trees = (os.getpid(), *trees)
        self._began = self._look()

    def share(self) -> float | None:
        """The share of the cores until now, from 0 to 1; ``None`` where the system does not tell."""
        now = self._look()
        if self._began is None or now is None:
            return None
        seconds, worked, own = (end - begin for begin, end in zip(self._began, now, strict=True))
        used = (worked - own) / len(os.sched_getaffinity(0)) - TICKS / os.sysconf("SC_CLK_TCK")
        return min(1.0, max(0.0, used) / max(seconds, 1e-9))

    def figure(self, text: str) -> str:
        """``text``, which says times, or in its place why no time that was measured until now is to be believed."""
        share = self.share()
        if reason := refusal(share):
            self.refused = reason
            return f"refused: {reason}"
        beside = busy(share)
        return f"{text} ({beside})" if beside else text

    def value(self, times: T) -> T | None:
        """``times``, or nothing where they are refused; ``refused`` then says why."""
        self.refused = refusal(self.share()) or self.refused
        return None if self.refused else times

    def _look(self) -> tuple[float, float, float] | None:
        try:
            return time.monotonic(), busy_seconds(), own_seconds(self._trees)
        except (OSError, AttributeError):  # no /proc, no affinity
            return None


def busy(share: float | None) -> str | None:
    """A word about others that used more than they may; nothing where they used less, or nobody knows."""
    return None if share is None or share <= LIMIT else f"other processes used {100 * share:.1f} % of the cores"


def refusal(share: float | None) -> str | None:
    """Why times are refused during which others used this share of the cores, if they are."""
    return None if os.environ.get(BUSY) else busy(share)


@contextmanager
def halted() -> Iterator[None]:
    """Halt the runs in the background that are running, and let them continue afterwards, however this process ends.

    Each is halted by a process of its own that waits for the end of this one's block, or of this one: also a signal
    that leaves no time to tidy up lets the run continue.
    """
    with ExitStack() as stack:
        for place in remembered(os.environ):
            if running(place) and not is_paused(place):
                command = [sys.executable, "-P", "-m", __name__, str(place.home), place.name]
                pipe = subprocess.PIPE
                holder = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)
                stack.enter_context(holder)  # whose end closes its input and waits for it
                assert holder.stdout
                holder.stdout.readline()
        yield


@contextmanager
def quiet(*trees: int) -> Iterator[Others]:
    """Halt the run in the background, and watch what others do, but for ``trees`` of processes.

    Raises ``SystemExit`` at the end if a time was refused.
    """
    with halted():
        others = Others(*trees)
        if others.share() is None:
            sys.stderr.write(f"{UNKNOWN}\n")
        yield others
    if others.refused:
        raise SystemExit(refused_all(others.refused))


def refused_all(reason: str) -> str:
    """The last sentence of a benchmark that refused its times."""
    return f"times were refused, since {reason}; repeat it when the machine is quiet, or set {BUSY}=1 to see them"


def busy_seconds() -> float:
    """Seconds that the cores which this process may use have worked, with anything, or were kept from it."""
    cores = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    rows = (line.split() for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines())
    ticks = (
        int(row[i]) for row in rows if row[0] in cores for i in (1, 2, 3, 6, 7, 8)
    )  # proc(5): all but idle, iowait
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


def own_seconds(roots: tuple[int, ...]) -> float:
    """Processor time of these processes and all below them, with that of children that ended and were waited for."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                ticks[int(folder.name)] = sum(map(int, fields[11:15]))
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    tree, pending = set[int](), list(roots)
    while pending:
        process = pending.pop()
        if process not in tree:
            tree.add(process)
            pending += children.get(process, [])
    return sum(ticks.get(process, 0) for process in tree) / os.sysconf("SC_CLK_TCK")


def _hold(place: Place) -> None:
    """Halt a run until the input ends, or this process is told to."""
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))
    try:
        pause(place)
        _wait_for_the_end(place)
    except TrainingError:  # it has just ended
        return
    finally:
        with suppress(TrainingError, ProcessLookupError):
            resume(place)


def _wait_for_the_end(place: Place) -> None:
    with suppress(OSError):  # nobody reads any more
        sys.stderr.write(f"{place.name} in {place.home} is halted for a measurement, and continues at its end\n")
        sys.stdout.write("halted\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _hold(Place(home=Path(sys.argv[1]), name=sys.argv[2]))
