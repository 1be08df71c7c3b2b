"""Odd messages, most of which a client may send: the server continues, and loses no text."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

POPUP, GHOST = "textDocument/completion", "textDocument/inlineCompletion"
URI = "file:///somewhere/a.py"
DOCUMENT = {"textDocument": {"uri": URI}}
CURSOR = {**DOCUMENT, "position": {"line": 0, "character": 2}}


@pytest.fixture(autouse=True)
def alive(client: Any) -> Iterator[None]:
    """After each of these messages the server has the text, and nothing has popped up."""
    client.open("ab")
    yield
    client.send(client.change(URI, client.edit(0, 2, 2, "c")))
    assert client.popup(URI, 0, 3)[0]["label"] == "abc_tail"
    assert client.shown_messages() == []


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (POPUP, DOCUMENT),
        (POPUP, None),
        (POPUP, 3),
        (POPUP, {**DOCUMENT, "position": {"line": -1, "character": 0}}),
        (POPUP, {"textDocument": {}, "position": {"line": 0, "character": 0}}),
        (GHOST, DOCUMENT),
        (GHOST, {**CURSOR, "context": {"triggerKind": 1, "selectedCompletionInfo": {"text": "x"}}}),
        ("workspace/executeCommand", {"command": "nope"}),
    ],
)
def test_a_request_that_cannot_be_read_is_answered(client: Any, method: str, params: Any) -> None:
    assert client.error(method, params)["code"] == -32602
    assert "Traceback" not in client.log()


def test_an_unknown_request_is_refused(client: Any) -> None:
    assert client.error("textDocument/hover", CURSOR)["code"] == -32601
    assert client.error("nope/nope", {})["code"] == -32601


@pytest.mark.parametrize("kind", [0, 4, None])
def test_odd_trigger_kinds_are_read_as_invoked(client: Any, kind: Any) -> None:
    params = {**CURSOR, "context": {"triggerKind": kind, "mood": "good"}, "formattingOptions": {"tabSize": 4}}
    assert len(client.ask(GHOST, params)["items"]) == 3
    assert client.ask(POPUP, params)["items"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 200_000,
        b"[]",
        b"{}",
        b'{"jsonrpc": "2.0"}',
        b'{"jsonrpc": "2.0", "method": []}',
        b'{"jsonrpc": "2.0", "id": 1000000, "result": {}}',
        b'{"jsonrpc": "2.0", "id": "1000000", "error": {"code": 1, "message": "x"}}',
        b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {}}',
        b'{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": {"uri": "file:///a.py"}}}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest"}',
        b'{"jsonrpc": "2.0", "method": "window/workDoneProgress/cancel", "params": {"token": [1]}}',
        b'{"jsonrpc": "2.0", "method": "workspace/didChangeConfiguration", "params": {"settings": 3}}',
    ],
)
def test_what_makes_no_sense_is_passed_over(client: Any, body: bytes) -> None:
    client.raw(body)


def test_bytes_that_are_no_utf_8_are_replaced(client: Any) -> None:
    document = b'{"uri": "file:///somewhere/latin.py", "languageId": "python", "version": 1, "text": "# \xe9\\nab"}'
    client.raw(b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": %b}}' % document)
    assert client.popup("file:///somewhere/latin.py", 1, 2)[0]["label"] == "ab_tail"


def test_a_message_may_come_in_pieces_and_with_more_headers(client: Any) -> None:
    number = client.next_id()
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "nope/é", "params": {}}, ensure_ascii=False).encode()
    head = b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n"
    for byte in head % len(body) + body:
        client.process.stdin.write(bytes([byte]))
        client.process.stdin.flush()
    assert client.answer(number)["error"]["code"] == -32601


def test_a_change_of_a_document_that_is_not_open_is_passed_over(client: Any) -> None:
    client.send(client.change("file:///somewhere/unknown.py", {"text": "x"}))
    assert client.popup("file:///somewhere/unknown.py", 0, 0) == []
