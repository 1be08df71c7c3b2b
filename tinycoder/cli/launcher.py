"""What ``torchrun`` started, which may start it again: it stops with the launcher, and goes on where it was."""

import os
from contextlib import suppress
from typing import Any

from tinycoder.stop import Stop, never

_RUN = "tinycoder/run"


def is_launched() -> bool:
    """Whether ``torchrun`` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def launcher_ends() -> Stop:
    """Says whether the launcher has gone, which nobody could stop then."""
    if not is_launched():
        return never
    launcher = os.getppid()
    return lambda: os.getppid() != launcher


def tell_launcher(run: str) -> None:
    """Let the launcher remember that it has started this run."""
    if store := _store():
        store.set(_RUN, run)


def told_launcher() -> str:
    """The run that the launcher has started before, if this process is there because that one ended early; or ""."""
    store = _store() if os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0" else None
    return store.get(_RUN).decode() if store and store.check([_RUN]) else ""


def _store() -> Any:
    """What the launcher keeps for all its processes, also for later ones."""
    if not is_launched():
        return None
    with suppress(ImportError, KeyError, ValueError, RuntimeError):
        from torch.distributed import TCPStore

        return TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
    return None
