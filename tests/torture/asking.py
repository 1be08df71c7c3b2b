"""An editor as far as the checks of data need one: a server over stdio, one question after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENT = {"inline": {"deadlineMs": 60_000}, "popup": {"deadlineMs": 60_000}}


class Client:
    """A server process. ``said`` is all that it has sent; what it logs goes to ``log`` and to standard error."""

    def __init__(self, home: Path, scratch: Path, *options: str) -> None:
        self.said: list[bytes] = []
        self.log, self.stderr = scratch / "log.txt", scratch / "stderr.txt"
        command = [sys.executable, "-m", "tinycoder", "--home", str(home), "serve", "--stdio", *options]
        with self.stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*command, "--log-file", str(self.log), "--log-level", "debug"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=scratch,
            )
        self._last = 0

    def start(self, folder: Path, **settings: Any) -> None:
        """Open a folder, and wait until there is a model."""
        options = {**PATIENT, **settings}
        about = {"processId": None, "rootUri": folder.as_uri(), "initializationOptions": options}
        about["capabilities"] = {"window": {"workDoneProgress": True}}
        self.ask("initialize", about)
        self.notify("initialized", {})
        self.until("didChangeStatus", busy=False)

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any = None) -> Any:
        """The result of a request; an error comes as ``{"error": ...}``."""
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" not in message and message.get("id") == self._last:
                return message["result"] if "result" in message else {"error": message["error"]}

    def until(self, method: str, **expected: Any) -> None:
        """Wait for a notification with these parameters."""
        while True:
            message = self._receive()
            params = message.get("params") or {}
            if message.get("method") == method and all(params.get(key) == value for key, value in expected.items()):
                return

    def until_indexed(self) -> None:
        """Wait until the bar of progress is gone."""
        while (self._receive().get("params") or {}).get("value", {}).get("kind") != "end":
            pass

    def open(self, uri: str, text: str) -> None:
        """Open a document."""
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, text: str) -> None:
        """Say what an open document is now."""
        document = {"uri": uri, "version": 2}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def offers(self, uri: str, line: int, character: int) -> None:
        """Ask for ghost text, for a popup, and what there is to say of the popup's first word."""
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        self.ask("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 2}})
        items = self.ask("textDocument/completion", place)["items"]
        if items:
            self.ask("completionItem/resolve", items[0])

    def end(self) -> None:
        """Shut down properly, or by force."""
        try:
            self.ask("shutdown")
            self.notify("exit", None)
            self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.communicate()

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (header := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise EOFError(f"the server has ended: {self.stderr.read_text(errors='replace')[-2000:]}")
        body = self.process.stdout.read(length)
        self.said.append(body)
        message: dict[str, Any] = json.loads(body)
        if "method" in message and "id" in message:
            n = len(message["params"]["items"]) if message["method"] == "workspace/configuration" else 0
            self._send({"id": message["id"], "result": [None] * n or None})
        return message
