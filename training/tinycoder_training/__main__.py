"""``torchrun --nproc-per-node N -m tinycoder_training ...``: `tinycoder train --engine torch ...` on N processes."""

import os
import signal
import sys

from tinycoder.cli import main as command_line
from tinycoder_training.engines.engine import EngineLost


def main() -> None:
    """The first process runs the command; the others help it."""
    sys.argv[1:] = ["train", "--engine", "torch", *sys.argv[1:]]
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        command_line()
    from tinycoder_training.engines import processes

    try:
        with processes.processes(int(os.environ.get("LOCAL_RANK", "0"))) as first:
            if first:
                command_line()
            for number in (signal.SIGINT, signal.SIGTERM):  # the first process stops, and says so
                signal.signal(number, signal.SIG_IGN)
            processes.follow()
    except EngineLost as error:
        _leave(str(error))
    except MemoryError:
        _leave("its part of a batch does not fit into memory")


def _leave(reason: str) -> None:
    rank, size = (os.environ.get(name, "?") for name in ("RANK", "WORLD_SIZE"))
    sys.stderr.write(f"tinycoder: process {rank} of {size} ends: {reason}\n")
    sys.stderr.flush()
    os._exit(1)  # what is left of the connections would be waited for


if __name__ == "__main__":
    main()
