"""``python -m tinycoder``, and the ``tinycoder`` program."""

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line. Ctrl-C ends in a sentence also while Python imports it, and while Python ends."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # the caller wants it ignored
        from tinycoder.cli import main as run

        run()
        return
    signal.signal(signal.SIGINT, _leave)
    from tinycoder.cli import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        signal.signal(signal.SIGINT, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    try:
        os.write(2, b"tinycoder: interrupted\n")
    finally:
        os._exit(130)


if __name__ == "__main__":
    main()
