"""The editor's side of the benchmarks: JSON-RPC with one language server, and a document that is being typed.

Standard library only. Memory and processor time of the server are read from Linux' /proc. What an editor shows of an
answer is in replies.py.
"""

from __future__ import annotations

import bisect
import contextlib
import json
import os
import queue
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

POPUP, INLINE = "textDocument/completion", "textDocument/inlineCompletion"
PROVIDERS = {"completionProvider": POPUP, "inlineCompletionProvider": INLINE}
SAMPLE_S = 0.1  # between two looks at the memory
INITIALIZE_S = 120.0
STOP_S = 5.0
CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {"configuration": True, "workspaceFolders": True, "didChangeConfiguration": {}},
    "textDocument": {
        "synchronization": {"didSave": True},
        "publishDiagnostics": {},
        "completion": {
            "contextSupport": True,
            "completionItem": {
                "snippetSupport": False,
                "preselectSupport": True,
                "documentationFormat": ["plaintext"],
                "resolveSupport": {"properties": ["documentation", "detail", "additionalTextEdits"]},
            },
            "completionList": {"itemDefaults": ["editRange", "insertTextFormat", "data"]},
        },
        "inlineCompletion": {"dynamicRegistration": True},
    },
}


class Server:
    """A language server's process and the conversation with it.

    ``provides`` holds the methods that it offers, ``sync`` how it wants changes (1 whole, 2 in pieces), ``triggers``
    the characters after which a list opens, ``resolves`` whether it completes a row when it is selected, ``failures``
    the requests without an answer, and ``peak`` the most memory that its process tree held, in bytes.
    """

    def __init__(
        self, command: str, folder: Path, settings: Mapping[str, Any], timeout: float, log: IO[bytes] | None = None
    ) -> None:
        """Start it in ``folder``; ``settings`` answer workspace/configuration, ``timeout`` is seconds for an answer."""
        self.settings, self.timeout = settings, timeout
        self.provides: set[str] = set()
        self.triggers: list[str] = []
        self.failures = {"error": 0, "timeout": 0}
        self.sync, self.n_requests, self.peak, self.resolves = 1, 0, 0, False
        self._replies: dict[int, queue.SimpleQueue[tuple[dict[str, Any], float]]] = {}
        self._writing = threading.Lock()
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            shlex.split(command),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log or subprocess.DEVNULL,
        )
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in (self._read, self._watch)]
        for thread in self._threads:
            thread.start()

    def initialize(self, root: Path, options: object = None) -> tuple[dict[str, Any], float]:
        """Open the workspace: what the server says of itself, and the seconds it took."""
        patience, self.timeout = self.timeout, INITIALIZE_S
        [(result, seconds)] = self.ask(
            (
                "initialize",
                {
                    "processId": os.getpid(),
                    "rootUri": root.as_uri(),
                    "rootPath": str(root),
                    "capabilities": CAPABILITIES,
                    "clientInfo": {"name": "lspbench"},
                    "initializationOptions": options,
                    "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
                },
            )
        )
        self.timeout = patience
        if result is None:
            raise SystemExit("the server did not initialize; see what it says on its standard error")
        abilities = result["capabilities"]
        for key, method in PROVIDERS.items():
            if abilities.get(key) not in (None, False):
                self._provide(method, abilities[key])
        self.resolves = bool((abilities.get("completionProvider") or {}).get("resolveProvider"))
        sync = abilities.get("textDocumentSync")
        self.sync = sync.get("change", 0) if isinstance(sync, dict) else sync or 0
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": self.settings})
        return result.get("serverInfo") or {}, seconds

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def ask(self, *requests: tuple[str, object]) -> list[tuple[Any, float]]:
        """Send requests, (method, parameters) each, all at once: results, and seconds until each answer.

        The result of a request that fails or is not answered in time is None. Ends the program if the server ended.
        """
        sent = []
        for method, params in requests:
            self.n_requests += 1
            self._replies[self.n_requests] = queue.SimpleQueue()
            sent.append((self.n_requests, time.perf_counter()))
            self._send({"id": self.n_requests, "method": method, "params": params})
        answers = []
        for number, start in sent:
            try:
                message, arrived = self._replies[number].get(timeout=self.timeout)
                self.failures["error"] += "error" in message
            except queue.Empty:
                if self.process.poll() is not None:
                    raise SystemExit(f"the server ended with code {self.process.poll()}") from None
                message, arrived = {}, time.perf_counter()
                self.failures["timeout"] += 1
                self.notify("$/cancelRequest", {"id": number})
            del self._replies[number]
            answers.append((message.get("result"), arrived - start))
        return answers

    def cpu_seconds(self) -> float:
        """User and system time of the process tree, and of its children that ended."""
        return sum(sum(map(int, fields[11:15])) for fields in self._tree("stat")) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it in order, or by force if it does not go."""
        self.timeout = STOP_S
        try:
            self.ask(("shutdown", None))
            self.notify("exit", None)
            self.process.wait(STOP_S)
        except (OSError, SystemExit, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(STOP_S)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            if not self._threads[0].is_alive():  # else a child of the server holds its output, and closing would wait
                with contextlib.suppress(OSError):
                    stream.close()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = self.process.stdin
        assert stream is not None
        with self._writing:
            stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            stream.flush()

    def _read(self) -> None:
        """Take messages until the server closes its output."""
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while (header := stream.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not header:
                return
            body = stream.read(length)
            arrived = time.perf_counter()
            message = json.loads(body)
            if "method" not in message:
                if message.get("id") in self._replies:
                    self._replies[message["id"]].put((message, arrived))
            elif "id" in message:
                self._send({"id": message["id"], "result": self._answer(message["method"], message.get("params"))})

    def _answer(self, method: str, params: Any) -> object:
        """What an editor replies to a request of the server."""
        if method == "workspace/configuration":
            return [self._setting(item.get("section")) for item in params["items"]]
        if method == "client/registerCapability":
            for registration in params["registrations"]:
                self._provide(registration["method"], registration.get("registerOptions"))
        return None

    def _setting(self, section: str | None) -> object:
        value: Any = self.settings
        for part in (section or "").split("."):
            value = value.get(part) if part and isinstance(value, Mapping) else value
        return value

    def _provide(self, method: str, options: object) -> None:
        if method in PROVIDERS.values():
            self.provides.add(method)
            self.triggers += options.get("triggerCharacters") or [] if isinstance(options, dict) else []

    def _watch(self) -> None:
        """Look at the resident memory of the process tree from time to time, and keep the most."""
        page = os.sysconf("SC_PAGE_SIZE")
        while self.process.poll() is None:
            self.peak = max(self.peak, sum(page * int(fields[1]) for fields in self._tree("statm")))
            time.sleep(SAMPLE_S)

    def _tree(self, name: str) -> list[list[str]]:
        """The fields of /proc/PID/NAME of the server and of all that it started."""
        pids, rows = [str(self.process.pid)], []
        while pids:
            folder = Path("/proc", pids.pop())
            try:
                rows.append((folder / name).read_text().rpartition(")")[2].split())
                for thread in (folder / "task").iterdir():
                    pids += (thread / "children").read_text().split()
            except OSError:  # it ended meanwhile
                continue
        return rows


class Document:
    """A file being typed of which the whole text, ``truth``, is known: the buffer is truth[:lo] + truth[hi:]."""

    def __init__(self, server: Server, path: str, uri: str, truth: str, rest: bool) -> None:
        """With ``rest`` the lines below the cursor are in the buffer, else it ends at the cursor."""
        self.server, self.path, self.uri, self.truth, self.rest = server, path, uri, truth, rest
        self.starts = [0] + [match.end() for match in re.finditer("\n", truth)]
        self.lo = self.hi = self.version = 0

    def line_of(self, offset: int) -> int:
        """Number of the line, from 0."""
        return bisect.bisect_right(self.starts, offset) - 1

    def line_end(self, offset: int) -> int:
        """Offset of the line's end, before its line break."""
        end = self.truth.find("\n", offset)
        return len(self.truth) if end < 0 else end

    def position(self, offset: int) -> dict[str, int]:
        """LSP's position, in UTF-16."""
        line = self.line_of(offset)
        return {"line": line, "character": utf16(self.truth[self.starts[line] : offset])}

    def open(self, offset: int) -> None:
        """Open the file with the cursor at ``offset``."""
        self.lo, self.hi = offset, self.line_end(offset) if self.rest else len(self.truth)
        text = self.truth[: self.lo] + self.truth[self.hi :]
        item = {"uri": self.uri, "languageId": "python", "version": 0, "text": text}
        self.server.notify("textDocument/didOpen", {"textDocument": item})

    def close(self) -> None:
        """Close it."""
        self.server.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})

    def goto(self, lo: int, hi: int | None = None) -> None:
        """Type, or jump, until the text before the cursor is truth[:lo]; what lies before ``hi`` is not there yet."""
        hi = max(lo, hi or self.line_end(lo)) if self.rest else len(self.truth)
        if (lo, hi) == (self.lo, self.hi):
            return
        left, right = min(lo, self.lo), max(hi, self.hi)
        start, old = self.position(left), self.truth[left : self.lo] + self.truth[self.hi : right]
        n_lines = old.count("\n")
        character = utf16(old.rpartition("\n")[2]) + (0 if n_lines else start["character"])
        span = {"start": start, "end": {"line": start["line"] + n_lines, "character": character}}
        change: dict[str, Any] = {"range": span, "text": self.truth[left:lo] + self.truth[hi:right]}
        if self.server.sync != 2:
            change = {"text": self.truth[:lo] + self.truth[hi:]}
        self.lo, self.hi, self.version = lo, hi, self.version + 1
        identity = {"uri": self.uri, "version": self.version}
        self.server.notify("textDocument/didChange", {"textDocument": identity, "contentChanges": [change]})

    def request(self, method: str) -> tuple[str, dict[str, Any]]:
        """A request for the list or the ghost text at the cursor, as an editor makes it."""
        return method, {
            "textDocument": {"uri": self.uri},
            "position": self.position(self.lo),
            "context": context(self.server, method, self.truth[self.lo - 1 : self.lo]),
        }


def context(server: Server, method: str, before: str) -> dict[str, Any]:
    """Why an editor asks, by the character before the cursor."""
    if method == POPUP and before in server.triggers:
        return {"triggerKind": 2, "triggerCharacter": before}
    return {"triggerKind": 2 if method == INLINE else 1}


def utf16(text: str) -> int:
    """Length in UTF-16 code units, which LSP counts in."""
    return len(text.encode("utf-16-le")) // 2
