"""A terminal that goes while something is said to it."""

import errno
import os
import sys
from pathlib import Path

import pytest

from tinycoder.cli.streams import Terminal


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_what_is_said_to_a_terminal_that_has_gone_is_dropped() -> None:
    import pty

    main_end, terminal = pty.openpty()
    with os.fdopen(terminal, "w", encoding="utf-8") as stream:
        said = Terminal(stream)
        said.write("heard\n")
        said.flush()
        assert os.read(main_end, 100) == b"heard\r\n"
        os.close(main_end)
        said.write("lost\n")
        said.flush()
        said.write("lost too\n")
        said.flush()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_another_refusal_is_still_one() -> None:
    stream = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - it cannot be closed in peace
    said = Terminal(stream)
    said.write("much\n")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        said.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    stream.close()
