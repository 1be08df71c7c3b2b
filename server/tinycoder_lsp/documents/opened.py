"""Decide which open documents are completed, and pass their edits on to engine, worker and statistics."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types as lsp

from tinycoder.complete.candidate import Document
from tinycoder.workspace.project_file import ProjectFile
from tinycoder_lsp.documents import notebooks
from tinycoder_lsp.documents.buffers import Buffers
from tinycoder_lsp.documents.identity import Paths, is_view
from tinycoder_lsp.documents.positions import Lines, TextCursor, file_path, is_python, path_in_folder
from tinycoder_lsp.documents.scope import Scope
from tinycoder_lsp.documents.workspace import CodeDocument, CodeWorkspace
from tinycoder_lsp.engine.worker import Worker
from tinycoder_lsp.settings import Settings
from tinycoder_lsp.stats.suggestion_tracker import SuggestionTracker

NotebookParams = (
    lsp.DidOpenNotebookDocumentParams | lsp.DidChangeNotebookDocumentParams | lsp.DidCloseNotebookDocumentParams
)


class OpenDocuments:
    """The documents of the editor, as far as ``settings`` let them be completed.

    ``workspace`` gives them, once there has been an ``initialize``; ``on_activity`` is called after each edit.
    """

    def __init__(
        self,
        workspace: Callable[[], CodeWorkspace],
        buffers: Buffers,
        worker: Worker,
        suggestions: SuggestionTracker,
        *,
        on_activity: Callable[[], object],
    ) -> None:
        self._workspace = workspace
        self._buffers = buffers
        self._worker = worker
        self._suggestions = suggestions
        self._on_activity = on_activity
        self._scope = Scope(Settings())
        self._folders: list[Path] = []
        self._paths = Paths(buffers.uris)

    def folders(self) -> list[Path]:
        """The workspace's folders on this machine; none if the editor opened single files."""
        workspace = self._workspace()
        uris = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
        return [path for uri in uris if uri.startswith("file:") and (path := file_path(uri)).is_absolute()]

    def cursor(self, params: lsp.CompletionParams | lsp.InlineCompletionParams) -> TextCursor | None:
        """The cursor of a request in the text as it is now, or ``None`` where nothing is to be completed."""
        return self.cursor_at(params.text_document.uri, params.position)

    def cursor_at(self, uri: str, position: lsp.Position) -> TextCursor | None:
        """The cursor at a position, or ``None`` where nothing is to be completed."""
        return self._cursor(uri, lambda lines: lines.offset(position))

    def after_insertion(self, uri: str) -> TextCursor | None:
        """The end of what the latest edit put in, if that is more than a letter: a line, a paste, a suggestion."""
        cursor = self._cursor(uri, lambda lines: lines.change.new_end if lines.change else 0)
        change = cursor.lines.change if cursor else None
        return cursor if change and change.new_end > change.start + 1 else None

    def _cursor(self, uri: str, offset: Callable[[Lines], int]) -> TextCursor | None:
        document = self._completed(uri) if self._scope.settings.enable else None
        if document is None:
            return None
        lines = document.index
        notebook = self._workspace().get_notebook_document(cell_uri=uri)
        above, below = notebooks.around(self._cells(notebook), uri)
        path = self._path(notebook.uri if notebook else uri)
        return TextCursor(uri=uri, path=path, lines=lines, offset=offset(lines), above=above, below=below)

    def rescope(self, settings: Settings, projects: Sequence[ProjectFile] = ()) -> None:
        """Apply the settings, the folders and their projects to all open documents, if any of them has changed."""
        scope, folders = Scope(settings, tuple(projects)), self.folders()
        if (scope, folders) == (self._scope, self._folders):
            return
        self._scope, self._folders = scope, folders
        workspace = self._workspace()
        for document in list(workspace.text_documents.values()):
            if workspace.get_notebook_document(cell_uri=document.uri) is None:
                self.follow(document.uri)
        for notebook in list(workspace.notebook_documents.values()):
            self._follow_cells(notebook.uri, [cell.document for cell in notebook.cells])

    def follow(self, uri: str) -> None:
        """The document was opened, changed or closed."""
        notebook = self._workspace().get_notebook_document(cell_uri=uri)
        if notebook is not None:
            self._follow_cells(notebook.uri, [uri])
            return
        document = self._follow_text(uri)
        lines = document.index if document else None
        self._put(uri, Document(path=self._path(uri), text=lines.text, change=lines.change) if lines else None)

    def follow_notebook(self, params: NotebookParams) -> None:
        """The notebook was opened, changed or closed."""
        self._follow_cells(params.notebook_document.uri, _named_cells(params))

    def _follow_cells(self, notebook_uri: str, changed: Sequence[str]) -> None:
        for cell in changed:
            self._follow_text(cell)
        cells = self._cells(self._workspace().get_notebook_document(notebook_uri=notebook_uri))
        completed = any(self._completed(cell.uri) for cell in cells)
        document = Document(path=self._path(notebook_uri), text=notebooks.whole(cells))
        self._put(notebook_uri, document if completed else None)

    def _follow_text(self, uri: str) -> CodeDocument | None:
        """Drop what was asked of the old text, and count what was taken of it; returns the document now."""
        self._worker.discard(uri)
        document = self._completed(uri)
        if document is None:
            self._suggestions.closed(uri)
        else:
            self._suggestions.edited(uri, document.index.text)
        return document

    def _put(self, uri: str, document: Document | None) -> None:
        """Queue the document for the engine; ``None`` takes it away, and nothing is learnt from a view."""
        if document is None or is_view(uri):
            self._buffers.remove(unquote(uri))
            self._paths.closed(uri)
        else:
            self._buffers.put(unquote(uri), document)
        if self._scope.settings.enable:
            self._on_activity()

    def _path(self, uri: str) -> str:
        return self._paths.path(uri, self.folders())

    def _completed(self, uri: str) -> CodeDocument | None:
        """The document, if it is open and the settings let it be completed."""
        workspace = self._workspace()
        document = workspace.open_document(uri)
        if document is None:
            return None
        notebook = workspace.get_notebook_document(cell_uri=uri)
        path = path_in_folder(notebook.uri if notebook else uri, self.folders())
        return document if self._scope.holds(uri, path, document.language_id, document.n_bytes) else None

    def _cells(self, notebook: lsp.NotebookDocument | None) -> list[notebooks.Cell]:
        """The cells of a notebook that hold Python; none where there is no notebook."""
        uris = [cell.document for cell in notebook.cells] if notebook else []
        return [
            notebooks.Cell(uri=uri, text=document.index.text)
            for uri in uris
            if (document := self._workspace().open_document(uri)) and is_python(uri, document.language_id)
        ]


def _named_cells(params: NotebookParams) -> list[str]:
    """The cells that were opened, changed or closed."""
    if not isinstance(params, lsp.DidChangeNotebookDocumentParams):
        return [cell.uri for cell in params.cell_text_documents]
    cells = params.change.cells
    if cells is None:
        return []
    changed = [each.document.uri for each in cells.text_content or ()]
    if cells.structure is not None:
        changed += [cell.uri for cell in cells.structure.did_open or ()]
        changed += [cell.uri for cell in cells.structure.did_close or ()]
    return changed
