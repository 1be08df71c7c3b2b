"""What the editor and the log are told of the server's state."""

import logging
from collections.abc import Iterable
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tinycoder_lsp.engine.models import LOADING, Status
from tinycoder_lsp.remote.address import Address

logger = logging.getLogger(__name__)

MAX_SAID = 1000  # sentences that are not said twice
_KINDS = {"loading": "Normal", "ready": "Normal", "off": "Inactive", "error": "Error"}


def cause(fault: BaseException) -> str:
    """What a fault is and where it was raised, without its text, which may quote somebody's code."""
    at = fault.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f" at {Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at is not None else ""
    return type(fault).__name__ + where


def snoozing(minutes: int) -> str:
    """The sentence for people."""
    return f"TinyCoder is snoozing for {minutes} min: ghost text comes only where it is asked for."


def served_by(address: Address) -> str:
    """The sentence for people."""
    if address.is_here:
        return f"Ghost text comes from the server {address.where} on this machine."
    return f"Code leaves this machine: ghost text comes from {address.where}, which gets the text around the cursor."


class StatusReporter:
    """Says each thing once. All methods are called from the event loop's thread."""

    def __init__(self, editor: LanguageServer) -> None:
        self._editor = editor
        self._status = LOADING
        self._training: tuple[int, str] | None = None
        self._snooze = 0
        self._remote: Address | None = None
        self._sent: dict[str, object] | None = None
        self._said: set[str] = set()
        self.pops_up = True  # unless the editor shows the status itself

    def show(self, status: Status) -> None:
        """Tell the editor the status. A problem also pops up, once: few editors show a status."""
        if status != self._status or self._sent is None:
            self._status = status
            self._send()
            failed = status.state == "error"
            self.log(lsp.MessageType.Error if failed else lsp.MessageType.Info, status.message)
            if failed and self.pops_up:
                self.say_once(lsp.MessageType.Error, status.message)

    def show_training(self, progress: tuple[int, str] | None) -> None:
        """Training is under way: how much of it is done, in per cent, and a sentence. None once it has ended."""
        self._training = progress
        self._send()

    def show_snooze(self, minutes: int) -> None:
        """No ghost text comes by itself for so many minutes; 0 once it does again."""
        self._snooze = minutes
        self._send()

    def show_remote(self, address: Address | None) -> None:
        """Ghost text is written by a server, to which code is sent; None if it is written here."""
        before, self._remote = self._remote, address
        if address is not None:
            self.log(lsp.MessageType.Info, f"TinyCoder: {served_by(address)}")
        elif before is not None:
            self.log(lsp.MessageType.Info, "TinyCoder: Ghost text is written here again, and no code is sent.")
        if self._sent is not None:
            self._send()

    def say_once(self, level: lsp.MessageType, message: str) -> None:
        """Pop up a message unless it has popped up before."""
        if self.is_new(message):
            self.say(level, message)

    def say(self, level: lsp.MessageType, message: str) -> None:
        """Pop up a message."""
        self._editor.window_show_message(lsp.ShowMessageParams(type=level, message=message))

    def warn_of(self, problems: Iterable[str]) -> None:
        """A line in the logs for each of the problems, unless it was written before."""
        for message in (f"TinyCoder: {problem}." for problem in problems):
            if self.is_new(message):
                self.log(lsp.MessageType.Warning, message)

    def is_new(self, message: str) -> bool:
        """Whether nobody was told this before."""
        if message in self._said:
            return False
        if len(self._said) >= MAX_SAID:
            self._said.clear()
        self._said.add(message)
        return True

    def fail_once(self, what: str, fault: BaseException) -> None:
        """Say that an unexpected fault has ended some work, which begins anew.

        That is a line in the log for each line of code where it happens, and a message for each kind of fault.
        """
        if self.is_new(f"{what}: {cause(fault)}"):
            self.log(lsp.MessageType.Error, f"TinyCoder: {what} ended: {cause(fault)}")
        name = type(fault).__name__
        self.say_once(lsp.MessageType.Error, f"TinyCoder: {what} failed ({name}) and begins anew; the log says where.")

    def log(self, level: lsp.MessageType, message: str) -> None:
        """A line in our log and in the editor's."""
        logger.log({1: logging.ERROR, 2: logging.WARNING}.get(level, logging.INFO), "%s", message)
        self._editor.window_log_message(lsp.LogMessageParams(type=level, message=message))

    def _send(self) -> None:
        status, training = self._status, self._training
        snoozes = status.state == "ready" and self._snooze > 0
        message = snoozing(self._snooze) if snoozes else status.message
        remote = self._remote if status.state in ("ready", "loading") else None
        message += f" {served_by(remote)}" if remote is not None else ""
        values: dict[str, object] = {
            "busy": status.state == "loading" or training is not None,
            "message": message if training is None else training[1],
            "kind": "Inactive" if snoozes else _KINDS[status.state],
            "state": status.state if training is None else "training",
            "model": status.model,
            "training": None if training is None else training[0],
            "snooze": self._snooze or None,
            "remote": None if remote is None or remote.is_here else remote.where,
        }
        if values != self._sent:
            self._sent = values
            self._editor.protocol.notify("didChangeStatus", values)
