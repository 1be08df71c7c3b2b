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


# Lenient: it is clear what is meant.

TEXT = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": "ab"}]}


def opened(**document: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": "file:///somewhere/b.py", "text": "xy", **document}}


@pytest.mark.parametrize(
    "params",
    [
        {**TEXT, "contentChanges": [{"range": None, "text": "xy"}]},
        {**TEXT, "contentChanges": [{"range": None, "rangeLength": None, "text": "xy"}]},
        {**TEXT, "textDocument": {"uri": URI}, "contentChanges": [{"text": "xy"}]},
        {**TEXT, "textDocument": {"uri": URI, "version": None}, "contentChanges": [{"text": "xy"}]},
        {**TEXT, "textDocument": {"uri": URI, "version": "new"}, "contentChanges": [{"range": None, "text": "xy"}]},
        {**TEXT, "contentChanges": [{"text": None}, {"text": "xy"}]},
    ],
)
def test_a_change_with_members_missing_or_null(client: Any, params: dict[str, Any]) -> None:
    client.notify("textDocument/didChange", params)
    assert client.popup(URI, 0, 2)[0]["label"] == "xy_tail"
    client.send(client.change(URI, {"text": "ab"}))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": None, "languageId": None},
        {"version": 1, "languageId": ""},
        {"languageId": "python.django"},
        {"version": "x", "languageId": "python"},
    ],
)
def test_a_document_without_version_or_language(client: Any, document: dict[str, Any]) -> None:
    client.notify("textDocument/didOpen", opened(**document))
    assert client.popup("file:///somewhere/b.py", 0, 2)[0]["label"] == "xy_tail"
    client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///somewhere/b.py", "version": None}})


def test_a_text_that_is_null_is_empty(client: Any) -> None:
    client.notify("textDocument/didOpen", opened(text=None, version=1, languageId="python"))
    client.send(client.change("file:///somewhere/b.py", client.edit(0, 0, 0, "xy")))
    assert client.popup("file:///somewhere/b.py", 0, 2)[0]["label"] == "xy_tail"
    client.send(client.change("file:///somewhere/b.py", client.edit(0, 1, 2, "") | {"text": None}))
    assert client.popup("file:///somewhere/b.py", 0, 1)[0]["label"] == "x_tail"


@pytest.mark.parametrize("context", [{}, {"context": None}, {"context": {"triggerKind": 2}}])
def test_ghost_text_without_a_context_is_that_of_typing(client: Any, context: dict[str, Any]) -> None:
    assert len(client.ask(GHOST, {**CURSOR, **context})["items"]) == 1


@pytest.mark.parametrize(
    "item",
    [
        {"label": "x", "insertTextFormat": 0, "command": {"command": "x"}, "tags": [7]},
        {"label": "x", "kind": None, "textEdit": None, "documentation": None, "data": {"percent": None}},
    ],
)
def test_an_item_that_comes_back_with_odd_members_has_details(client: Any, item: dict[str, Any]) -> None:
    assert client.ask("completionItem/resolve", item)["documentation"]["kind"] == "markdown"


@pytest.mark.parametrize("more", [{}, {"params": None}])
def test_a_notification_without_params(client: Any, more: dict[str, Any]) -> None:
    client.send({"method": "textDocument/didFocus", **more})
    assert client.popup(URI, 0, 2)[0]["label"] == "ab_tail"
    assert "textDocument/didFocus cannot be read" not in client.log()


FOLDER = {"uri": "file:///project"}


@pytest.mark.parametrize(
    "params",
    [
        {"workspaceFolders": [FOLDER]},
        {"workspaceFolders": [{**FOLDER, "name": None}, None, {"name": "nowhere"}]},
        {"rootUri": FOLDER["uri"], "workspaceFolders": {}, "clientInfo": {}},
        {"rootUri": FOLDER["uri"], "workspaceFolders": 3},
        {"rootUri": FOLDER["uri"], "clientInfo": {"version": "1"}, "trace": "loud", "locale": None},
        {"rootUri": FOLDER["uri"], "clientInfo": [], "capabilities": [], "processId": "none"},
        {"rootUri": FOLDER["uri"], "capabilities": None, "workDoneToken": None, "initializationOptions": []},
        {"rootPath": "/project", "capabilities": {"workspace": [], "textDocument": {"completion": 3}}},
    ],
)
def test_an_odd_initialize(start: Any, params: dict[str, Any]) -> None:
    client = start()
    client.initialize(**{"initializationOptions": None, **params})
    item = client.popup(client.open("ab", uri="file:///project/pkg/a.py"), 0, 2)[0]
    assert json.loads(item["detail"])["path"] == "pkg/a.py"


@pytest.mark.parametrize(
    "event",
    [{"added": [FOLDER]}, {"added": [FOLDER], "removed": None}, {"added": [{**FOLDER, "name": None}], "removed": []}],
)
def test_an_odd_change_of_folders(start: Any, event: dict[str, Any]) -> None:
    client = start()
    client.initialize()
    client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    item = client.popup(client.open("ab", uri="file:///project/pkg/a.py"), 0, 2)[0]
    assert json.loads(item["detail"])["path"] == "pkg/a.py"


def test_a_configuration_without_settings_is_asked_for(start: Any) -> None:
    client = start(configuration={"popup": {"limit": 5}})
    client.initialize({"workspace": {"configuration": True}})
    client.configuration = {"popup": {"limit": 7}}
    client.notify("workspace/didChangeConfiguration", {})
    uri = client.open("ab")
    client.until(lambda: [json.loads(item["detail"])["limit"] for item in client.popup(uri, 0, 2)] == [7])
