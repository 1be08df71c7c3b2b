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
    assert client.error(method, {})["code"] == -32602


def test_an_unknown_request_is_refused(client: Any) -> None:
    assert client.error("nope/nope", {})["code"] == -32601


def test_an_unknown_command_is_refused(client: Any) -> None:
    assert client.error("workspace/executeCommand", {"command": "nope"})["code"] == -32602


def test_a_second_initialize_is_refused(client: Any) -> None:
    params = {"processId": None, "rootUri": None, "capabilities": {}}
    assert client.error("initialize", params)["code"] == -32600


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b'{"jsonrpc": "1.0", "method": "nope"}',
        b'{"jsonrpc": "2.0", "id": 1000000, "result": {}}',
        b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {}}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}}',
        b'{"jsonrpc": "2.0", "method": "$/cancelRequest"}',
        b'{"jsonrpc": "2.0", "method": "workspace/didChangeConfiguration", "params": {"settings": 3}}',
    ],
)
def test_what_is_no_message_is_passed_over(client: Any, body: bytes) -> None:
    client.raw(body)


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
