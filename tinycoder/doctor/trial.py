"""One short conversation with a language server process, to see that it works, and how fast. No process is left."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tinycoder.errors import TinyCoderError

TEXT = "import os\n\n\ndef joined(first, second):\n    return os.pa"
QUIET = {  # a trial leaves no trace
    "memory": {"enable": False},
    "statistics": {"enable": False},
    "popup": {"deadlineMs": 10_000},
}
KILLED_S = 5.0

_Message = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The outcome: seconds until the server was ready and until it answered, and what it said of itself."""

    ready_s: float
    answer_s: float
    n_words: int
    kind: str
    message: str


class StepError(TinyCoderError):
    """The server ended, was silent, or said no."""


class _Conversation:
    """Messages to and from one process, until a deadline."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes], timeout_s: float) -> None:
        self._process, self._log, self._timeout_s = process, log, timeout_s
        self._ends = time.monotonic() + timeout_s
        self._messages: queue.Queue[_Message | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self._last_id = 0

    def tell(self, method: str, params: Any = None) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any = None) -> Any:
        """The result of a request."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        answer = self.wait(method, lambda message: message.get("id") == self._last_id and "method" not in message)
        if "error" in answer:
            raise StepError(f"it refuses {method} ({answer['error'].get('message')})")
        return answer.get("result")

    def wait(self, what: str, wanted: Callable[[_Message], bool]) -> _Message:
        """The next message that is wanted; what comes before it is answered with nothing, or dropped."""
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, self._ends - time.monotonic()))
            except queue.Empty:
                raise StepError(f"no {what} within {self._timeout_s:.0f} s") from None
            if message is None:
                raise self._ended()
            if wanted(message):
                return message
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": None})

    def end(self) -> None:
        """Wait until the process is gone."""
        try:
            self._process.wait(max(0.0, self._ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise StepError("it does not end when it is told to") from None

    def _send(self, message: _Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._process.stdin.flush()
        except OSError:  # its end of the pipe is closed
            raise self._ended() from None

    def _ended(self) -> StepError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILLED_S)
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return StepError(f"it ended by itself ({said[-1].strip() if said else f'exit code {self._process.poll()}'})")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):  # hung up in the middle, or wrote what is no message
            while message := _next_message(self._process.stdout):
                self._messages.put(message)
        self._messages.put(None)


def try_server(command: Sequence[str], *, folder: Path, cwd: Path, timeout_s: float) -> Trial:
    """Start a server for ``folder``, let it complete once, and end it.

    Raises ``TinyCoderError`` with the reason if any of that fails, or takes longer than ``timeout_s`` seconds in all.
    """
    started = time.monotonic()
    with _started(command, cwd, timeout_s) as server:
        params = {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}, "initializationOptions": QUIET}
        server.ask("initialize", params)
        server.tell("initialized", {})
        status = server.wait("word that it is ready", _is_settled)["params"]
        ready = time.monotonic()
        uri = (folder / "tinycoder_doctor.py").as_uri()  # a name alone: no such file is made
        document = {"uri": uri, "languageId": "python", "version": 1, "text": TEXT}
        server.tell("textDocument/didOpen", {"textDocument": document})
        line = TEXT.count("\n")
        position = {"line": line, "character": len(TEXT.split("\n")[line])}
        found = server.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        answered = time.monotonic()
        server.ask("shutdown")
        server.tell("exit")
        server.end()
    words = found.get("items", []) if isinstance(found, dict) else found or []
    return Trial(
        ready_s=ready - started,
        answer_s=answered - ready,
        n_words=len(words),
        kind=str(status.get("kind")),
        message=str(status.get("message")),
    )


def _is_settled(message: _Message) -> bool:
    return message.get("method") == "didChangeStatus" and message["params"].get("busy") is False


@contextlib.contextmanager
def _started(command: Sequence[str], cwd: Path, timeout_s: float) -> Iterator[_Conversation]:
    """A conversation with a new process, which is gone afterwards, whatever happened."""
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        except OSError as error:
            raise StepError(f"it cannot be started ({error.strerror})") from None
        server = _Conversation(process, log, timeout_s)
        try:
            yield server
        finally:
            process.kill()
            process.wait()
            server.reader.join(KILLED_S)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # what was not sent yet is of no use
                        stream.close()


def _next_message(stream: IO[bytes]) -> _Message | None:
    """Read one message; None at the end. Raises ``ValueError`` for anything else."""
    length = 0
    while (header := stream.readline()) not in (b"\r\n", b""):
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not header:
        return None
    message = json.loads(stream.read(length))
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return message
