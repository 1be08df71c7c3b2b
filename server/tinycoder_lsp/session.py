"""What one connection to an editor holds: settings, workspace folders, worker, models.

The handlers are in ``app``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from tinycoder import __version__
from tinycoder.complete.candidate import Candidate, Document
from tinycoder_lsp.documents import Spot, file_path, is_python, relative_path
from tinycoder_lsp.logs import set_log_level
from tinycoder_lsp.models import FAILED, LOADING, SWITCHED_OFF, Models, Status
from tinycoder_lsp.protocol import CodeWorkspace, Protocol
from tinycoder_lsp.settings import SECTION, Settings, parse
from tinycoder_lsp.worker import Kind, Stop, Worker

logger = logging.getLogger(__name__)

_PATIENCE = 2.0  # seconds for an editor to answer what is configured; some never do
_LEVELS = {
    "Normal": lsp.MessageType.Info,
    "Inactive": lsp.MessageType.Info,
    "Warning": lsp.MessageType.Warning,
    "Error": lsp.MessageType.Error,
}

_Wanted = tuple[bool, str | None, tuple[Path, ...]]  # enabled, name of the model, workspace folders


class Session(LanguageServer):
    """pygls' server and the state behind its handlers.

    ``model`` and ``log_level`` hold where no setting says else.
    """

    protocol: Protocol

    def __init__(self, models: Models, *, model: str | None = None, log_level: str = "info") -> None:
        super().__init__("tinycoder", __version__, protocol_cls=Protocol)
        self.models = models
        self.worker = Worker()
        self.settings = Settings()
        self.stopping = threading.Event()
        self._base = Settings()  # from initializationOptions; what is configured later lies over them
        self._turn = 0  # counts what the editor has said or was asked of its configuration
        self._model = model
        self._log_level = log_level
        self._wanted: _Wanted | None = None
        self._status: Status | None = None
        self._said: set[str] = set()

    def shutdown(self) -> None:
        """Let the reading loop end."""
        self.stopping.set()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Faults belong in the log; pygls would pop up a message for each."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    def folders(self) -> list[Path]:
        """The workspace's folders on this machine; none if the editor opened single files."""
        workspace = self.workspace
        uris = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
        return [file_path(uri) for uri in uris if uri.startswith("file:")]

    def spot(self, params: lsp.CompletionParams | lsp.InlineCompletionParams) -> Spot | None:
        """The cursor of a request in the text as it is now, or ``None`` where nothing is to be completed.

        Only Python is completed: in documents that the editor calls so, or that are named ``.py`` or
        ``.pyi``.
        """
        uri = params.text_document.uri
        workspace = self.workspace
        document = workspace.open_document(uri) if isinstance(workspace, CodeWorkspace) else None
        if document is None or not self.settings.enable or not is_python(uri, document.language_id):
            return None
        lines = document.index
        snapshot = Document(path=relative_path(uri, self.folders()), text=lines.text)
        return Spot(uri=uri, document=snapshot, offset=lines.offset(params.position), lines=lines)

    async def popup(self, spot: Spot) -> list[Candidate]:
        """Words for the popup at ``spot``."""
        popup = self.settings.popup

        def call(stop: Stop) -> list[Candidate]:
            return self.models.popup(spot.document, spot.offset, stop=stop, limit=popup.limit)

        return await self._ask(Kind.POPUP, spot, call, popup.deadline_ms)

    async def inline(self, spot: Spot, n: int) -> list[Candidate]:
        """At most ``n`` ghost texts at ``spot``."""
        inline = self.settings.inline

        def call(stop: Stop) -> list[Candidate]:
            return self.models.inline(spot.document, spot.offset, stop=stop, max_tokens=inline.max_tokens, n=n)

        return await self._ask(Kind.GHOST, spot, call, inline.deadline_ms)

    async def _ask(
        self, kind: Kind, spot: Spot, call: Callable[[Stop], list[Candidate]], deadline_ms: int
    ) -> list[Candidate]:
        """What ``call`` finds; nothing if a newer request or an edit has overtaken it, or it takes too long.

        Such a request is answered empty, which every client takes in silence. LSP's codes are no better here:
        ServerCancelled is kept for requests that say so, and ContentModified, which VS Code's client turns into
        an empty answer, reaches the callbacks of Neovim's plugins as an error, to be logged or shown.
        """
        return await self.worker.answer(kind, call, uri=spot.uri, deadline=deadline_ms / 1000) or []

    def configure(self, values: object, *, first: bool = False) -> None:
        """Use what the editor sent for the section, and warn once for each mistake in it."""
        self._turn += 1
        self.settings, problems = parse(values, self._base)
        if first:
            self._base = self.settings
        for problem in problems:
            if problem not in self._said:
                self._said.add(problem)
                self._log(lsp.MessageType.Warning, f"TinyCoder: {problem}.")
        set_log_level(self.settings.log_level or self._log_level)

    async def pull_settings(self) -> None:
        """Ask the editor what is configured, if it can be asked."""
        able = self.client_capabilities.workspace
        if able is None or not able.configuration:
            return
        self._turn += 1
        turn = self._turn
        item = lsp.ConfigurationItem(section=SECTION)
        answer = asyncio.wrap_future(self.workspace_configuration(lsp.ConfigurationParams(items=[item])))
        await asyncio.wait((answer,), timeout=_PATIENCE)
        if turn != self._turn:  # newer settings have come, or were asked for, meanwhile
            return
        try:
            self.configure(answer.result()[0])
        except (asyncio.InvalidStateError, IndexError, JsonRpcException) as error:
            logger.info("the editor did not say what is configured: %r", error)

    async def watch_settings(self) -> None:
        """Ask the editor to say when our section changes; without that VS Code keeps it to itself."""
        able = self.client_capabilities.workspace
        watch = able.did_change_configuration if able else None
        if watch is None or not watch.dynamic_registration:
            return
        method = lsp.WORKSPACE_DID_CHANGE_CONFIGURATION
        wish = lsp.Registration(id=method, method=method, register_options={"section": SECTION})
        try:
            await self.client_register_capability_async(lsp.RegistrationParams(registrations=[wish]))
        except JsonRpcException as error:
            logger.info("the editor will not say when the configuration changes: %s", error)

    async def refresh(self) -> None:
        """Load the model that settings and folders call for, unless it is that one already."""
        wanted = (self.settings.enable, self.settings.model or self._model, tuple(self.folders()))
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if self.settings.enable:
            self.show(LOADING)
            await self._load(wanted)
        else:
            self.show(SWITCHED_OFF)

    async def retry(self) -> None:
        """Look again which model to use, and whether it was written anew: one may have been trained meanwhile."""
        if self._wanted is not None and self.settings.enable:
            await self._load(self._wanted)

    async def _load(self, wanted: _Wanted) -> None:
        _, name, folders = wanted
        status: Status | None = FAILED
        try:
            status = await self.worker.answer(Kind.LOAD, lambda stop: self.models.load(name, folders))
        except asyncio.CancelledError:
            status = None
            raise
        finally:
            if status is not None and self._wanted is wanted:
                self.show(status)

    def show(self, status: Status) -> None:
        """Tell the editor how things stand. A problem also pops up, once: few editors show a status."""
        if status == self._status:
            return
        self._status = status
        values = {"busy": status.busy, "message": status.message, "kind": status.kind}
        self.protocol.notify("didChangeStatus", values)
        level = _LEVELS[status.kind]
        self._log(level, status.message)
        if status.kind in ("Warning", "Error") and status.message not in self._said:
            self._said.add(status.message)
            self.window_show_message(lsp.ShowMessageParams(type=level, message=status.message))

    def _log(self, level: lsp.MessageType, message: str) -> None:
        logger.log({1: logging.ERROR, 2: logging.WARNING}.get(level, logging.INFO), "%s", message)
        self.window_log_message(lsp.LogMessageParams(type=level, message=message))
