"""The end of the process once its editor is gone.

An editor is gone when it has closed its pipe; where another process of its holds that open, when it has ended itself.
Whatever the server is doing then, it ends soon: nobody needs the answer, and what is kept on disk is always whole.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tinycoder_lsp.session import Session

PATIENCE_S = 0.6  # for what is under way when the editor has gone
PATIENCE_AT_EXIT_S = 3.0  # when it has said so
LOOK_S = 0.2  # between two looks whether a process exists


def leave(code: int) -> NoReturn:
    """End the process now. Python would wait for threads, and end others in the middle of a library's code."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


def leave_soon(session: Session) -> None:
    """See to it that nothing keeps the process. A client that said ``exit`` may wait until all is written down."""

    def end() -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < (PATIENCE_S if session.exit_code else PATIENCE_AT_EXIT_S):
            time.sleep(LOOK_S)
        os._exit(session.exit_code)

    threading.Thread(target=end, name="departure", daemon=True).start()


def when_ended(pid: int, call: Callable[[], object]) -> None:
    """Call, in another thread, when the process has ended. Never if there is none now: it may be another machine's."""

    def wait() -> None:
        while exists(pid):
            time.sleep(LOOK_S)
        call()

    if exists(pid):
        threading.Thread(target=wait, name="editor", daemon=True).start()


def exists(pid: int) -> bool:
    """Whether there is a process of this number."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        import ctypes

        synchronize, still_runs = 0x0010_0000, 0x102
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(synchronize, False, pid)
        if not handle:
            return False
        try:
            return bool(kernel.WaitForSingleObject(handle, 0) == still_runs)
        finally:
            kernel.CloseHandle(handle)
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether the process has ended and nobody has asked how, as Linux tells it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except (OSError, ValueError, IndexError):
        return False
