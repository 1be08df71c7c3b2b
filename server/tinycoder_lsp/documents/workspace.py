"""The open documents: pygls' with its gaps closed. Lines are split as LSP says, and nothing is read from the disk.

Knows no message.
"""

from __future__ import annotations

import logging
from urllib.parse import quote, unquote

from lsprotocol import types as lsp
from pygls.workspace import TextDocument, Workspace

from tinycoder_lsp.documents.positions import Lines, whole

logger = logging.getLogger(__name__)


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
        codec, kind = self.position_codec, self._sync_kind
        # pygls takes the URI apart, and some clients send what is none.
        document = CodeDocument(
            quote(doc_uri, errors="replace"), source, version, language_id, sync_kind=kind, position_codec=codec
        )
        document.uri = doc_uri
        return document
