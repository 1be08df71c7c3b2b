"""The open documents: pygls' with lines split as LSP says, and nothing read from the disk.

Here the client's text becomes the code that everything else sees: with line feeds, and without a byte-order mark.
"""

import logging
from urllib.parse import unquote

from lsprotocol import types as lsp
from pygls.workspace import PositionCodec, TextDocument, Workspace

from tinycoder.memory.change import change_of
from tinycoder.workspace.line_ends import BYTE_ORDER_MARK, as_code, line_end_of
from tinycoder_lsp.documents.positions import Lines, whole

logger = logging.getLogger(__name__)


class CodeDocument(TextDocument):
    """An open document: ``source`` is the client's text, ``index`` the code in it, whose positions are the client's.

    pygls' own cuts lines at form feeds and clamps columns off by one, which spoils edits.
    """

    def __init__(
        self,
        uri: str,
        text: str,
        version: int | None = None,
        language_id: str | None = None,
        *,
        position_codec: PositionCodec | None = None,
    ) -> None:
        super().__init__(uri, text, version, language_id, position_codec=position_codec)
        encoding = self.position_codec.encoding
        self._sent = Lines(whole(text), str(getattr(encoding, "value", encoding)))
        self.index = _code_of(self._sent)

    @property
    def source(self) -> str:
        """The text as it is in the editor."""
        return self._sent.text

    @property
    def n_bytes(self) -> int:
        """The size of the text as a file."""
        return self._sent.n_bytes

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines with their ends. Without the empty one after a last line end, as in pygls."""
        starts, text = self._sent.starts, self._sent.text
        return tuple(
            text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True) if start < end
        )

    def offset_at_position(self, client_position: lsp.Position) -> int:
        """Code points before a position."""
        return self._sent.offset(client_position)

    def apply_change(self, change: lsp.TextDocumentContentChangeEvent) -> None:
        """Apply an edit of a range, or take a new text."""
        new = whole(change.text)
        if isinstance(change, lsp.TextDocumentContentChangePartial):
            before, self._sent = self._sent, self._sent.edited(change.range, new)
            if self.index is not before and _is_within_a_line(self._sent):
                self.index = self.index.edited(change.range, new)
            else:
                self.index = _code_of(self._sent, self.index.text)
        else:
            self._sent = Lines(new, self._sent.encoding)
            self.index = _code_of(self._sent)


def _code_of(sent: Lines, before: str = "") -> Lines:
    """The code in the text that the client has ``sent``, by the lines and columns of that text; itself in most cases.

    The client's text is kept beside it, as only there an edit can join ``\\r`` and ``\\n``, or part them. ``before`` is
    the code before the edit.
    """
    has_mark = sent.text.startswith(BYTE_ORDER_MARK)
    if not has_mark and "\r" not in sent.text:
        return sent
    text = as_code(sent.text)
    change = change_of(before, text) if sent.change else None
    return Lines(text, sent.encoding, change, has_mark=has_mark, line_end=line_end_of(sent.text))


def _is_within_a_line(sent: Lines) -> bool:
    """Whether the edit that led to this text left all line ends, and the very beginning, as they were."""
    change = sent.change
    if change is None or not change.start or sent.text.startswith("\r\n", change.start - 1):
        return False
    texts = (change.before[change.start : change.old_end], sent.text[change.start : change.new_end])
    return not any(end in text for text in texts for end in "\r\n")


class CodeWorkspace(Workspace):
    """The open documents."""

    def open_document(self, uri: str) -> CodeDocument | None:
        """The document if the client has opened it. Nothing is read from the disk."""
        document = self.text_documents.get(unquote(uri))
        return document if isinstance(document, CodeDocument) else None

    def put_text_document(self, text_document: lsp.TextDocumentItem, notebook_uri: str | None = None) -> None:
        """Add a document, or a cell of a notebook."""
        super().put_text_document(text_document, notebook_uri)
        self.text_documents[unquote(text_document.uri)] = CodeDocument(
            text_document.uri,
            text_document.text,
            text_document.version,
            text_document.language_id,
            position_codec=self.position_codec,
        )

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
        notebook = self.get_notebook_document(notebook_uri=params.notebook_document.uri)
        super().remove_notebook_document(params)
        for cell in notebook.cells if notebook is not None else ():
            self.remove_text_document(cell.document)
