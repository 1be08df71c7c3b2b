"""A language server process, the conversation with it over stdio, and what it costs.

Linux only: what the server costs is read from /proc.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from judge import Exchange

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {"configuration": False, "workspaceFolders": True},
    "textDocument": {
        "completion": {"contextSupport": True, "completionItem": {"resolveSupport": {"properties": ["documentation"]}}},
        "inlineCompletion": {"dynamicRegistration": True},
    },
}


class Server:
    """A language server process, the conversation with it, and what it costs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.exchanges: list[Exchange] = []
        self.start = time.perf_counter()
        self.progress: dict[str, bool] = {}  # by title; whether it has ended
        self.busy: bool | None = None
        self._titles: dict[object, str] = {}
        self._waiting: dict[int, tuple[Exchange, asyncio.Future[Any]]] = {}
        self._n = 0
        self._reader = asyncio.get_running_loop().create_task(self._read())

    @classmethod
    async def launch(cls, command: Sequence[str], folder: Path, log: Path) -> Server:
        """Start the command in ``folder``, which should hold no code; what it says on stderr goes to ``log``."""
        with log.open("wb") as stderr:
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *command, cwd=folder, stdin=pipe, stdout=pipe, stderr=stderr, limit=1 << 24
            )
        return cls(process)

    def now(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def request(self, method: str, params: object) -> tuple[int, asyncio.Future[Any]]:
        """Send a request; its number, and the result that will be there, ``None`` for an error."""
        self._n += 1
        exchange = Exchange(method=method, at=self.now())
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.exchanges.append(exchange)
        self._waiting[self._n] = exchange, future
        self._send({"id": self._n, "method": method, "params": params})
        return self._n, future

    def cancel(self, number: int) -> bool:
        """Say that a request is not waited for any more; whether there still was one."""
        waiting = self._waiting.get(number)
        if waiting is None or waiting[0].cancelled is not None:
            return False
        waiting[0].cancelled = self.now()
        self.notify("$/cancelRequest", {"id": number})
        return True

    def in_flight(self) -> dict[str, int]:
        """Requests without an answer by method, those that were cancelled too."""
        methods = [exchange.method for exchange, _ in self._waiting.values()]
        return {method: methods.count(method) for method in set(methods)}

    async def initialize(self, folder: Path, options: Mapping[str, object]) -> None:
        """Begin the session in ``folder``."""
        uri = folder.as_uri()
        params = {
            "processId": os.getpid(),
            "rootUri": uri,
            "capabilities": CAPABILITIES,
            "initializationOptions": options,
            "workspaceFolders": [{"uri": uri, "name": folder.name}],
        }
        await self.request("initialize", params)[1]
        self.notify("initialized", {})

    async def settle(self, *, quiet_s: float = 3.0, patience_s: float = 120.0) -> None:
        """Wait until the model is loaded and the folder indexed, and nothing more has begun for a while."""
        end, calm = self.now() + patience_s, self.now()
        while self.now() < end and self.now() - calm < quiet_s:
            if self.busy is not False or not all(self.progress.values()):
                calm = self.now()
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Shut down, whatever happened."""
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            await asyncio.wait_for(self.request("shutdown", None)[1], 10)
            self.notify("exit", None)
            await asyncio.wait_for(self.process.wait(), 10)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self._reader

    def cpu_seconds(self) -> float:
        """Time on any core so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def wake_ups(self) -> dict[str, int]:
        """How often each of its threads has begun to run after a wait."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended meanwhile
                status = (task / "status").read_text()
                found[task.name] = int(re.findall(r"\nvoluntary_ctxt_switches:\s+(\d+)", status)[0])
        return found

    def resident_mb(self, name: str = "VmRSS") -> float:
        """Memory held now, or with "VmHWM" at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(rf"{name}:\s+(\d+)", status)[0]) / 1e3

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        assert self.process.stdout is not None
        stream = self.process.stdout
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                header = await stream.readuntil(b"\r\n\r\n")
                body = await stream.readexactly(int(re.findall(rb"(?i)content-length: *(\d+)", header)[0]))
                self._take(json.loads(body))
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the server hung up"))

    def _take(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params")
        if method is None:
            exchange, future = self._waiting.pop(message["id"])
            result = message.get("result")
            exchange.answered = self.now()
            exchange.n_items = -1 if "error" in message else len((result or {}).get("items", ()))
            if not future.done():
                future.set_result(result)
        elif "id" in message:
            self._send({"id": message["id"], "result": None})
        elif method == "didChangeStatus":
            self.busy = params["busy"]
        elif method == "$/progress":
            value = params["value"]
            title = self._titles.setdefault(params["token"], value.get("title", ""))
            self.progress[title] = value["kind"] == "end"
