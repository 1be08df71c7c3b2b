"""pygls' protocol with its gaps closed: odd requests are answered, lines are split as LSP says.

Knows no completion.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any
from urllib.parse import unquote

import cattrs
from lsprotocol import types as lsp
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.workspace import TextDocument, Workspace

from tinycoder_lsp.documents import Lines, whole

logger = logging.getLogger(__name__)

_TRIGGER_KINDS = {lsp.TEXT_DOCUMENT_COMPLETION: (1, 2, 3), lsp.TEXT_DOCUMENT_INLINE_COMPLETION: (1, 2)}


class CodeDocument(TextDocument):
    """An open document.

    pygls' own cuts lines at form feeds and clamps columns off by one, which spoils edits.
    """

    _index: Lines | None = None

    @property
    def index(self) -> Lines:
        """The text and its lines, counted once for each text.

        The version would not do: a change has many parts.
        """
        if self._index is None or self._index.text is not self._source:
            self._source = whole(self.source)
            encoding = self.position_codec.encoding
            self._index = Lines(self._source, str(getattr(encoding, "value", encoding)))
        return self._index

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines with their ends. Without the empty one after a last line end, as in pygls."""
        starts, text = self.index.starts, self.index.text
        return tuple(
            text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True) if start < end
        )

    def offset_at_position(self, client_position: lsp.Position) -> int:
        """Code points before a position."""
        return self.index.offset(client_position)

    def _apply_incremental_change(self, change: lsp.TextDocumentContentChangePartial) -> None:
        self._source = self.index.edit(change.range, whole(change.text))


class CodeWorkspace(Workspace):
    """The open documents."""

    def open_document(self, uri: str) -> CodeDocument | None:
        """The document if the client has opened it. Nothing is read from the disk."""
        document = self.text_documents.get(unquote(uri))
        return document if isinstance(document, CodeDocument) else None

    def update_text_document(
        self, text_doc: lsp.VersionedTextDocumentIdentifier, change: lsp.TextDocumentContentChangeEvent
    ) -> None:
        """Apply one change, unless the document was never opened."""
        if self.open_document(text_doc.uri) is None:
            logger.warning("ignored a change of %s, which is not open", text_doc.uri)
        else:
            super().update_text_document(text_doc, change)

    def update_notebook_document(self, params: lsp.DidChangeNotebookDocumentParams) -> None:
        """Apply a change, unless the notebook was never opened."""
        uri = params.notebook_document.uri
        if self.get_notebook_document(notebook_uri=uri) is None:
            logger.warning("ignored a change of %s, which is not open", uri)
        else:
            super().update_notebook_document(params)

    def remove_notebook_document(self, params: lsp.DidCloseNotebookDocumentParams) -> None:
        """Forget a notebook with all its cells, also those that the client does not name."""
        super().remove_notebook_document(params)
        closed = unquote(params.notebook_document.uri)
        for cell in [cell for cell, notebook in self._cell_in_notebook.items() if notebook == closed]:
            del self._cell_in_notebook[cell]
            self._text_documents.pop(cell, None)

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> CodeDocument:
        codec = self.position_codec
        return CodeDocument(doc_uri, source, version, language_id, sync_kind=self._sync_kind, position_codec=codec)


class Refused(JsonRpcException):
    """A request that cannot be met, which is no fault of the server; the message is a sentence for a person."""

    CODE = -32803  # LSP's RequestFailed
    MESSAGE = "Request failed"


class Protocol(LanguageServerProtocol):
    """Answers every request, also those that pygls drops, and ends by leaving the reading loop."""

    @property
    def ended_well(self) -> bool:
        """Whether the client asked for ``shutdown``."""
        return self._shutdown

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a message. A request that cannot be read is answered, else the client waits for ever."""
        if "jsonrpc" not in data or "method" not in data:
            return super().structure_message(data)
        try:
            _mend(data)
            return self._structure(data)
        except JsonRpcException as error:
            if data["method"] == lsp.TEXT_DOCUMENT_DID_CHANGE:
                self._forget(data)
            if "id" in data:
                reason = f"{data['method']}: {_reasons(error)}"
                self._send_response(data["id"], error=JsonRpcInvalidParams(reason).to_response_error())
            raise

    def _structure(self, data: dict[str, Any]) -> Any:
        if not isinstance(data["method"], str):
            raise JsonRpcInvalidRequest("the name of the method is no text")
        if self.get_message_type(data["method"]) is None:
            data.setdefault("params", None)  # JSON-RPC lets them be left out, pygls does not
        try:
            return super().structure_message(data)
        except JsonRpcException:
            if data["method"] == lsp.INITIALIZE and _simplify(data):
                return super().structure_message(data)
            raise

    def handle_message(self, message: Any) -> None:
        """Pass a message to its handler.

        Too early or too late, a request is refused and a notification ignored.
        """
        method = getattr(message, "method", None)
        refusal = self._refusal(method) if method else None
        if refusal is None:
            super().handle_message(message)
        elif hasattr(message, "id"):
            self._send_response(message.id, error=refusal.to_response_error())

    def _execute_handler(
        self,
        msg_id: Any,
        handler: Callable[..., Any],
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Run a handler. pygls would keep what came of each notification: 2 KB for every key."""

        def done(future: Future[Any]) -> None:
            if not future.cancelled():
                self._request_futures.pop(msg_id, None)
            callback(future)

        super()._execute_handler(msg_id, handler, done, args=args, kwargs=kwargs)

    def _send_handler_result(self, future: Future[Any], *, msg_id: Any) -> None:
        """Answer a request. pygls writes a traceback for every error, also for what is no fault."""
        error = None if future.cancelled() else future.exception()
        if future.cancelled():  # perhaps by ``shutdown``, which goes through all futures: none may be taken out
            cancelled = JsonRpcRequestCancelled(f"request {msg_id} was cancelled")
            self._send_response(msg_id, error=cancelled.to_response_error())
        elif isinstance(error, Refused):
            logger.info("request %s refused: %s", msg_id, error.message)
            self._send_response(msg_id, error=error.to_response_error())
        else:
            super()._send_handler_result(future, msg_id=msg_id)

    def _refusal(self, method: str) -> JsonRpcException | None:
        if method == lsp.EXIT:
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest(f"{method} came after shutdown")
        if (self._workspace is None) == (method == lsp.INITIALIZE):
            return None
        if method == lsp.INITIALIZE:
            return JsonRpcInvalidRequest("initialize came a second time")
        return JsonRpcServerNotInitialized(f"{method} came before initialize")

    @lsp_method(lsp.INITIALIZE)
    def lsp_initialize(self, params: lsp.InitializeParams) -> Generator[Any, Any, lsp.InitializeResult]:
        """Initialize as pygls does, but with our own kind of documents."""
        result = yield from super().lsp_initialize(params)
        theirs = self.workspace
        folders = list(theirs.folders.values())
        self._workspace = CodeWorkspace(theirs.root_uri, theirs._sync_kind, folders, theirs.position_encoding)
        return result

    @lsp_method(lsp.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        """Ask the reading loop to end; pygls would close stdout under answers that are still on their way."""
        self._server.shutdown()  # type: ignore[no-untyped-call]

    def _forget(self, data: dict[str, Any]) -> None:
        """After a change that could not be read our text is wrong until the document is opened again."""
        params = data.get("params")
        named = params.get("textDocument") if isinstance(params, dict) else None
        uri = named.get("uri") if isinstance(named, dict) else None
        if isinstance(uri, str) and self._workspace is not None:
            self._workspace.remove_text_document(uri)


def _mend(data: dict[str, Any]) -> None:
    """Map trigger kinds that LSP does not know to "invoked": some clients count from 0, as VS Code does."""
    known = _TRIGGER_KINDS.get(str(data["method"]))
    params = data.get("params")
    if known is None or not isinstance(params, dict):
        return
    context = params.get("context")
    if isinstance(context, dict) and context.get("triggerKind") not in known:
        context["triggerKind"] = 1
    elif context is None and data["method"] == lsp.TEXT_DOCUMENT_INLINE_COMPLETION:
        params["context"] = {"triggerKind": 1}


def _simplify(data: dict[str, Any]) -> bool:
    """Leave only the capabilities that are used here: one value newer than pygls' tables spoils them all."""
    params = data.get("params")
    if not isinstance(params, dict):
        return False
    given = params.get("capabilities")
    kept: dict[str, dict[str, Any]] = {}
    for group, name in (
        ("general", "positionEncodings"),
        ("workspace", "configuration"),
        ("workspace", "workspaceFolders"),
        ("window", "workDoneProgress"),
    ):
        part = given.get(group) if isinstance(given, dict) else None
        if isinstance(part, dict) and name in part:
            kept.setdefault(group, {})[name] = part[name]
    params["capabilities"] = kept
    params.pop("trace", None)
    return True


def _reasons(error: JsonRpcException) -> str:
    cause = error.__cause__
    return "; ".join(cattrs.transform_error(cause)) if isinstance(cause, cattrs.BaseValidationError) else error.message
