"""Messages as no client should send them: each request is answered, and the server goes on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

POPUP, GHOST = "textDocument/completion", "textDocument/inlineCompletion"
DOCUMENT = {"textDocument": {"uri": "file:///somewhere/a.py"}}
PLACE = {**DOCUMENT, "position": {"line": 0, "character": 2}}


@pytest.fixture(autouse=True)
def alive(client: Any) -> Iterator[None]:
    """After each of these messages the server still answers, and nothing has popped up."""
    yield
    client.open("ab")
    assert client.popup("file:///somewhere/a.py", 0, 2)[0]["label"] == "ab_tail"
    assert [message for message in client.notices if message["method"] == "window/showMessage"] == []
    assert "Traceback" not in client.log()
    assert " ERROR " not in client.log()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (POPUP, DOCUMENT),
        (POPUP, None),
        (POPUP, []),
        (POPUP, 3),
        (POPUP, {**DOCUMENT, "position": {"line": -1, "character": 0}}),
        (POPUP, {**DOCUMENT, "position": {"line": 0, "character": 2**31}}),
        (POPUP, {**DOCUMENT, "position": {"line": 0}}),
        (POPUP, {"textDocument": {}, "position": {"line": 0, "character": 0}}),
        (GHOST, DOCUMENT),
        (GHOST, None),
        (GHOST, {**PLACE, "context": {"triggerKind": 1, "selectedCompletionInfo": {"text": "x"}}}),
    ],
)
def test_a_request_that_cannot_be_read_is_answered(client: Any, method: str, params: Any) -> None:
    error = client.error(method, params)
    assert error["code"] == -32602
    assert method in error["message"]


def test_the_answer_says_what_is_wrong(client: Any) -> None:
    assert "position" in client.error(POPUP, DOCUMENT)["message"]


@pytest.mark.parametrize("kind", [0, 3, 99, None, "typed"])
def test_odd_trigger_kinds_of_ghost_text_are_read_as_invoked(client: Any, kind: Any) -> None:
    client.open("ab")
    items = client.ask(GHOST, {**PLACE, "context": {"triggerKind": kind}})["items"]
    assert len(items) == 3


@pytest.mark.parametrize("extra", [{}, {"context": None}])
def test_ghost_text_without_a_context_is_read_as_invoked(client: Any, extra: dict[str, Any]) -> None:
    client.open("ab")
    assert len(client.ask(GHOST, {**PLACE, **extra})["items"]) == 3


@pytest.mark.parametrize("kind", [0, 4, None])
def test_odd_trigger_kinds_of_the_popup_are_read_as_invoked(client: Any, kind: Any) -> None:
    client.open("ab")
    assert client.ask(POPUP, {**PLACE, "context": {"triggerKind": kind}})["items"]


def test_fields_that_lsp_does_not_know_are_ignored(client: Any) -> None:
    client.open("ab")
    context = {"triggerKind": 2, "mood": "good"}
    assert client.ask(GHOST, {**PLACE, "context": context, "formattingOptions": {"tabSize": 4}})["items"]


@pytest.mark.parametrize("method", [3, None, [], {}])
def test_a_method_without_a_name_is_refused(client: Any, method: Any) -> None:
    assert client.error(method, {})["code"] == -32600


def test_an_unknown_request_is_refused(client: Any) -> None:
    assert client.error("nope/nope", {})["code"] == -32601


def test_an_unknown_command_is_refused(client: Any) -> None:
    assert client.error("workspace/executeCommand", {"command": "nope"})["code"] == -32602


def test_a_second_initialize_is_refused(client: Any) -> None:
    params = {"processId": None, "rootUri": None, "capabilities": {}}
    assert client.error("initialize", params)["code"] == -32600


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 200_000, -32700),
        (b'{"id": ' + b"9" * 5000 + b"}", -32700),
        (b"[]", -32600),
        (b"null", -32600),
        (b"3", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "1.0", "method": "nope"}', -32600),
        (b'{"jsonrpc": "2.0"}', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": [1], "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', -32600),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}]', -32600),
    ],
)
def test_what_is_no_message_is_answered_without_an_id(start: Any, body: bytes, code: int) -> None:
    client = start()
    client.initialize()
    client.raw(body)
    client.popup(client.open("ab"), 0, 2)
    assert [complaint["code"] for complaint in client.complaints] == [code]
    assert "Traceback" not in client.log()


def test_a_message_without_a_method_is_answered_with_its_id(client: Any) -> None:
    number = client.next_id()
    client.send({"id": number})
    assert client.answer(number)["error"]["code"] == -32600


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc": "2.0", "id": 1000000, "result": {}}',
        b'{"jsonrpc": "2.0", "id": "1000000", "error": {"code": 1, "message": "x"}}',
        b'{"jsonrpc": "2.0", "id": 1000000, "error": 3}',
        b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {}}',
        b'{"jsonrpc": "2.0", "method": "textDocument/completion", "params": {}}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest"}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": {}}}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": []}',
        b'{"jsonrpc": "2.0", "method": "window/workDoneProgress/cancel", "params": {"token": [1]}}',
        b'{"jsonrpc": "2.0", "method": "workspace/didChangeConfiguration", "params": {"settings": 3}}',
    ],
)
def test_what_makes_no_sense_and_asks_for_no_answer_is_passed_over(client: Any, body: bytes) -> None:
    client.raw(body)


def test_an_answer_to_a_request_of_the_clients_own_is_passed_over(start: Any) -> None:
    client = start()
    client.initialize()
    number = client.request(POPUP, client.position(client.open("# slow\n"), 1, 0))
    client.send({"id": number, "result": {"items": []}})
    client.open("ab")  # what was asked of the old text is of no use any more
    assert client.answer(number)["result"]["items"] == []
    assert "Traceback" not in client.log()


def test_a_notification_that_asks_for_an_answer_is_refused(client: Any) -> None:
    assert client.error("textDocument/didOpen", {})["code"] in (-32600, -32602)
    document = {"uri": "file:///somewhere/asked.py", "languageId": "python", "version": 1, "text": "ab"}
    assert client.error("textDocument/didOpen", {"textDocument": document})["code"] == -32600


def test_bytes_that_are_no_utf_8_are_replaced(client: Any) -> None:
    number = client.next_id()
    body = b'{"jsonrpc": "2.0", "id": %d, "method": "nope/\xff"}' % number
    client.raw(body)
    assert client.answer(number)["error"]["code"] == -32601


def test_a_message_may_come_in_pieces_and_with_more_headers(client: Any) -> None:
    number = client.next_id()
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "nope/é"}, ensure_ascii=False).encode()
    head = b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    for byte in head % len(body) + body:
        client.process.stdin.write(bytes([byte]))
        client.process.stdin.flush()
    assert client.answer(number)["error"]["code"] == -32601


def test_a_change_of_a_document_that_is_not_open_is_passed_over(client: Any) -> None:
    client.send(client.change("file:///somewhere/unknown.py", {"text": "x"}))
    assert client.popup("file:///somewhere/unknown.py", 0, 0) == []


def test_after_a_change_that_cannot_be_read_nothing_wrong_is_offered(client: Any) -> None:
    uri = client.open("ab", uri="file:///somewhere/lost.py")
    client.send(client.change(uri, {"range": {"start": 1}, "text": "x"}))
    assert client.popup(uri, 0, 2) == []
    client.open("ab", uri=uri)
    assert client.popup(uri, 0, 2) != []


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: %d\r\n\r\n",
        b"CONTENT-LENGTH:%d\n\n",
        b"\r\n\r\nContent-Length: %d\r\n\r\n",
        b"X: y\r\nContent-Length: %d\r\n\r\n",
    ],
)
def test_headers_are_read_in_any_spelling(client: Any, head: bytes) -> None:
    number = client.next_id()
    body = b'{"jsonrpc": "2.0", "id": %d, "method": "nope"}' % number
    client.process.stdin.write(head % len(body) + body)
    client.process.stdin.flush()
    assert client.answer(number)["error"]["code"] == -32601


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -3\r\n\r\n",
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: 99999999999999\r\n\r\n",
        b"Content-Length:\r\n\r\n",
        b"Content-Type: text\r\n\r\n{}",
        b"{}\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_header_that_is_none_is_answered_and_ends_the_server(start: Any, head: bytes) -> None:
    client = start()
    client.initialize()
    client.process.stdin.write(head)
    client.process.stdin.flush()
    assert client.process.wait(30) == 1
    assert "speaks no LSP" in client.log()
    assert "Traceback" not in client.log()


def test_a_body_of_nothing_is_no_message(client: Any) -> None:
    client.complaints.clear()
    client.raw(b"")
    client.error("nope/nope", {})
    assert [complaint["code"] for complaint in client.complaints] == [-32700]


@pytest.mark.parametrize("uri", ["file://[::1/x.py", "", "::", "file:///%00/x.py", "file:///\ud800.py"])
def test_a_document_may_have_any_name(client: Any, uri: str) -> None:
    client.open("ab", uri=uri)
    assert client.popup(uri, 0, 2)[0]["label"] == "ab_tail"
    client.send(client.change(uri, client.edit(0, 2, 2, "c")))
    assert client.popup(uri, 0, 3)[0]["label"] == "abc_tail"
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
