"""What one connection to an editor holds: settings, workspace folders, worker, models, index, training.

The handlers are in ``app``, the commands in ``commands``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tinycoder import __version__
from tinycoder.complete.candidate import Document
from tinycoder.stop import Stop
from tinycoder_lsp.configuration import parse
from tinycoder_lsp.connection.protocol import Protocol
from tinycoder_lsp.documents import notebooks
from tinycoder_lsp.documents.positions import TextCursor, file_path, is_python, path_in_folder, relative_path
from tinycoder_lsp.documents.scope import Scope
from tinycoder_lsp.documents.workspace import CodeDocument, CodeWorkspace
from tinycoder_lsp.editor.client import configured
from tinycoder_lsp.editor.details import documentation, offered, read_from_disk
from tinycoder_lsp.editor.items import abilities_of
from tinycoder_lsp.editor.progress import Bar
from tinycoder_lsp.editor.status import StatusReporter
from tinycoder_lsp.engine.answers import Answers
from tinycoder_lsp.engine.models import FAILED, GIVEN_UP, LOADING, SWITCHED_OFF, Models, Status
from tinycoder_lsp.engine.worker import MAX_FAULTS, Kind, Worker
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.jobs.indexing import Index, Indexing, index_folders
from tinycoder_lsp.jobs.symbols import Place, Reader, Symbols, open_workspace
from tinycoder_lsp.jobs.training import COMMAND, Training, TrainingResult
from tinycoder_lsp.logs import set_log_level
from tinycoder_lsp.settings import Settings
from tinycoder_lsp.stats.statistics import Statistics
from tinycoder_lsp.stats.usage_recorder import UsageRecorder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """How long to wait before work that nobody asked for, in seconds."""

    idle: float = 1.0  # after the last message about a document, before learning
    index: float = 30.0  # after files were saved, before they are indexed again
    symbols: float = 0.5  # after files were saved, before it is read again what they define


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What decides which model is loaded, and what it remembers."""

    enable: bool
    model: str | None
    folders: tuple[Path, ...]
    memory: bool
    trusted: bool
    exclude: tuple[str, ...]
    python: str | None


class Session(LanguageServer):
    """pygls' server and the state behind its handlers.

    ``model`` and ``log_level`` hold where no setting says else.
    """

    protocol: Protocol

    def __init__(
        self,
        models: Models,
        *,
        model: str | None = None,
        log_level: str = "info",
        index: Index = index_folders,
        open_reader: Callable[[Path, Place], Reader] = open_workspace,
        pauses: Pauses = Pauses(),
        trainer: Sequence[str] = COMMAND,
    ) -> None:
        super().__init__("tinycoder", __version__, protocol_cls=Protocol, notebook_document_sync=notebooks.SYNC)
        self.models = models
        self.reporter = StatusReporter(self)
        self.worker = Worker(on_fault=self._engine_failed)
        self.background = Background()
        self.answers = Answers(models, self.worker, self.background, idle_s=pauses.idle)
        self.usage = UsageRecorder(Statistics(models.home))
        self.training = Training(
            models.home,
            self.background,
            bar=lambda cancel: Bar(self, "TinyCoder: training", on_cancel=cancel),
            on_progress=self._training_goes_on,
            on_end=self._training_ended,
            command=trainer,
        )
        self.indexing = Indexing(
            models,
            self.worker,
            self.background,
            index=index,
            bar=lambda: Bar(self, "TinyCoder: indexing"),
            pause_s=pauses.index,
            on_fault=lambda fault: self.reporter.fail_once("indexing", fault),
        )
        self.symbols = Symbols(
            models,
            self.worker,
            self.background,
            open_reader=open_reader,
            pause_s=pauses.symbols,
            on_fault=lambda fault: self.reporter.fail_once("symbols", fault),
        )
        self.settings = Settings()
        self.stopping = threading.Event()
        self._base = Settings()  # from initializationOptions; what is configured later lies over them
        self._turn = 0  # counts what the editor has said or was asked of its configuration
        self._model = model
        self._log_level = log_level
        self._chosen: str | None = None
        self._wanted: _Wanted | None = None
        self._scope = Scope(self.settings)
        self._editor_known: Callable[[int], object] | None = None

    def shutdown(self) -> None:
        """Let the reading loop end."""
        self.stopping.set()

    @property
    def exit_code(self) -> int:
        """What the process ends with: 0 if the client asked for ``shutdown`` before it left, else 1."""
        return 0 if self.protocol.ended_well else 1

    def when_known(self, call: Callable[[int], object]) -> None:
        """Call with the number of the editor's process as soon as it has said that."""
        self._editor_known = call

    def editor_is(self, pid: int | None) -> None:
        """The editor has said which process it is, if it wants the server to end with that."""
        if pid is not None and self._editor_known is not None:
            self._editor_known(pid)

    def close(self) -> None:
        """Stop all work, and keep what was learnt."""
        self.answers.close()
        self.training.close()
        self.indexing.close()
        self.symbols.close()
        if self.worker.close(patience=0.3):
            self.models.save()
        self.usage.close()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Faults belong in the log; pygls would pop up a message for each."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    def folders(self) -> list[Path]:
        """The workspace's folders on this machine; none if the editor opened single files."""
        workspace = self.workspace
        uris = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
        return [path for uri in uris if uri.startswith("file:") and (path := file_path(uri)).is_absolute()]

    def cursor(self, params: lsp.CompletionParams | lsp.InlineCompletionParams) -> TextCursor | None:
        """The cursor of a request in the text as it is now, or ``None`` where nothing is to be completed."""
        uri = params.text_document.uri
        document = self._counted(uri) if self.settings.enable else None
        if document is None:
            return None
        lines = document.index
        above, below = notebooks.around(self._cells(self.workspace.get_notebook_document(cell_uri=uri)), uri)
        return TextCursor(
            uri=uri,
            path=self.path_of(uri),
            lines=lines,
            offset=lines.offset(params.position),
            above=above,
            below=below,
        )

    def path_of(self, uri: str) -> str:
        """The path of a document in the workspace; of a notebook's cell, the notebook's."""
        return relative_path(self._file_of(uri), self.folders())

    def _file_of(self, uri: str) -> str:
        notebook = self.workspace.get_notebook_document(cell_uri=uri)
        return notebook.uri if notebook else uri

    def note(self, uri: str) -> None:
        """The document was opened, changed or closed: what was asked of its old text is of no use any more."""
        notebook = self.workspace.get_notebook_document(cell_uri=uri)
        if notebook is not None:
            self.note_notebook(notebook.uri, [uri])
            return
        document = self._follow(uri)
        if document is None:
            self.models.buffers.remove(unquote(uri))
        else:
            self.models.buffers.put(unquote(uri), Document(path=self.path_of(uri), text=document.index.text))
        if self.settings.enable:
            self.answers.on_activity()

    def note_notebook(self, uri: str, changed: Iterable[str]) -> None:
        """The notebook was opened, changed or closed, and so were those of its cells that are named."""
        for cell in changed:
            self._follow(cell)
        cells = self._cells(self.workspace.get_notebook_document(notebook_uri=uri))
        if any(self._counted(cell.uri) for cell in cells):
            document = Document(path=self.path_of(uri), text=notebooks.whole(cells))
            self.models.buffers.put(unquote(uri), document)
        else:
            self.models.buffers.remove(unquote(uri))
        if self.settings.enable:
            self.answers.on_activity()

    def _follow(self, uri: str) -> CodeDocument | None:
        """What was asked of the old text is of no use, and what was offered may have been taken; the document now."""
        self.worker.discard(uri)
        document = self._counted(uri)
        if document is None:
            self.usage.closed(uri)
        else:
            self.usage.edited(uri, document.index.text)
        return document

    def _counted(self, uri: str) -> CodeDocument | None:
        """The document, if it is open and what the settings let be completed."""
        workspace = self.workspace
        document = workspace.open_document(uri) if isinstance(workspace, CodeWorkspace) else None
        if document is None:
            return None
        path = path_in_folder(self._file_of(uri), self.folders())
        counts = self._scope.holds(uri, path, document.language_id, document.index.n_bytes)
        return document if counts else None

    def _cells(self, notebook: lsp.NotebookDocument | None) -> list[notebooks.Cell]:
        """The cells of a notebook that hold Python; none where there is no notebook."""
        workspace = self.workspace
        if notebook is None or not isinstance(workspace, CodeWorkspace):
            return []
        opened = ((cell.document, workspace.open_document(cell.document)) for cell in notebook.cells)
        return [
            notebooks.Cell(uri=name, text=cell.index.text)
            for name, cell in opened
            if cell is not None and is_python(name, cell.language_id)
        ]

    def configure(self, values: object, *, first: bool = False) -> None:
        """Use what the editor sent for the section, and warn once for each mistake in it."""
        self._turn += 1
        self.settings, problems = parse(values, self._base)
        if first:
            self._base = self.settings
        for problem in problems:
            self.reporter.warn_once(f"TinyCoder: {problem}.")
        self.usage.enable(self.settings.statistics.enable)
        set_log_level(self.settings.log_level or self._log_level)

    async def pull_settings(self) -> None:
        """Ask the editor what is configured, if it can be asked."""
        self._turn += 1
        turn = self._turn
        found = await configured(self)
        if found and turn == self._turn:  # else newer settings have come, or were asked for, meanwhile
            self.configure(found[0])

    async def refresh(self) -> None:
        """Load the model that settings and folders call for, unless it is that one already."""
        folders = tuple(self.folders())
        if self._scope.settings != self.settings or self._wanted is None or self._wanted.folders != folders:
            self._scope = Scope(self.settings)
            self._note_all()
        wanted = _Wanted(
            enable=self.settings.enable,
            model=self._chosen or self.settings.model or self._model,
            folders=folders,
            memory=self.settings.memory.enable,
            trusted=self.settings.trusted,
            exclude=self.settings.exclude,
            python=self.settings.python,
        )
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if wanted.enable:
            self.reporter.show(LOADING)
            await self._load(wanted)
        else:
            self.indexing.want([])
            self.symbols.want(None)
            self.reporter.show(SWITCHED_OFF)

    async def choose(self, model: str | None) -> None:
        """Use this model until the server ends; with ``None`` the one that settings and folders call for."""
        self._chosen = model
        await self.refresh()

    async def retry(self) -> None:
        """Look again which model to use, and whether it was written anew: one may have been trained meanwhile."""
        if self._wanted is not None and self.settings.enable:
            await self._load(self._wanted)

    def files_changed(self, uris: Iterable[str]) -> None:
        """Files of the workspace were saved, made or removed."""
        self.indexing.files_changed()
        self.symbols.files_changed([file_path(uri) for uri in uris if uri.startswith("file:")])

    def read_again(self) -> None:
        """Read the workspace again, for the memory and for the list."""
        self.indexing.again()
        self.symbols.again()

    async def train(self, folder: Path, *, minutes: float, preset: str | None) -> str:
        """Begin to train on a folder; the name that the model will have. Raises ``TinyCoderError``."""
        return await self.training.start(folder, minutes=minutes, preset=preset, exclude=self.settings.exclude)

    def _training_goes_on(self, percentage: int, message: str) -> None:
        self.reporter.train(percentage, f"TinyCoder is training: {percentage} %, {message}.")

    def _training_ended(self, result: TrainingResult) -> None:
        self.background.start("loading what was trained", self._take_over(result))

    async def _take_over(self, result: TrainingResult) -> None:
        try:
            await self.retry()
        finally:  # only now: the status before may be that there is no model
            self.reporter.end_training()
            level = lsp.MessageType.Warning if result.state == "failed" else lsp.MessageType.Info
            self.reporter.log(level, result.message)
            self.reporter.say(level, result.message)

    async def details(self, item: lsp.CompletionItem) -> lsp.MarkupContent:
        """What to say of a word that was offered."""
        folders, installed = self.folders() if self.settings.trusted else [], self.symbols.installed
        opened = self.models.buffers.texts()
        asked = offered(item.label, item.detail, item.data, is_module=item.kind == lsp.CompletionItemKind.Module)
        markdown = abilities_of(self.client_capabilities).markdown

        def read(path: str) -> str | None:
            if self.models.is_forgotten(path):
                return None
            return opened[path] if path in opened else read_from_disk(path, folders, installed)

        said = await asyncio.to_thread(documentation, asked, read, markdown=markdown)
        return lsp.MarkupContent(kind=lsp.MarkupKind.Markdown if markdown else lsp.MarkupKind.PlainText, value=said)

    async def _load(self, wanted: _Wanted) -> None:
        loop = asyncio.get_running_loop()
        self.models.on_list = partial(loop.call_soon_threadsafe, self.read_again)
        self.symbols.want(
            Place(
                folders=wanted.folders,
                python=wanted.python,
                exclude=wanted.exclude,
                trusted=wanted.trusted,
                keep=wanted.memory,
            )
        )

        def call(stop: Stop) -> Status:
            return self.models.load(wanted.model, wanted.folders, memory=wanted.memory, trusted=wanted.trusted)

        status: Status | None = FAILED
        try:
            status = await self.worker.answer(Kind.LOAD, call)
        except asyncio.CancelledError:
            status = None
            raise
        finally:
            if status is not None and self._wanted is wanted:
                self.reporter.show(status)
                readable = wanted.memory and wanted.trusted
                self.indexing.want(wanted.folders if readable else [], exclude=wanted.exclude)

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
            self.background.start("loading the model again", self.retry())

    def _note_all(self) -> None:
        workspace = self.workspace
        for document in list(workspace.text_documents.values()):
            if workspace.get_notebook_document(cell_uri=document.uri) is None:
                self.note(document.uri)
        for notebook in list(workspace.notebook_documents.values()):
            self.note_notebook(notebook.uri, [cell.document for cell in notebook.cells])
