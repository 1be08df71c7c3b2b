"""What pygls lacks, and our protocol adds. A test here that fails says: pygls has mended it, and our part can go."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.workspace import TextDocument

from tinycoder_lsp.connection.protocol import Protocol

INITIALIZE = {"processId": None, "rootUri": None, "capabilities": {}}
POSITION = {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 0, "character": 0}}


class Conversation:
    """A server of pygls' with this protocol, and what it has sent."""

    def __init__(self, protocol: type[LanguageServerProtocol]) -> None:
        self.server = LanguageServer("server", "1", protocol_cls=protocol)
        self.sent: list[dict[str, Any]] = []
        self.server.protocol.set_writer(self, include_headers=False)  # type: ignore[arg-type]
        self.receive("initialize", INITIALIZE, id=0)

    def write(self, data: bytes) -> None:
        self.sent.append(json.loads(data))

    def close(self) -> None: ...

    def receive(self, method: str, params: Any, **more: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params, **more}
        self.server.protocol.handle_message(self.server.protocol.structure_message(message))

    def kept(self) -> int:
        """How many futures the protocol holds."""
        return len(self.server.protocol._request_futures)


Missing = Callable[[type[LanguageServerProtocol]], bool]


def keeps_the_future_of_each_notification(protocol: type[LanguageServerProtocol]) -> bool:
    one = Conversation(protocol)
    before = one.kept()
    for _ in range(3):
        one.receive("$/setTrace", {"value": "off"})
    return one.kept() == before + 3


def fails_at_shutdown_while_a_command_runs(protocol: type[LanguageServerProtocol]) -> bool:
    async def talk() -> list[dict[str, Any]]:
        one = Conversation(protocol)

        @one.server.command("slow")
        async def slow(*args: Any) -> None:
            await asyncio.sleep(9)

        one.receive("workspace/executeCommand", {"command": "slow", "arguments": []}, id=1)
        one.receive("shutdown", None, id=2)
        return one.sent

    return any("error" in message for message in asyncio.run(talk()) if message["id"] == 2)


def drops_requests_that_it_cannot_read(protocol: type[LanguageServerProtocol]) -> bool:
    one = Conversation(protocol)
    try:
        one.receive("textDocument/completion", {}, id=1)
    except JsonRpcException:
        return True
    return [message["id"] for message in one.sent] != [0, 1]


def cannot_read_the_trigger_kind_of_vs_code(protocol: type[LanguageServerProtocol]) -> bool:
    one = Conversation(protocol)
    try:
        one.receive("textDocument/inlineCompletion", {**POSITION, "context": {"triggerKind": 0}}, id=1)
    except JsonRpcException:
        return True
    return one.sent[-1]["error"]["code"] != -32601  # which is that nobody handles it


def cannot_read_capabilities_that_are_newer(protocol: type[LanguageServerProtocol]) -> bool:
    capabilities = {"workspace": {"symbol": {"symbolKind": {"valueSet": [1, 9999]}}}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE | {"capabilities": capabilities}}
    try:
        Conversation(protocol).server.protocol.structure_message(message)
    except JsonRpcException:
        return True
    return False


def raises_system_exit(protocol: type[LanguageServerProtocol]) -> bool:
    one = Conversation(protocol)
    one.server.stopping = asyncio.Event()  # type: ignore[attr-defined]
    try:
        one.receive("exit", None)
    except SystemExit:
        return True
    return False


@pytest.mark.parametrize(
    "missing",
    [
        keeps_the_future_of_each_notification,
        fails_at_shutdown_while_a_command_runs,
        drops_requests_that_it_cannot_read,
        cannot_read_the_trigger_kind_of_vs_code,
        cannot_read_capabilities_that_are_newer,
        raises_system_exit,
    ],
)
def test_pygls_still_lacks_what_our_protocol_adds(missing: Missing) -> None:
    assert missing(LanguageServerProtocol)
    assert not missing(Protocol)


@pytest.mark.parametrize(("text", "line"), [("a\n\x0cb\nc", 2), ("a\u2028b\nc", 1)])
def test_pygls_still_splits_lines_where_lsp_does_not(text: str, line: int) -> None:
    document = TextDocument("file:///a.py", text)
    span = lsp.Range(lsp.Position(line, 0), lsp.Position(line, 1))
    document.apply_change(lsp.TextDocumentContentChangePartial(range=span, text="Z"))
    assert document.source != text.replace("c", "Z")
