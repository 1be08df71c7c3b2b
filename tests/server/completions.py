"""A small server on this machine that answers, or fails, as servers for completions do."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Completions(ThreadingHTTPServer):
    """Answers with ``text``, or by its ``mode``; keeps what it was sent in ``asked`` and the headers in ``headers``.

    silent: never. slow: after 2 s. nonsense, half: a text that is no JSON, half of one. huge: for ever. cut: breaks
    off. picky: 400 for a suffix. pickier: also for probabilities. A number is a status.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode, self.text = "well", "_served"
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.came, self.closed, self.ends = threading.Semaphore(0), threading.Semaphore(0), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Completions
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server.asked.append(body)
        server.paths.append(self.path)
        server.headers.append({name.lower(): value for name, value in self.headers.items()})
        server.came.release()
        mode = server.mode
        if mode in ("silent", "slow"):
            self.connection.settimeout(2.0 if mode == "slow" else 30.0)
            with contextlib.suppress(TimeoutError):
                if self.rfile.read(1) == b"":  # the other side has hung up
                    server.closed.release()
                    self.close_connection = True
                    return
        if mode.isdigit():
            self._send(json.dumps({"error": {"message": f"I saw {json.dumps(body)}"}}).encode(), int(mode))
        elif mode in ("picky", "pickier") and ("suffix" in body or (mode == "pickier" and "logprobs" in body)):
            self._send(b'{"error": "Unsupported param: suffix"}', 400)
        elif mode == "nonsense":
            self._send(b"<html>It works!</html>")
        elif mode == "half":
            self._send(b'{"choices": [{"text": "_ser')
        elif mode == "cut":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [{"te')
            self.close_connection = True
        elif mode == "huge":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not server.ends.is_set():
                    self.wfile.write(b" " * 65_536)
            self.close_connection = True
        else:
            self._send(json.dumps({"choices": [{"text": server.text, "finish_reason": "stop"}]}).encode())

    def _send(self, body: bytes, status: int = 200) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def completions() -> Iterator[Completions]:
    """One that listens until the end of the block."""
    server = Completions()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ends.set()
        server.shutdown()
        server.server_close()
        thread.join()
