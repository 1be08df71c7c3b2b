"""``torchrun --nproc-per-node N -m tinycoder_training ...``: `tinycoder train --engine torch ...` on N processes."""

import os
import signal
import sys
import traceback
from typing import NoReturn

from tinycoder.cli import main as command_line
from tinycoder.cli.launcher import note_launcher
from tinycoder_training.engines.engine import EngineLost


def main() -> None:
    """The first process runs the command; the others help it."""
    note_launcher()
    sys.argv[1:] = ["train", "--engine", "torch", *sys.argv[1:]]
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        command_line()
    try:
        _leave(_part_of_the_run())
    except EngineLost as error:
        _leave(1, str(error))
    except Exception as error:  # whatever it is: the others wait until this process has gone
        traceback.print_exc()
        _leave(1, type(error).__name__)


def _part_of_the_run() -> int:
    """Lead or follow; the exit code."""
    from tinycoder_training.engines.processes import follow, processes

    try:
        with processes(int(os.environ.get("LOCAL_RANK", "0"))) as first:
            if first:
                command_line()
            for number in (signal.SIGINT, signal.SIGTERM):  # the first process stops, and tells the others
                signal.signal(number, signal.SIG_IGN)
            follow()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _leave(code: int, reason: str = "") -> NoReturn:
    """End at once: threads of PyTorch that still hold connections would abort a process that ends slowly."""
    if reason:
        rank, size = (os.environ.get(name, "?") for name in ("RANK", "WORLD_SIZE"))
        sys.stderr.write(f"tinycoder: process {rank} of {size} ends: {reason}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
