"""The completion engine: a model and a memory answer an editor's two questions.

``inline`` offers the rest of the line or of the block, ``popup`` names. Both read the document around the cursor, heal
the half-typed word, and call ``stop`` before each token. The engine redacts the secrets of open documents before it
reads them. One thread at a time.
"""

from collections.abc import Callable, Iterator

import numpy as np

from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest
from tinycoder.complete.completion_list import CompletionList
from tinycoder.complete.documents import DocumentReader
from tinycoder.complete.healing import Healer
from tinycoder.complete.inline import GhostText
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.names import Names
from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import Predictor, TokenCost
from tinycoder.complete.question import Question
from tinycoder.complete.ranking import Row
from tinycoder.complete.text import typed_word
from tinycoder.complete.written import Written
from tinycoder.errors import Cancelled
from tinycoder.memory.mixer import Mixer
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.suffix_index import SuffixIndex
from tinycoder.memory.token_lines import TokenLines
from tinycoder.stop import Stop
from tinycoder.storage.checkpoint import Model
from tinycoder.symbols.imports.offers import OfferedNames
from tinycoder.symbols.world import World
from tinycoder.transformer.decode import Poll


class Engine:
    """Completes with one model for one workspace; keeps what it read last and what it suggested."""

    def __init__(
        self,
        model: Model,
        memory: Memory | None = None,
        *,
        mixer: Mixer | None = None,
        parts: Parts = Parts(),
    ) -> None:
        self.tokenizer = model.tokenizer
        self.memory = memory if memory is not None else Memory(model.tokenizer)
        self.mixer = mixer or Mixer()
        self.parts = parts
        self._predictor = Predictor(self.tokenizer, model, self.memory, self.mixer, parts)
        self._names = Names()
        self._documents = DocumentReader(self.memory, self._names)
        healer = Healer(self.tokenizer)
        self._list = CompletionList(self._predictor, healer, self._names, self.memory)
        self._ghost = GhostText(self._predictor, healer, self._names, self.memory, parts, self._list)

    def inline(
        self,
        document: Document,
        offset: int,
        request: GhostRequest = GhostRequest(),
        *,
        stop: Stop,
    ) -> list[Candidate]:
        """The ghost texts at ``offset``, most likely first.

        A candidate begins with the half-typed word, which it replaces, and continues as far as the confidence allows.
        Raises ``Cancelled`` once ``stop()`` is true.
        """
        opened = self._documents.read_document(document)
        at = opened.redacted.offset(offset)
        if at is None:
            return []
        return opened.redacted.back(self._ghost.at(opened, at, request, _poll(stop)), at, offset)

    def cached_inline(self, document: Document, offset: int, request: GhostRequest) -> list[Candidate] | None:
        """The same if it is cached, because the user types through it or it was prepared; None if it is not."""
        opened = self._documents.read_document(document)
        at = opened.redacted.offset(offset)
        if at is None:
            return []
        cached = self._ghost.cached(opened.document, at, request)
        return None if cached is None else opened.redacted.back(cached, at, offset)

    def question(
        self, document: Document, offset: int, request: GhostRequest, model: Model | None = None
    ) -> Question | None:
        """What to ask a server for ghost text; None where there is nothing to ask.

        ``model`` is the server's if it is one of ours; it needs no parameters.
        """
        opened = self._documents.read_document(document)
        at = opened.redacted.offset(offset)
        return None if at is None else self._ghost.question(opened, at, request, model)

    def served(
        self, document: Document, offset: int, request: GhostRequest, question: Question, written: Written
    ) -> list[Candidate] | None:
        """The ghost texts at ``offset`` by what a server has ``written``; None if that does not go on from there."""
        opened = self._documents.read_document(document)
        at = opened.redacted.offset(offset)
        served = None if at is None else self._ghost.served(opened, at, request, question, written)
        return None if served is None or at is None else opened.redacted.back(served, at, offset)

    def popup(
        self,
        document: Document,
        offset: int,
        request: ListRequest = ListRequest(),
        *,
        stop: Stop,
    ) -> list[Candidate]:
        """The names at ``offset`` that begin with the typed word, most likely first.

        While the user types through a ghost text, its word comes first. A list that is on the screen closes when one
        letter of the word is missing, and at the end of the ghost text's word: longer words would only hide the rest.
        Raises ``Cancelled`` once ``stop()`` is true.
        """
        opened = self._documents.read_document(document)
        at = opened.redacted.offset(offset)
        if at is None:
            return []
        followed = self._ghost.followed_word(opened.document, at)
        if request.on_screen and followed == typed_word(opened.document.text, at):
            return []
        return opened.redacted.back(self._list.at(opened, at, request, _poll(stop), first=followed), at, offset)

    def rows(self, document: Document, offset: int, *, stop: Stop) -> tuple[Cursor, list[Row]]:
        """All rows for a list at ``offset``, in no order. Raises ``Cancelled`` once ``stop()`` is true."""
        opened = self._documents.read_document(document)
        at = opened.redacted.offset(offset)
        cursor, rows = self._list.rows(opened, at or 0, _poll(stop))
        return cursor, rows if at is not None else []

    def look_ahead(
        self, document: Document, offset: int, candidate: Candidate, *, stop: Stop, max_tokens: int = 64
    ) -> None:
        """Write the ghost text that follows once ``candidate`` is accepted, and keep it for that request."""
        text = document.text[: candidate.start] + candidate.text + document.text[candidate.end :]
        opened = self._documents.imagine(Document(path=document.path, text=text))
        at = opened.redacted.offset(candidate.start + len(candidate.text))
        if at is not None:
            self._ghost.look_ahead(opened, at, _poll(stop), max_tokens=max_tokens)

    def prepare(self, document: Document, offset: int, *, stop: Stop) -> None:
        """Read the prompt at ``offset``, which the next answer there needs first.

        Raises ``Cancelled`` once ``stop()`` is true; what was read until then is kept.
        """
        opened = self._documents.read_document(document)
        at = opened.redacted.offset(offset)
        if at is not None:
            self._predictor.after(self._predictor.context(opened.document, at, opened.lines), (), _poll(stop))

    def observe(self, document: Document) -> None:
        """Take in the current text of an open file."""
        self._documents.read_document(document)

    def forget(self, path: str) -> None:
        """Drop a file that was closed."""
        self._documents.close(path)
        self._ghost.clear()

    def use(self, workspace: SuffixIndex) -> None:
        """Use another index of the workspace from now on; drop cached suggestions if its ids differ."""
        before = self.memory.workspace
        self.memory.use(workspace)
        if before is None or not np.array_equal(before.corpus.ids, workspace.corpus.ids):
            self._ghost.clear()

    def know(self, world: World, offered: OfferedNames | None = None) -> None:
        """Use these modules of the workspace, the standard library and the environment from now on.

        ``offered`` are names that the workspace imports somewhere, or could.
        """
        self._names.know(world, offered or OfferedNames())
        self._ghost.clear()

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Offer nothing that comes from these paths from now on, except in an open file its own text."""
        self._documents.leave_out(forgotten)
        self._ghost.clear()

    def learn(self, *, stop: Stop) -> bool:
        """Update the mixture's weights with one typed line; True if more lines are queued.

        Raises ``Cancelled`` once ``stop()`` is true; the line is then lost.
        """
        if self.parts.learning and self._documents.has_typed:
            document, lines, number = self._documents.next_typed()
            start, end = lines.ids_of_line(number)
            if start < end:
                self._predictor.learn_line(document, lines, start, end, _poll(stop))
        return self.parts.learning and self._documents.has_typed

    def costs(self, document: Document, *, stop: Stop) -> Iterator[TokenCost]:
        """The cost of each token of a file, given the tokens before it, as if the file were written from the top."""
        ids = TokenLines(self.tokenizer, document.text).ids
        return self._predictor.costs(document.path, ids, _poll(stop), learn=True)


def _poll(stop: Stop) -> Poll:
    def poll() -> None:
        if stop():
            raise Cancelled

    return poll
