"""pygls' protocol, with what real editors need beyond it. ``tests/server/test_pygls.py`` says what pygls lacks."""

import contextlib
from concurrent.futures import Future
from typing import Any

import cattrs
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import JsonRPCRequestMessage, LanguageServerProtocol, lsp_method

from tinycoder_lsp.connection import lenient
from tinycoder_lsp.documents.workspace import CodeWorkspace

_TRIGGER_KINDS = {lsp.TEXT_DOCUMENT_COMPLETION: (1, 2, 3), lsp.TEXT_DOCUMENT_INLINE_COMPLETION: (1, 2)}
_TEXTS = {lsp.TEXT_DOCUMENT_DID_OPEN: "textDocument", lsp.TEXT_DOCUMENT_DID_CHANGE: "contentChanges"}
_UNREADABLE = "$/unreadable"  # the method that answers a request whose parameters cannot be read


class Refused(JsonRpcException):
    """A request that cannot be met, which is no fault of the server; the message is a sentence for a person."""

    CODE = -32803  # LSP's RequestFailed
    MESSAGE = "Request failed"


class Protocol(LanguageServerProtocol):
    """Answers requests that pygls would drop, and ends by leaving the reading loop."""

    _code_workspace: CodeWorkspace | None = None

    def __init__(self, server: LanguageServer, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        # Private: pygls keeps the future of every notification (2 KB a key), and its `shutdown` fails while a command
        # runs, because it changes this table while it iterates over it.
        self._request_futures = _Futures()

    @property
    def workspace(self) -> CodeWorkspace:
        """The open documents as our own kind. Raises ``RuntimeError`` before ``initialize``."""
        if self._code_workspace is None:
            theirs = super().workspace
            folders = list(theirs.folders.values())
            self._code_workspace = CodeWorkspace(
                theirs.root_uri, workspace_folders=folders, position_encoding=theirs.position_encoding
            )
        return self._code_workspace

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a message. A request that cannot be read is answered with an error, a notification is dropped.

        Raises ``JsonRpcInvalidParams`` for what is dropped.
        """
        if "jsonrpc" not in data:
            return data
        _mend(data)
        method = data.get("method")
        try:
            return super().structure_message(data)
        except JsonRpcException:
            with contextlib.suppress(Exception):  # nothing that can be mended: the answer is the same for all of it
                kind = self.get_message_type(str(method))
                data["params"] = lenient.mended(self._converter, str(method), kind, data.get("params"))
                return super().structure_message(data)
            if method is None or "id" not in data:
                raise JsonRpcInvalidParams(f"{method} cannot be read") from None
            return JsonRPCRequestMessage(id=data["id"], method=_UNREADABLE, jsonrpc=self.VERSION, params=method)

    @lsp_method(_UNREADABLE)
    def refuse(self, method: str) -> None:
        """Answer a request that cannot be read. The reason stays away: it may quote somebody's code."""
        raise JsonRpcInvalidParams(f"the parameters of {method} cannot be read")

    @lsp_method(lsp.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        """Ask the reading loop to end; pygls would raise ``SystemExit`` under answers that are still on their way."""
        self.fm.server.stopping.set()


class _Futures(dict[int | str, Future[Any]]):
    """The requests and notifications under way. What has ended leaves; whoever iterates gets a copy."""

    def __setitem__(self, number: int | str, future: Future[Any]) -> None:
        super().__setitem__(number, future)
        future.add_done_callback(lambda done: self.pop(number, None) if self.get(number) is done else None)

    def items(self) -> Any:
        return list(super().items())


def _mend(data: dict[str, Any]) -> None:
    """Change what pygls would misread, or could only refuse.

    Trigger kinds that LSP does not know become "invoked": VS Code counts from 0. A text that is null is empty, and not
    the word "None". ``initialized`` gets its params.
    """
    method, params = str(data.get("method")), data.get("params")
    if method == lsp.INITIALIZED:
        data.setdefault("params", {})
    if not isinstance(params, dict):
        return
    known, context = _TRIGGER_KINDS.get(method), params.get("context")
    if known and isinstance(context, dict) and context.get("triggerKind") not in known:
        context["triggerKind"] = 1
    texts = params.get(_TEXTS[method]) if method in _TEXTS else None
    for text in texts if isinstance(texts, list) else [texts]:
        if isinstance(text, dict) and text.get("text", "") is None:
            text["text"] = ""
