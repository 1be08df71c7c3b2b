"""What ``torchrun`` started, which may start it again: it stops with the launcher, and goes on where it was."""

import os
from contextlib import suppress

from tinycoder.stop import Stop, never

_RUN = "tinycoder/run"  # in the store of the launcher
_LAUNCHER = "TINYCODER_LAUNCHER"  # in the environment of this process: a process id


def note_launcher() -> None:
    """Remember what has started this process, which may be gone by the time anybody asks."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        os.environ[_LAUNCHER] = str(os.getppid())


def is_launched() -> bool:
    """Whether ``torchrun`` started this process."""
    return _LAUNCHER in os.environ


def launcher_ends() -> Stop:
    """Says whether the launcher has gone; nobody could stop its run then."""
    if not is_launched():
        return never
    launcher = int(os.environ[_LAUNCHER])
    return lambda: os.getppid() != launcher


def tell_launcher(run: str) -> None:
    """Let the launcher remember that it has started this run."""
    if is_launched() and not launcher_ends()():
        from tinycoder_training.engines.processes import launcher_store

        with suppress(RuntimeError):  # it has gone just now, and the run will end
            if store := launcher_store():
                store.set(_RUN, run)


def told_launcher() -> str:
    """The run that the launcher has started before, if this process is there because that one ended early; or ""."""
    if not is_launched() or os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
        return ""
    from tinycoder_training.engines.processes import launcher_store

    with suppress(RuntimeError):
        if (store := launcher_store()) and store.check([_RUN]):
            return str(store.get(_RUN).decode())
    return ""
