"""A client that speaks raw JSON-RPC to a server process, so that it can also misbehave."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 30.0  # seconds; nothing here takes one
SOON = 0.01  # seconds between two questions of the same thing
PATIENT = {"inline": {"deadlineMs": 60_000}, "popup": {"deadlineMs": 60_000}}


class RawClient:
    """One server process and the conversation with it. Every wait is bounded.

    With ``reads=False`` nobody reads what the server says.
    """

    def __init__(
        self, command: list[str], log: Path, configuration: Any = None, reads: bool = True, **options: Any
    ) -> None:
        self.configuration = configuration
        self.notices: list[dict[str, Any]] = []
        self.complaints: list[dict[str, Any]] = []  # errors about what was no message, and so has no id
        self.asked: list[dict[str, Any]] = []
        self._answers: dict[Any, dict[str, Any]] = {}
        self._arrived = threading.Condition()
        self._last_id = 0
        self._log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, **options
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        if reads:
            self._reader.start()

    # Sending.

    def raw(self, *bodies: bytes) -> None:
        """Send messages in a single write."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies))
        self.process.stdin.flush()

    def send(self, *messages: dict[str, Any]) -> None:
        self.raw(*(json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages))

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def request(self, method: str, params: Any = None) -> int:
        self._last_id += 1
        self.send({"id": self._last_id, "method": method, "params": params})
        return self._last_id

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    # Waiting.

    def answer(self, number: Any) -> dict[str, Any]:
        """The answer to a request, with its result or error."""
        return self._wait(lambda: self._answers.get(number), f"the answer to request {number}")

    def ask(self, method: str, params: Any = None) -> Any:
        """The result of a request."""
        answer = self.answer(self.request(method, params))
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def error(self, method: str, params: Any = None) -> dict[str, Any]:
        """The error of a request that must fail."""
        answer = self.answer(self.request(method, params))
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error

    def notice(self, method: str, **expected: Any) -> dict[str, Any]:
        """The first notification with these parameters, whether it has come or is still to come."""

        def find() -> dict[str, Any] | None:
            for message in self.notices:
                params = message.get("params") or {}
                if message["method"] == method and all(params.get(key) == value for key, value in expected.items()):
                    return dict(params)
            return None

        return self._wait(find, f"{method} {expected}")

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def _wait(self, find: Callable[[], Any], what: str) -> Any:
        with self._arrived:
            found = self._arrived.wait_for(lambda: find() or not self._reader.is_alive(), PATIENCE)
            answer = find()
        assert answer, f"no {what}; the server {'hung up' if found else 'says nothing'}.\n{self.log()}"
        return answer

    # What an editor does.

    def initialize(self, capabilities: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Start the session and wait until the server has its model, or knows that there is none.

        No deadline helps anybody out, unless ``initializationOptions`` say else.
        """
        result = self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": capabilities or {},
                "initializationOptions": PATIENT,
                **params,
            },
        )
        self.notify("initialized", {})
        self.notice("didChangeStatus", busy=False)
        assert isinstance(result, dict)
        return result

    def open(self, text: str, uri: str = "file:///somewhere/a.py", language: str = "python") -> str:
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def position(self, uri: str, line: int, character: int) -> dict[str, Any]:
        """The parameters of either kind of request, as if the person had asked for it."""
        position = {"line": line, "character": character}
        return {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}}

    def popup(self, uri: str, line: int, character: int) -> list[dict[str, Any]]:
        result = self.ask("textDocument/completion", self.position(uri, line, character))
        items: list[dict[str, Any]] = result["items"]
        return items

    def ghost(self, uri: str, line: int, character: int, **context: Any) -> list[dict[str, Any]]:
        params = self.position(uri, line, character) | {"context": {"triggerKind": 2, **context}}
        items: list[dict[str, Any]] = self.ask("textDocument/inlineCompletion", params)["items"]
        return items

    def told(self, uri: str = "file:///somewhere/told.py", language: str = "python") -> dict[str, Any]:
        """What the stub of the engine was told until now."""
        self.open("# told\n", uri, language)
        answer: dict[str, Any] = json.loads(self.popup(uri, 1, 0)[0]["detail"])
        return answer

    def until(self, find: Callable[[], Any]) -> Any:
        """Ask again, after each message of the server's or soon, until there is an answer."""
        end = time.monotonic() + PATIENCE
        while not (answer := find()):
            assert time.monotonic() < end, self.log()
            with self._arrived:
                self._arrived.wait(SOON)
        return answer

    def configure(self, **settings: Any) -> None:
        self.notify("workspace/didChangeConfiguration", {"settings": {"tinycoder": settings}})

    def command(self, name: str, *arguments: Any) -> dict[str, Any]:
        """The answer to a command of ours, with its result or error."""
        params = {"command": f"tinycoder.{name}", "arguments": list(arguments)}
        return self.answer(self.request("workspace/executeCommand", params))

    def accept(self, item: dict[str, Any]) -> None:
        """Run the command of an item, as editors do when it was accepted."""
        params = {"command": item["command"]["command"], "arguments": item["command"]["arguments"]}
        assert self.ask("workspace/executeCommand", params) is None

    def change_folders(self, *, added: Sequence[dict[str, str]] = (), removed: Sequence[dict[str, str]] = ()) -> None:
        event = {"added": list(added), "removed": list(removed)}
        self.notify("workspace/didChangeWorkspaceFolders", {"event": event})

    def shown_messages(self) -> list[dict[str, Any]]:
        """What has popped up."""
        return [message["params"] for message in self.notices if message["method"] == "window/showMessage"]

    @staticmethod
    def change(uri: str, *changes: dict[str, Any], version: int = 2) -> dict[str, Any]:
        """A `didChange`, to be sent."""
        document = {"uri": uri, "version": version}
        return {
            "method": "textDocument/didChange",
            "params": {"textDocument": document, "contentChanges": list(changes)},
        }

    @staticmethod
    def edit(line: int, start: int, end: int, text: str) -> dict[str, Any]:
        """A change within one line."""
        span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
        return {"range": span, "text": text}

    def leave(self) -> int:
        """Shut down properly; the exit code."""
        self.ask_null("shutdown")
        self.notify("exit", None)
        return self.process.wait(PATIENCE)

    def ask_null(self, method: str) -> None:
        assert self.answer(self.request(method))["result"] is None

    def end(self) -> None:
        """Whatever happened, leave no process and no handle behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        if self._reader.ident is not None:
            self._reader.join(PATIENCE)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        stream = self.process.stdout
        while True:
            length = 0
            while (header := stream.readline()) not in (b"\r\n", b""):
                name, colon, value = header.partition(b":")
                assert colon, f"stdout holds something that is not LSP: {header!r}"
                if name.lower() == b"content-length":
                    length = int(value)
            if not header:
                break
            message = json.loads(stream.read(length))
            with self._arrived:
                if "method" not in message and message["id"] is None:
                    self.complaints.append(message["error"])
                elif "method" not in message:
                    self._keep(message)
                elif "id" in message:
                    self.asked.append(message)
                    self._reply(message)
                else:
                    self.notices.append(message)
                self._arrived.notify_all()
        with self._arrived:
            self._arrived.notify_all()

    def _keep(self, message: dict[str, Any]) -> None:
        assert message["id"] not in self._answers, f"answered twice: {message}"
        self._answers[message["id"]] = message

    def _reply(self, message: dict[str, Any]) -> None:
        result = None
        if message["method"] == "workspace/configuration":
            if self.configuration is ...:
                return  # some editors never answer
            result = [self.configuration for _ in message["params"]["items"]]
        self.send({"id": message["id"], "result": result})
