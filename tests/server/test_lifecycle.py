"""From the first byte to the exit code."""

import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import serve_command

PATIENT = {"popup": {"deadlineMs": 60_000}}
INITIALIZE = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": PATIENT}


def test_importing_the_server_imports_no_model() -> None:
    code = "import sys, tinycoder_lsp.app; print({'numpy', 'tokenizers', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60, text=True)
    assert done.stdout.strip() == "set()"


def test_initialize_is_answered_before_a_model_is_loaded(start: Any, stub_home: Path) -> None:
    client = start(model="stuck")
    capabilities = client.ask("initialize", INITIALIZE)["capabilities"]
    assert client.notices == []
    client.notify("initialized", {})
    client.notice("didChangeStatus", busy=True)
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) == []  # other servers' words are not held up
    (stub_home / "models" / "stuck" / "let_go").touch()
    assert client.notice("didChangeStatus", busy=False)["kind"] == "Normal"
    assert client.popup(uri, 0, 2)[0]["label"] == "ab_tail"
    assert capabilities["completionProvider"]["triggerCharacters"] == ["."]


def test_what_is_advertised(start: Any) -> None:
    result = start().initialize()
    capabilities = result["capabilities"]
    assert capabilities["inlineCompletionProvider"] == {"workDoneProgress": False}
    assert capabilities["textDocumentSync"] == {"openClose": True, "change": 2, "save": True}
    assert capabilities["workspace"]["workspaceFolders"] == {"supported": True, "changeNotifications": True}
    assert result["serverInfo"]["name"] == "tinycoder"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "utf-16"),
        ([], "utf-16"),
        (["utf-16"], "utf-16"),
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32", "utf-8"], "utf-32"),
        (["utf-7", "utf-32"], "utf-32"),
        (["utf-7"], "utf-16"),
    ],
)
def test_the_first_encoding_that_is_known_is_chosen(start: Any, offered: list[str] | None, chosen: str) -> None:
    capabilities = {} if offered is None else {"general": {"positionEncodings": offered}}
    client = start()
    answer = client.ask("initialize", {**INITIALIZE, "capabilities": capabilities})
    assert answer["capabilities"]["positionEncoding"] == chosen
    client.notify("initialized", {})
    client.notice("didChangeStatus", busy=False)
    before = len("x = '😀'; ab".encode(chosen if chosen == "utf-8" else chosen + "-le"))
    column = before // {"utf-8": 1, "utf-16": 2, "utf-32": 4}[chosen]
    uri = client.open("x = '😀'; ab")
    item = client.popup(uri, 0, column)[0]
    assert json.loads(item["detail"])["offset"] == 11
    assert item["textEdit"]["range"]["start"] == {"line": 0, "character": column - 2}
    assert item["textEdit"]["range"]["end"] == {"line": 0, "character": column}


def test_capabilities_from_the_future_do_not_keep_an_editor_out(start: Any) -> None:
    capabilities = {
        "general": {"positionEncodings": ["utf-8"]},
        "workspace": {"symbol": {"symbolKind": {"valueSet": [1, 9999]}}},
        "textDocument": {"inlineCompletion": "yes"},
    }
    result = start().initialize(capabilities, trace="compact")
    assert result["capabilities"]["positionEncoding"] == "utf-8"


@pytest.mark.parametrize("params", [3, "x", [1]])
def test_an_initialize_that_makes_no_sense_is_answered(start: Any, params: Any) -> None:
    client = start()
    assert client.error("initialize", params)["code"] == -32602
    client.initialize()


def test_what_comes_before_initialize_changes_nothing(start: Any) -> None:
    client = start()
    uri = client.open("ab")
    client.initialize()
    assert client.popup(uri, 0, 2) == []
    client.open("ab")
    assert client.popup(uri, 0, 2) != []


def test_exit_after_shutdown_is_0(start: Any) -> None:
    client = start()
    client.initialize()
    client.ask_null("shutdown")
    client.notify("exit", None)
    assert client.process.wait(30) == 0


@pytest.mark.parametrize("known", [True, False])
def test_exit_without_shutdown_is_1(start: Any, known: bool) -> None:
    client = start()
    if known:
        client.initialize()
    client.notify("exit", None)
    assert client.process.wait(30) == 1


def test_an_editor_that_hangs_up_ends_the_server(start: Any) -> None:
    client = start()
    client.initialize()
    client.process.stdin.close()
    assert client.process.wait(30) == 1


def test_a_connection_that_is_reset_ends_the_server(stub_home: Path, tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(serve_command(stub_home, model=None), stdin=theirs, stdout=theirs, stderr=log)
    theirs.close()
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}).encode()
    ours.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    ours.recv(1)  # the rest of the answer is never read
    ours.close()
    assert server.wait(30) == 1
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_an_editor_that_says_all_at_once_is_given_its_time(start: Any) -> None:
    client = start()
    client.initialize()
    client.send({"id": "last", "method": "shutdown"}, {"method": "exit"})
    client.process.stdin.close()
    assert client.process.wait(30) == 0


def test_initialized_may_come_without_params(start: Any) -> None:
    client = start()
    client.ask("initialize", INITIALIZE)
    client.send({"method": "initialized"})
    client.notice("didChangeStatus", busy=False)


def test_an_editor_that_reads_no_more_ends_the_server(start: Any) -> None:
    client = start(reads=False)
    client.process.stdout.close()
    client.send({"id": 1, "method": "initialize", "params": INITIALIZE})
    assert client.process.wait(30) == 1


@pytest.mark.parametrize("first_line", ["", "# slow", "# deaf"])
def test_an_editor_whose_process_has_ended_ends_the_server(start: Any, first_line: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as editor:
        client = start()
        client.initialize(processId=editor.pid)
        if first_line:
            client.request("textDocument/completion", client.position(client.open(f"{first_line}\n"), 1, 0))
        client.error("nope/nope")  # so far it answers
        assert editor.stdin is not None
        editor.stdin.close()
        editor.wait(30)
        assert client.process.wait(30) == 1  # although its pipes are open
    assert "Traceback" not in client.log()


@pytest.mark.parametrize("number", [0, -1, 2**31 - 1])
def test_an_editor_that_is_no_process_here_does_not_end_the_server(start: Any, number: int) -> None:
    client = start()
    client.initialize(processId=number)
    assert client.popup(client.open("ab"), 0, 2) != []
    assert client.leave() == 0


def test_an_editor_that_hangs_up_while_it_reads_nothing_ends_the_server(start: Any) -> None:
    client = start(reads=False)
    client.send({"id": 1, "method": "initialize", "params": INITIALIZE})
    with contextlib.suppress(BrokenPipeError):
        for number in range(2, 100):  # more answers than a pipe holds
            client.send({"id": number, "method": "nope/" + "x" * 1000})
    client.process.stdin.close()
    assert client.process.wait(30) == 1


def test_half_a_message_ends_the_server(start: Any) -> None:
    client = start()
    client.process.stdin.write(b"Content-Length: 100\r\n\r\n{")
    client.process.stdin.close()
    assert client.process.wait(30) == 1


def test_requests_that_run_at_shutdown_are_answered(start: Any) -> None:
    client = start()
    client.initialize()
    uri = client.open("# slow\n")
    number = client.request("textDocument/completion", client.position(uri, 1, 0))
    assert client.leave() == 0
    assert client.answer(number)["error"]["code"] == -32800
    assert "Traceback" not in client.log()


def test_a_request_that_runs_does_not_keep_the_process(start: Any) -> None:
    client = start(configuration={"inline": {"deadlineMs": 10}})
    client.initialize({"workspace": {"configuration": True}})
    assert client.ghost(client.open("# deaf\n"), 1, 0) == []
    client.notify("exit", None)
    assert client.process.wait(30) == 1
    assert "Traceback" not in client.log()


def test_nothing_but_messages_reaches_stdout(start: Any) -> None:
    client = start()  # the stub prints when it is loaded, and the client refuses anything that is not LSP
    client.initialize()
    assert client.leave() == 0
    assert "a library that prints to stdout" in client.log()
