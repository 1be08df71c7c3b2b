"""A command that must not outlive the program that started it, which holds the command's standard input open."""

import _thread
import contextlib
import os
import signal
import threading
from collections.abc import Callable


def stdin_ends() -> Callable[[], bool]:
    """Watch standard input; the function that is returned says whether it has ended.

    A command that has not begun to ask (``signals.stop_on_signals``) is interrupted as by Ctrl-C.
    """
    ended = threading.Event()

    def watch() -> None:
        with contextlib.suppress(OSError):  # there is none: it has ended
            while os.read(0, 1 << 12):  # not sys.stdin, whose lock would be held when Python ends
                pass
        ended.set()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            _thread.interrupt_main()

    threading.Thread(target=watch, name="standard input", daemon=True).start()
    return ended.is_set
