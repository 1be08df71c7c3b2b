"""What one connection to an editor holds: settings, documents, worker, models, training.

The handlers are in ``app``, the commands in ``commands``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInternalError
from pygls.lsp.server import LanguageServer

from tinycoder import __version__
from tinycoder.stop import Stop
from tinycoder.storage.forget_list import true_path
from tinycoder.workspace.project_file import ProjectFile, project_files
from tinycoder_lsp.configuration import parse, vouched
from tinycoder_lsp.connection.protocol import Protocol
from tinycoder_lsp.documents import notebooks
from tinycoder_lsp.documents.left_out import left_out
from tinycoder_lsp.documents.opened import OpenDocuments
from tinycoder_lsp.documents.positions import relative_path
from tinycoder_lsp.editor.client import configured
from tinycoder_lsp.editor.details import documentation, offered, read_from_disk
from tinycoder_lsp.editor.items import abilities_of
from tinycoder_lsp.editor.progress import Bar
from tinycoder_lsp.editor.snooze import Snooze
from tinycoder_lsp.editor.status import StatusReporter
from tinycoder_lsp.engine.answers import Answers
from tinycoder_lsp.engine.models import FAILED, GIVEN_UP, LOADING, SWITCHED_OFF, Models, Status
from tinycoder_lsp.engine.worker import MAX_FAULTS, Kind, Worker
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.jobs.indexing import Index, Indexing, index_folders
from tinycoder_lsp.jobs.looking import Looking
from tinycoder_lsp.jobs.reading import WorkspaceReading
from tinycoder_lsp.jobs.symbols import SymbolRequest, Symbols, open_workspace
from tinycoder_lsp.jobs.training import COMMAND, Training, TrainingResult
from tinycoder_lsp.logs import set_log_level
from tinycoder_lsp.personal import personal_file
from tinycoder_lsp.project import NOTHING_SHARED, read_project
from tinycoder_lsp.remote.choice import RemoteChoice
from tinycoder_lsp.settings import Settings
from tinycoder_lsp.stats.statistics import Statistics
from tinycoder_lsp.stats.usage_recorder import UsageRecorder

if TYPE_CHECKING:
    from tinycoder.symbols.indexing import WorkspaceSymbols

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """How long to wait before work that nobody asked for, in seconds."""

    idle: float = 1.0  # after the last message about a document, before learning
    index: float = 30.0  # after files were saved, before they are indexed again
    symbols: float = 0.5  # after files were saved, before their symbols are read again
    fault: float = 2.0  # after a fault of the server that writes ghost text, before it is asked again
    look: float = 60.0  # while in use, between two looks for what has changed on the disk


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What decides which model is loaded, and what it remembers."""

    enable: bool
    model: str | None
    symbols: SymbolRequest  # with a memory if these may be kept


class Session(LanguageServer):
    """pygls' server and the state behind its handlers.

    ``model`` and ``log_level`` hold unless a setting overrides them. ``personal`` is the file of the person's own
    settings, if not that of the user.
    """

    protocol: Protocol

    def __init__(
        self,
        models: Models,
        *,
        model: str | None = None,
        log_level: str = "info",
        index: Index = index_folders,
        open_reader: Callable[[Path, SymbolRequest], WorkspaceSymbols] = open_workspace,
        pauses: Pauses = Pauses(),
        trainer: Sequence[str] = COMMAND,
        personal: Path | None = None,
    ) -> None:
        super().__init__("tinycoder", __version__, protocol_cls=Protocol, notebook_document_sync=notebooks.SYNC)
        self.models = models
        self.reporter = StatusReporter(self)
        self.snooze = Snooze(self.reporter.show_snooze)
        self.usage = UsageRecorder(Statistics(models.home))
        self.settings = Settings()
        self.stopping = threading.Event()
        self.exit_code = 1  # 0 once the client has asked for ``shutdown``
        self.watch_editor: Callable[[int], object] = lambda pid: None  # called with the number of the editor's process
        worker = self._worker = Worker(on_fault=self._engine_failed)
        background = self._background = Background()
        remote = self.remote = RemoteChoice(
            personal or personal_file(), os.environ, self.reporter, background, pause_s=pauses.fault
        )
        self.answers = Answers(models, worker, background, idle_s=pauses.idle, remote=lambda: remote.server)
        self.documents = OpenDocuments(
            lambda: self.protocol.workspace,
            models.buffers,
            worker,
            self.usage.suggestions,
            on_activity=self.answers.on_activity,
        )
        self.reading = WorkspaceReading(
            index=Indexing(
                models,
                worker,
                background,
                self.reporter,
                index=index,
                bar=lambda: Bar(self, "TinyCoder: indexing"),
                pause_s=pauses.index,
            ),
            symbols=Symbols(models, worker, background, self.reporter, open_reader=open_reader, pause_s=pauses.symbols),
        )
        self.looking = Looking(background, self.reading.paths_changed)
        self._look_s, self._looked = pauses.look, time.monotonic()
        self.training = Training(
            models.home,
            background,
            bar=lambda cancel: Bar(self, "TinyCoder: training", on_cancel=cancel),
            on_progress=lambda percentage, message: self.reporter.show_training(
                (percentage, f"TinyCoder is training: {percentage} %, {message}.")
            ),
            on_end=lambda result: background.start("loading what was trained", self._take_over(result)),
            command=trainer,
        )
        self._own = Settings()  # what the editor has said
        self._projects: tuple[ProjectFile, ...] = ()
        self._shared = NOTHING_SHARED  # what the projects say
        self._base = Settings()  # from initializationOptions; what is configured later lies over them
        self._turn = 0  # counts what the editor has said or was asked of its configuration
        self._model = model
        self._log_level = log_level
        self._chosen: str | None = None
        self._wanted: _Wanted | None = None
        self._configured = asyncio.Event()  # set once the settings are known

    def close(self) -> None:
        """Stop all work, and keep what was learnt."""
        self.answers.close()
        self.remote.close()
        self.snooze.close()
        self.training.close()
        self.reading.close()
        if self._worker.close(patience=0.3):
            self.models.save()
        self.usage.close()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what a handler or pygls raised; pygls would pop up a message for each."""
        if isinstance(error, JsonRpcInternalError) or not isinstance(error, (JsonRpcException, ValueError)):
            logger.error("%s", getattr(source, "__name__", source), exc_info=True)
        elif isinstance(error, JsonRpcException):
            logger.info("refused a message: %s", error.message)
        else:
            logger.info("a message is no JSON")

    def configure(self, values: object, *, first: bool = False) -> None:
        """Use what the editor sent for the section, and warn once for each mistake in it."""
        self._turn += 1
        self._own, problems = parse(vouched(values) if self.remote.vouched else values, self._base)
        if first:
            self._base = self._own
        self.reporter.warn_of(problems)
        self.settings = self._shared.under(self._own)
        self.usage.enable(self.settings.statistics.enable)
        set_log_level(self.settings.log_level or self._log_level)

    async def pull_settings(self) -> None:
        """Ask the editor what is configured, if it can be asked."""
        self._turn += 1
        turn = self._turn
        answer = await configured(self)
        if answer and turn == self._turn:  # else newer settings have come, or were asked for, meanwhile
            self.configure(answer[0])

    async def refresh(self) -> None:
        """Load the model that settings and folders call for, unless it is that one already."""
        self._read_projects()
        self.remote.settle(self.settings.remote)
        settings = self.settings
        self.documents.rescope(settings, self._projects)
        wanted = _Wanted(
            enable=settings.enable,
            model=self._chosen or settings.model or self._model,
            symbols=SymbolRequest(
                folders=tuple(self.documents.folders()),
                python=settings.python,
                exclude=settings.exclude,
                trusted=settings.trusted,
                keep=settings.memory.enable,
            ),
        )
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._configured.set()
        if wanted.enable:
            self.reporter.show(LOADING)
            await self._load(wanted)
        else:
            self.reading.stop()
            self.reporter.show(SWITCHED_OFF)

    def _read_projects(self) -> None:
        """Follow what the projects of the workspace's folders share, if these may be read."""
        projects = self._projects_now()
        if projects == self._projects:
            return
        self._projects = projects
        self._shared, problems = read_project(projects)
        self.reporter.warn_of(problems)
        self.settings = self._shared.under(self._own)
        self.reading.again()

    def _projects_now(self) -> tuple[ProjectFile, ...]:
        return project_files(list(map(true_path, self.documents.folders())) if self._own.trusted else [])

    async def choose(self, model: str | None) -> None:
        """Use this model until the server ends; with ``None`` the one that settings and folders call for."""
        self._chosen = model
        await self.refresh()

    async def retry(self) -> None:
        """Look again which model to use, and whether it was written anew: one may have been trained meanwhile.

        Also whether a project shares other settings now.
        """
        if self._wanted is not None and self._projects_now() != self._projects:
            await self.refresh()
        if self._wanted is not None and self.settings.enable:
            await self._load(self._wanted)

    async def look(self) -> None:
        """Look for what has changed on the disk: the model, and files where the client does not watch them."""
        self._looked = time.monotonic()
        self.remote.settle(self.settings.remote)
        self.looking.look()
        await self.retry()

    def in_use(self) -> None:
        """The person types: look once in a while."""
        if time.monotonic() - self._looked >= self._look_s:
            self._looked = time.monotonic()
            self._background.start("looking for what has changed", self.look())

    async def _take_over(self, result: TrainingResult) -> None:
        try:
            await self.retry()
        finally:  # only now: the status before may be that there is no model
            self.reporter.show_training(None)
            level = lsp.MessageType.Warning if result.state == "failed" else lsp.MessageType.Info
            self.reporter.log(level, result.message)
            self.reporter.say(level, result.message)

    def explain(self, uri: str) -> None:
        """Say in the log, once and in the background, why a document that was opened is not learnt from, if so."""
        if uri.startswith("file:"):
            self._background.start("looking at what is left out", self._explain(uri))

    async def _explain(self, uri: str) -> None:
        await self._configured.wait()
        settings, folders = self.settings, self.documents.folders()
        if not (settings.enable and settings.trusted):
            return
        reason = await asyncio.to_thread(left_out, uri, folders, settings.exclude, self.models.home)
        if reason is not None:
            path = relative_path(uri, folders)
            said = f"TinyCoder neither remembers {path} nor learns from it: {reason}."
            if self.reporter.is_new(said):
                self.reporter.log(lsp.MessageType.Info, said)

    async def details(self, item: lsp.CompletionItem) -> lsp.MarkupContent:
        """The documentation of an item that was offered."""
        folders = self.documents.folders() if self.settings.trusted else []
        installed = self.reading.symbols.installed
        opened = self.models.buffers.texts()
        asked = offered(item.label, item.data, is_module=item.kind == lsp.CompletionItemKind.Module)
        markdown = abilities_of(self.client_capabilities).markdown

        def read(path: str) -> str | None:
            if self.models.is_forgotten(path):
                return None
            return opened[path] if path in opened else read_from_disk(path, folders, installed)

        said = await asyncio.to_thread(documentation, asked, read, markdown=markdown)
        return lsp.MarkupContent(kind=lsp.MarkupKind.Markdown if markdown else lsp.MarkupKind.PlainText, value=said)

    async def _load(self, wanted: _Wanted) -> None:
        request, memory = wanted.symbols, wanted.symbols.keep
        loop = asyncio.get_running_loop()
        self.models.on_list = partial(loop.call_soon_threadsafe, self.reading.again)
        self.looking.want(request.folders if request.trusted else ())
        self.reading.symbols.want(request)

        def call(stop: Stop) -> Status:
            return self.models.load(wanted.model, request.folders, memory=memory, trusted=request.trusted)

        status: Status | None = FAILED
        try:
            status = await self._worker.answer(Kind.LOAD, call)
        except asyncio.CancelledError:
            status = None
            raise
        finally:
            if status is not None and self._wanted is wanted:
                self.reporter.show(status)
                readable = memory and request.trusted
                self.reading.index.want(request.folders if readable else [], exclude=request.exclude)

    def _engine_failed(self, fault: BaseException, n: int) -> None:
        """Begin anew with an engine that was not in the middle of something, unless that has failed too often."""
        self.reporter.fail_once("completion", fault)
        self.models.invalidate()
        if not self.settings.enable:
            return
        if n >= MAX_FAULTS:
            self.reporter.show(GIVEN_UP)
        else:
            self.reporter.show(LOADING)
            self._background.start("loading the model again", self.retry())
