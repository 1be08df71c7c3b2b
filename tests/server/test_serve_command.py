"""`tinycoder serve` as an editor or a person starts it."""

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import serve_command

PATIENCE = 60.0


@pytest.fixture
def copied_home(home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(home, tmp_path / "home"))


def test_the_log_goes_to_a_file(start: Any, home: Path, tmp_path: Path) -> None:
    log = tmp_path / "new" / "server.log"
    client = start(command=serve_command(home, "--log-file", str(log), "--log-level", "info"))
    client.initialize()
    assert client.leave() == 0
    assert "TinyCoder completes with the model counter" in log.read_text(encoding="utf-8")
    assert client.log() == ""


def test_a_log_file_that_cannot_be_written_is_one_sentence(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    options = ["--log-file", str(tmp_path / "file" / "server.log")]
    done = subprocess.run(
        serve_command(home, *options), input="", capture_output=True, timeout=PATIENCE, text=True, check=False
    )
    assert done.returncode == 1
    assert "--log-file" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("level", ["info", "debug"])
def test_the_log_holds_no_code(start: Any, home: Path, level: str) -> None:
    client = start(command=serve_command(home, "--log-level", level))
    client.initialize()
    uri = client.open("password = 'hunter2'\npass")
    client.popup(uri, 1, 4)
    client.ghost(uri, 1, 4)
    client.send(client.change(uri, client.edit(1, 4, 4, "_hunter2")))
    client.popup(uri, 1, 12)
    assert client.leave() == 0
    assert "hunter2" not in client.log()


def test_a_workspace_uses_its_own_model(start: Any, copied_home: Path, tmp_path: Path) -> None:
    from tinycoder.storage.models import workspace_model_name

    workspace = tmp_path / "project"
    workspace.mkdir()
    name = workspace_model_name(workspace)
    (copied_home / "models" / "counter").rename(copied_home / "models" / name)
    client = start(command=serve_command(copied_home, model=None))
    client.initialize(rootUri=workspace.as_uri())
    message = client.notice("didChangeStatus", busy=False)["message"]
    assert message == f"TinyCoder completes with the model {name}."


def test_a_damaged_model_is_a_status_and_no_answers(start: Any, copied_home: Path) -> None:
    weights = copied_home / "models" / "counter" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    client = start(command=serve_command(copied_home))
    client.initialize()
    status = client.notice("didChangeStatus", busy=False)
    assert status["kind"] == "Error"
    assert "model.safetensors" in status["message"]
    uri = client.open("class Cou")
    for _ in range(3):
        assert client.popup(uri, 0, 9) == client.ghost(uri, 0, 9) == []
    assert len(client.shown_messages()) == 1
    assert client.leave() == 0
    assert "Traceback" not in client.log()


def test_a_model_that_does_not_exist_is_a_status(start: Any, home: Path) -> None:
    client = start(command=serve_command(home, model="nobody"))
    client.initialize()
    status = client.notice("didChangeStatus", busy=False)
    assert status["kind"] == "Error"
    assert "nobody" in status["message"]
    assert "counter" in status["message"]


@pytest.fixture
def tcp_server(home: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server on a free port, and that port."""
    with (tmp_path / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(serve_command(home, "--tcp"), stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        waited = threading.Event()
        for _ in range(int(PATIENCE / 0.02)):
            if found := re.search(r"listening at 127\.0\.0\.1:(\d+)", (tmp_path / "stderr.txt").read_text()):
                yield process, int(found.group(1))
                return
            waited.wait(0.02)
        raise AssertionError((tmp_path / "stderr.txt").read_text())
    finally:
        process.kill()
        process.wait(PATIENCE)


@contextmanager
def connected(port: int) -> Iterator[Any]:
    with (
        closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as connection,
        closing(connection.makefile("rwb")) as stream,
    ):
        yield stream


def exchange(stream: Any, *messages: dict[str, Any]) -> None:
    for message in messages:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    stream.flush()


def read_answer(stream: Any, number: int) -> dict[str, Any]:
    while True:
        length = 0
        while (header := stream.readline()) != b"\r\n":
            assert header, "the server hung up"
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        message: dict[str, Any] = json.loads(stream.read(length))
        if message.get("id") == number:
            return message


INITIALIZE = {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}


def test_over_tcp(tcp_server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = tcp_server
    with connected(port) as stream:
        exchange(stream, INITIALIZE)
        assert "capabilities" in read_answer(stream, 1)["result"]
        exchange(stream, {"method": "initialized", "params": {}}, {"id": 2, "method": "shutdown"})
        assert read_answer(stream, 2)["result"] is None
        exchange(stream, {"method": "exit"})
        assert process.wait(PATIENCE) == 0


def test_a_client_that_hangs_up_ends_the_tcp_server(tcp_server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = tcp_server
    with connected(port) as stream:
        exchange(stream, INITIALIZE)
        read_answer(stream, 1)
    assert process.wait(PATIENCE) == 1


def test_a_port_that_is_taken_is_one_sentence(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            serve_command(home, "--tcp", "--port", port), capture_output=True, timeout=PATIENCE, text=True, check=False
        )
    assert done.returncode == 1
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
