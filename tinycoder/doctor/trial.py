"""One short conversation with a language server process, to see that it works, and how fast. No process is left."""

import contextlib
import json
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
    n_names: int
    kind: str
    message: str


class _Conversation:
    """Messages to and from one process, which is killed at a deadline."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes], timeout_s: float) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._log, self._timeout_s, self._late = log, timeout_s, False
        self._last_id = 0
        self._deadline = threading.Timer(timeout_s, self._give_up)
        self._deadline.start()

    def tell(self, method: str, params: Any = None) -> None:
        self._send({"method": method, "params": params}, method)

    def ask(self, method: str, params: Any = None) -> Any:
        """The result of a request."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params}, method)
        answer = self.wait(method, lambda message: message.get("id") == self._last_id and "method" not in message)
        if "error" in answer:
            raise TinyCoderError(f"it refuses {method} ({answer['error'].get('message')})")
        return answer.get("result")

    def wait(self, what: str, wanted: Callable[[_Message], bool]) -> _Message:
        """The next message that is wanted; what comes before it is answered with nothing, or dropped."""
        with contextlib.suppress(ValueError):  # what is no message
            while message := _next_message(self._stdout):
                if wanted(message):
                    return message
                if "id" in message and "method" in message:
                    self._send({"id": message["id"], "result": None}, what)
        raise self._failure(what)

    def end(self) -> None:
        """Wait until the process is gone."""
        self._process.wait()
        if self._late:
            raise TinyCoderError("it does not end when it is told to")

    def close(self) -> None:
        """Kill the process, if it is still there."""
        self._deadline.cancel()
        self._process.kill()
        with contextlib.suppress(OSError):  # what was not sent yet is of no use
            self._stdin.close()

    def _send(self, message: _Message, what: str) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self._stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._stdin.flush()
        except OSError:  # its end of the pipe is closed
            raise self._failure(what) from None

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()

    def _failure(self, what: str) -> TinyCoderError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILLED_S)
        if self._late:
            return TinyCoderError(f"no {what} within {self._timeout_s:.0f} s")
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace").strip().splitlines()
        reason = said[-1].strip() if said else f"exit code {self._process.poll()}"
        return TinyCoderError(f"it ended by itself ({reason})")


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
        answer = server.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        answered = time.monotonic()
        server.ask("shutdown")
        server.tell("exit")
        server.end()
    names = answer.get("items", []) if isinstance(answer, dict) else answer or []
    return Trial(
        ready_s=ready - started,
        answer_s=answered - ready,
        n_names=len(names),
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
            raise TinyCoderError(f"it cannot be started ({error.strerror})") from None
        with process, contextlib.closing(_Conversation(process, log, timeout_s)) as server:
            yield server


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
