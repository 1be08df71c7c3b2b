"""The open documents as the engine knows them: without their secrets, and as tokens; and which lines were typed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tinycoder.complete.candidate import Document
from tinycoder.complete.names.names import Names
from tinycoder.complete.redact import Redacted, Redactor
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.token_lines import TokenLines

MAX_TYPED = 3  # lines that change at once and are taken for typing; more are pasted
MAX_WAITING = 16  # typed lines that wait to be learnt from


@dataclass(frozen=True, kw_only=True)
class OpenDocument:
    """A document without its secrets, and the tokens of that."""

    redacted: Redacted
    lines: TokenLines

    @property
    def document(self) -> Document:
        """The document without its secrets."""
        return self.redacted.document


class OpenDocuments:
    """Tells memory and names what the open documents say; neither ever sees a secret of them."""

    def __init__(self, memory: Memory, names: Names) -> None:
        self._memory = memory
        self._names = names
        self._redactor = Redactor()
        self._typing: dict[str, int] = {}  # the line of each file that is being typed
        self._typed: deque[tuple[Document, int]] = deque(maxlen=MAX_WAITING)

    def read_document(self, document: Document) -> OpenDocument:
        """Know that the file is open and says this now.

        A line that is left for another one waits to be learnt from.
        """
        redacted = self._redactor.redacted(document)
        clean = redacted.document
        lines = self._memory.update(clean.path, clean.text, clean.change)
        self._names.observe(clean.path, clean.text)
        if lines.changed:
            first, n = lines.changed
            before = self._typing.pop(clean.path, None)
            if before is not None and before != first and n <= MAX_TYPED:
                self._typed.append((clean, before))
            if n <= MAX_TYPED:
                self._typing[clean.path] = first + n - 1
            lines.changed = None
        return OpenDocument(redacted=redacted, lines=lines)

    def imagine(self, document: Document) -> OpenDocument:
        """A text that the file may have later; memory and names are not told."""
        redacted = self._redactor.redacted(document)
        return OpenDocument(redacted=redacted, lines=self._tokens(redacted.document))

    def close(self, path: str) -> None:
        """The file is not open any more."""
        self._memory.close(path)
        self._names.forget(path)
        self._redactor.forget(path)
        self._typing.pop(path, None)
        self._drop(lambda typed: typed == path)

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Say nothing that comes from these paths; of an open file of them, only what it says itself."""
        self._memory.leave_out(forgotten)
        self._names.leave_out(forgotten)
        self._drop(forgotten)

    @property
    def has_typed(self) -> bool:
        """Whether a typed line waits to be learnt from."""
        return bool(self._typed)

    def next_typed(self) -> tuple[Document, TokenLines, int]:
        """Take the oldest typed line: its document as it was then, the tokens of that, and the line's number from 0."""
        document, number = self._typed.popleft()
        return document, self._tokens(document), number

    def _tokens(self, document: Document) -> TokenLines:
        known = self._memory.lines(document.path)
        return known.edited(document.text) if known else TokenLines(self._memory.tokenizer, document.text)

    def _drop(self, leaves: Callable[[str], bool]) -> None:
        kept = [each for each in self._typed if not leaves(each[0].path)]
        self._typed = deque(kept, maxlen=MAX_WAITING)
