"""pygls' protocol with its gaps closed: every message is answered as JSON-RPC says, however odd.

Knows no completion.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from typing import Any

import cattrs
from lsprotocol import types as lsp
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.protocol.json_rpc import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage

from tinycoder_lsp.documents.workspace import CodeWorkspace

logger = logging.getLogger(__name__)

_TRIGGER_KINDS = {lsp.TEXT_DOCUMENT_COMPLETION: (1, 2, 3), lsp.TEXT_DOCUMENT_INLINE_COMPLETION: (1, 2)}

_NAMING = {lsp.CANCEL_REQUEST: "id", lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL: "token"}  # lsprotocol takes anything as one


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

    def receive(self, body: bytes) -> None:
        """Read a message and pass it on. What is none is answered with an error, and so is every request."""
        try:
            data = json.loads(_decoded(body))
        except (ValueError, RecursionError) as error:
            self.complain(f"a body is no JSON: {error}")
            return
        problem = _malformed(data)
        if problem is not None:
            logger.info("refused a message: %s", problem)
            self._refuse(_id_of(data), JsonRpcInvalidRequest(problem))
        elif "method" not in data:
            self._take_answer(data)
        elif (message := self._read(data)) is not None:
            self._pass_on(message)

    def complain(self, problem: str) -> None:
        """Say that something was sent which is no message; JSON-RPC has it answered without an id."""
        logger.info("refused a message: %s", problem)
        self._refuse(None, JsonRpcParseError(problem))

    def _pass_on(self, message: Any) -> None:
        """Let a message be handled; a fault in that, which nobody foresaw, does not end the conversation."""
        try:
            self.handle_message(message)
        except Exception as error:
            logger.exception("%s failed", message.method)
            if hasattr(message, "id"):
                self._refuse(message.id, JsonRpcInternalError(type(error).__name__))

    def _read(self, data: dict[str, Any]) -> Any:
        """A request or a notification; ``None`` if it makes no sense. A request is answered then."""
        method = data["method"]
        try:
            _mend(data)
            return self._structure(data)
        except Exception as error:  # the readers of messages raise whatever comes to hand
            refusal = error if isinstance(error, JsonRpcException) else JsonRpcInvalidParams(_reasons(error, method))
            if method == lsp.TEXT_DOCUMENT_DID_CHANGE:
                self._forget(data)
            if "id" in data:
                self._refuse(data["id"], refusal)
            logger.info("a message cannot be read: %s", method)  # the reason may quote somebody's code
            return None

    def _structure(self, data: dict[str, Any]) -> Any:
        method = data["method"]
        if method == lsp.INITIALIZED:
            data.setdefault("params", {})
        known = self.get_message_type(method)
        if "id" in data and known is not None and self.get_result_type(method) is None:
            raise JsonRpcInvalidRequest(f"{method} is a notification, which has no id")
        name = _NAMING.get(method)
        if name is not None and not isinstance(dict(data["params"]).get(name), (int, str)):
            raise JsonRpcInvalidParams(f"the {name} is neither a whole number nor a text")
        if known is None:
            data.setdefault("params", None)  # JSON-RPC lets them be left out, pygls does not
            known = JsonRPCRequestMessage if "id" in data else JsonRPCNotification
        try:
            return self._converter.structure(data, known)
        except Exception:
            if method == lsp.INITIALIZE and _simplify(data):
                return self._converter.structure(data, known)
            raise

    def _take_answer(self, data: dict[str, Any]) -> None:
        """The client has answered a request of ours; what it says may make no sense."""
        number = data["id"]
        if number not in self._result_types:
            logger.info("ignored the answer to a request that was never made")
            return
        kind = self._result_types.pop(number) or JsonRPCResponseMessage
        future = self._request_futures.pop(number, None)
        if future is None or future.done():
            return
        try:
            if "error" in data:
                found = self._converter.structure(data["error"], lsp.ResponseError)
                raise JsonRpcException.from_error(found)
            future.set_result(self._converter.structure(data, kind).result)
        except JsonRpcException as error:
            future.set_exception(error)
        except Exception as error:  # as in `_read`
            future.set_exception(JsonRpcInvalidParams(_reasons(error, "the answer")))

    def _refuse(self, number: Any, error: JsonRpcException) -> None:
        self._send_data({"jsonrpc": self.VERSION, "id": number, "error": error.to_response_error()})

    def handle_message(self, message: Any) -> None:
        """Pass a message to its handler.

        Too early or too late, a request is refused and a notification ignored.
        """
        method = getattr(message, "method", None)
        refusal = self._refusal(method) if method else None
        if refusal is None:
            super().handle_message(message)
        elif hasattr(message, "id"):
            self._refuse(message.id, refusal)

    def _handle_request(self, msg_id: Any, method_name: str, params: Any) -> None:
        """Start the handler of a request."""
        try:
            handler = self._get_handler(method_name)
        except JsonRpcMethodNotFound as error:
            logger.info("refused a message: there is no method %s", method_name)
            self._refuse(msg_id, error)
            return
        self._ctx_msg_id.set(msg_id)
        self._execute_handler(msg_id, handler, partial(self._send_handler_result, msg_id=msg_id), args=(params,))

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
            if not future.cancelled() and self._request_futures.get(msg_id) is future:
                del self._request_futures[msg_id]
            callback(future)

        super()._execute_handler(msg_id, handler, done, args=args, kwargs=kwargs)

    def _send_handler_result(self, future: Future[Any], *, msg_id: Any) -> None:
        """Answer a request. pygls writes a traceback for every error, also for what is no fault."""
        if future.cancelled():  # perhaps by ``shutdown``, which goes through all futures: none may be taken out
            self._refuse(msg_id, JsonRpcRequestCancelled(f"request {msg_id} was cancelled"))
            return
        error = future.exception()
        if error is None:
            self._send_response(msg_id, future.result())
        elif isinstance(error, JsonRpcException):
            logger.info("request %s refused: %s", msg_id, error.message)
            self._refuse(msg_id, error)
        else:
            logger.error("request %s failed", msg_id, exc_info=error)
            self._refuse(msg_id, JsonRpcInternalError(type(error).__name__))

    def _check_handler_result(self, future: Future[Any]) -> None:
        """A notification has no answer; what nobody foresaw in its handler is an entry in the log."""
        error = None if future.cancelled() else future.exception()
        if error is not None:
            logger.error("a notification failed", exc_info=error)

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        """Cancel a request, if it is one that runs."""
        future = self._request_futures.pop(msg_id, None)
        if future is not None:
            future.cancel()

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


def _reasons(error: Exception, what: str) -> str:
    told = cattrs.transform_error(error) if isinstance(error, cattrs.BaseValidationError) else [repr(error)]
    return f"{what}: {'; '.join(told)}"


def _decoded(body: bytes) -> str:
    """A body as text. Bytes that are no UTF-8 are replaced, so that a request with some of them can be answered."""
    try:
        return body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace")


def _malformed(data: object) -> str | None:
    """What keeps ``data`` from being a message of JSON-RPC, if anything does."""
    if not isinstance(data, dict):
        return "a message is no object; several in one are not supported"
    if data.get("jsonrpc") != "2.0":
        return 'the message has no "jsonrpc": "2.0"'
    if "id" in data and _id_of(data) is None:
        return "the id is neither a whole number nor a text"
    if "method" in data:
        return None if isinstance(data["method"], str) else "the name of the method is no text"
    return None if "id" in data and ("result" in data or "error" in data) else "the message has no method"


def _id_of(data: object) -> int | str | None:
    """The id, if it is one."""
    found = data.get("id") if isinstance(data, dict) else None
    return found if isinstance(found, (int, str)) and not isinstance(found, bool) else None
