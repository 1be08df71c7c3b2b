"""The open documents as the engine sees them: without secrets, as tokens, and with the lines that were just typed."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tinycoder.complete.candidate import Document
from tinycoder.complete.names.names import Names
from tinycoder.complete.redact import Redacted, Redactor
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.token_lines import TokenLines

MAX_TYPED = 3  # lines that change at once and count as typed; more are pasted
MAX_WAITING = 16  # typed lines that wait for ``next_typed``


@dataclass(frozen=True, kw_only=True)
class CleanDocument:
    """A document without its secrets, and its tokens."""

    redacted: Redacted
    lines: TokenLines

    @property
    def document(self) -> Document:
        """The document without its secrets."""
        return self.redacted.document


class DocumentReader:
    """Passes the open documents to memory and names, which never see a secret of them."""

    def __init__(self, memory: Memory, names: Names) -> None:
        self._memory = memory
        self._names = names
        self._redactor = Redactor()
        self._typing: dict[str, int] = {}  # the line of each file that is being typed
        self._typed: deque[tuple[Document, int]] = deque(maxlen=MAX_WAITING)

    def read_document(self, document: Document) -> CleanDocument:
        """Take in the current text of an open file. A line is queued for learning once the user edits another one."""
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
        return CleanDocument(redacted=redacted, lines=lines)

    def imagine(self, document: Document) -> CleanDocument:
        """Read a text that the file may have later, without telling memory and names."""
        redacted = self._redactor.redacted(document)
        return CleanDocument(redacted=redacted, lines=self._tokens(redacted.document))

    def close(self, path: str) -> None:
        """Drop a file that was closed."""
        self._memory.close(path)
        self._names.forget(path)
        self._redactor.forget(path)
        self._typing.pop(path, None)
        self._drop(lambda typed: typed == path)

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Offer nothing that comes from these paths, except in an open file its own text."""
        self._memory.leave_out(forgotten)
        self._names.leave_out(forgotten)
        self._drop(forgotten)

    @property
    def has_typed(self) -> bool:
        """Whether a typed line is queued for learning."""
        return bool(self._typed)

    def next_typed(self) -> tuple[Document, TokenLines, int]:
        """Take the oldest typed line: its document as it was then, that document's tokens, the line number from 0."""
        document, number = self._typed.popleft()
        return document, self._tokens(document), number

    def _tokens(self, document: Document) -> TokenLines:
        known = self._memory.lines(document.path)
        return known.edited(document.text) if known else TokenLines(self._memory.tokenizer, document.text)

    def _drop(self, leaves: Callable[[str], bool]) -> None:
        kept = [each for each in self._typed if not leaves(each[0].path)]
        self._typed = deque(kept, maxlen=MAX_WAITING)
