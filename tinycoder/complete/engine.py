"""The completion engine: a model, a memory, and the two questions that an editor asks.

What an editor sends goes through the screen first: model, memory and names never see a secret of an open document.

``inline`` offers the rest of the line or of the block, ``popup`` whole words. Both read the document around the cursor,
heal what is half typed, and ask ``stop`` before each token. One thread at a time. Knows no protocol.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from tinycoder.complete.cache import CachedSuggestion, SuggestionCache
from tinycoder.complete.candidate import FROM_MODEL, Candidate, Document
from tinycoder.complete.completion_list import CompletionList, Vocabulary
from tinycoder.complete.confidence import THRESHOLD, chosen_ends, possible_ends
from tinycoder.complete.context import CursorContext, make_context
from tinycoder.complete.filters import Filters, around
from tinycoder.complete.ghost import LINE, MAX_LINES, Ghost, Layout, write
from tinycoder.complete.healing import Healer
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.describe import describe
from tinycoder.complete.names.importable import import_edits
from tinycoder.complete.names.known import KnownNames
from tinycoder.complete.names.name import Name
from tinycoder.complete.names.names import Names
from tinycoder.complete.names.position import NO_NAME
from tinycoder.complete.names.resolver import Resolver
from tinycoder.complete.names.unknown import unknown_names
from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import Predictor, TokenCost
from tinycoder.complete.ranking import Row
from tinycoder.complete.redact import Redactor
from tinycoder.complete.text import is_word_character, rest_of_word, typed_word
from tinycoder.errors import Cancelled
from tinycoder.memory.mixer import Mixer
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.suffix_index import Workspace
from tinycoder.memory.token_lines import TokenLines
from tinycoder.stop import Stop
from tinycoder.storage.checkpoint import Model
from tinycoder.symbols.imports.offers import OfferedNames
from tinycoder.symbols.world import World
from tinycoder.transformer.decode import Poll
from tinycoder.workspace.secrets.redaction import PLACEHOLDER

MAX_LEARNT = 3  # lines that change at once and are taken for typing; more are pasted
MORE_TRIES = 3  # for several suggestions: some come out the same, or may not be shown
TOKENS_OF_BLOCK = 4  # times as many as of a line
MAX_WAITING = 16  # typed lines that wait to be learnt from
PROSE_THRESHOLD = 0.6  # probability of the next word from which prose is offered
MAX_SOURCES = 5  # words of the popup whose place is looked up


class Engine:
    """Answers for one model and one workspace; keeps what it read last and what it suggested."""

    def __init__(
        self,
        model: Model,
        memory: Memory | None = None,
        *,
        mixer: Mixer | None = None,
        parts: Parts = Parts(),  # noqa: B008 - frozen
        threshold: float = THRESHOLD,
    ) -> None:
        self.tokenizer = model.tokenizer
        self.memory = memory if memory is not None else Memory(model.tokenizer)
        self.mixer = mixer or Mixer()
        self.parts = parts
        self.threshold = threshold
        self._predictor = Predictor(self.tokenizer, model, self.memory, self.mixer, parts)
        self._healer = Healer(self.tokenizer)
        self._names = Names()
        self._list = CompletionList(self.tokenizer, self._healer)
        self._redactor = Redactor()
        self._filters = Filters()
        self._cache = SuggestionCache()
        self._last_context: CursorContext | None = None  # ghost text is asked for where the popup was
        self._typing: dict[str, int] = {}  # the line of each file that is being typed
        self._typed: list[tuple[Document, int]] = []  # lines to learn from

    def inline(
        self,
        document: Document,
        offset: int,
        *,
        stop: Stop,
        max_tokens: int = 64,
        n: int = 1,
        block: bool = False,
        max_lines: int = MAX_LINES,
        threshold: float | None = None,
        prose: str = "sure",
    ) -> list[Candidate]:
        """Up to ``n`` different continuations of the line at ``offset``, or of the ``block``, most likely first.

        ``max_tokens`` is the most for a line, ``max_lines`` for a block. A candidate begins with the half-typed word,
        which it replaces, and goes on as far as it is sure enough: below ``threshold`` (the engine's, unless given)
        nothing is offered. One continuation in ``prose``, a comment or a string, is offered never ("off"), where it is
        nearly sure ("sure"), or like any other ("on"). Raises ``Cancelled`` once ``stop`` says so.
        """
        redacted = self._redactor.redacted(document)
        at = redacted.offset(offset)
        if at is None:
            return []
        layout = _layout(redacted.document.text, at, max_lines) if block else LINE
        max_tokens *= TOKENS_OF_BLOCK if block else 1
        if n == 1 and prose != "on" and self._names.cursor(document.path, redacted.document.text, at).prose:
            if prose == "off":
                return []
            threshold = max(self.threshold if threshold is None else threshold, PROSE_THRESHOLD)
        found = self._inline(redacted.document, at, _poll(stop), layout, max_tokens, n, threshold)
        return redacted.back(found, at, offset)

    def _inline(
        self,
        document: Document,
        offset: int,
        poll: Poll,
        layout: Layout,
        max_tokens: int,
        n: int,
        threshold: float | None,
    ) -> list[Candidate]:
        if n == 1 and self.parts.cache:
            known = self._cache.find(document.path, document.text, offset, layout)
            if known:
                shown = self._shown(document, offset, *known, threshold)
                if shown or known[1] == 0:
                    return shown
        context = self._context(document, offset)
        tries = 1 if n == 1 else n + MORE_TRIES
        candidates: dict[str, Candidate] = {}
        for written in write(
            self._predictor, self._healer, context, n=tries, max_tokens=max_tokens, layout=layout, poll=poll
        ):
            ghost = self._judged(written, context)
            if n == 1 and self.parts.cache:
                kept = self._cache.keep(document.path, document.text, offset, layout, ghost)
                if shown := self._shown(document, offset, kept, 0, threshold):
                    return shown
                continue
            found = self._candidate(document, offset, ghost, 0, 0.0 if n > 1 else threshold)
            if found:
                candidates.setdefault(found.text, found)
            if len(candidates) == n:
                break
        return sorted(candidates.values(), key=lambda candidate: -candidate.probability)

    def popup(
        self,
        document: Document,
        offset: int,
        *,
        stop: Stop,
        limit: int = 10,
        going_on: bool = False,
        imports: bool = True,
    ) -> list[Candidate]:
        """Up to ``limit`` names at ``offset`` that begin with what is typed, most likely first.

        With ``imports`` also names of other modules, which bring their import along. Where ghost text is being typed
        through, its word comes first. A list that is on the screen already (``going_on``) closes where one letter is
        left of the word, and at the end of the ghost text's word: longer words would only hide that. Raises
        ``Cancelled`` once ``stop`` says so.
        """
        redacted = self._redactor.redacted(document)
        at = redacted.offset(offset)
        if at is None:
            return []
        found = self._popup(redacted.document, at, _poll(stop), limit, going_on, imports)
        return redacted.back(found, at, offset)

    def _popup(
        self, document: Document, offset: int, poll: Poll, limit: int, going_on: bool, imports: bool
    ) -> list[Candidate]:
        followed = self._followed_word(document, offset)
        if going_on and followed == typed_word(document.text, offset):
            return []
        cursor, rows, context = self._rows(document, offset, poll, imports)
        order = self._list.choose(rows, cursor, limit, first=followed, going_on=going_on)
        if not order:
            return []
        resolver = self._names.resolver(cursor, document.text)
        return [
            self._listed(document, offset, context, cursor, resolver, row.name, probability, rank)
            for rank, (row, probability) in enumerate(order)
        ]

    def rows(self, document: Document, offset: int, *, stop: Stop) -> tuple[Cursor, list[Row]]:
        """What a list at ``offset`` is chosen from, in no order. Raises ``Cancelled`` once ``stop`` says so."""
        redacted = self._redactor.redacted(document)
        at = redacted.offset(offset)
        cursor, rows, _ = self._rows(redacted.document, at or 0, _poll(stop), imports=True)
        return cursor, rows if at is not None else []

    def _rows(
        self, document: Document, offset: int, poll: Poll, imports: bool
    ) -> tuple[Cursor, list[Row], CursorContext]:
        lines = self._update(document)
        cursor = self._names.cursor(document.path, document.text, offset)
        context = self._context(document, offset)
        if cursor.inside or cursor.position.kind == NO_NAME:
            return cursor, [], context
        names = self._names.at(cursor, document.text)
        vocabulary = Vocabulary(
            in_workspace=partial(self.memory.knows, without=document.path),
            in_file=lines.words.__contains__,
            is_member=self._names.modules(document.path).is_member,
        )
        more = self._names.importable(cursor) if imports else ()
        is_open = self._names.is_open(cursor, document.text)
        predictions = self._predictor.predictions(context)
        rows = self._list.rows(cursor, names, more, is_open, vocabulary, predictions, context.prefix_bytes, poll)
        return cursor, rows, context

    def _listed(
        self,
        document: Document,
        offset: int,
        context: CursorContext,
        cursor: Cursor,
        resolver: Resolver,
        name: Name,
        probability: float,
        rank: int,
    ) -> Candidate:
        """A row as it is shown."""
        described = describe(name, resolver)
        seen = self._seen_word(context, name.word, cursor.typed) if rank < MAX_SOURCES else None
        return Candidate(
            text=name.text,
            start=offset - len(cursor.typed),
            end=offset,
            probability=probability,
            source=described.origin or seen or FROM_MODEL,
            kind=described.kind,
            signature=described.signature,
            replace_end=offset + len(cursor.rest),
            edits=import_edits(name, document, offset, resolver),
            path=described.path,
            line=described.line,
        )

    def observe(self, document: Document) -> None:
        """The file is open and its text is this now."""
        self._update(self._redactor.redacted(document).document)

    def use(self, workspace: Workspace) -> None:
        """Know another workspace from now on; what was suggested before may be wrong."""
        before = self.memory.workspace
        self.memory.use(workspace)
        if before is None or not np.array_equal(before.corpus.ids, workspace.corpus.ids):
            self._cache.clear()

    def know(self, world: World, offered: OfferedNames | None = None) -> None:
        """Know these modules from now on: of the workspace, the standard library, the environment.

        ``offered`` are names that the workspace imports somewhere, or could.
        """
        self._names.know(world, offered or OfferedNames())
        self._cache.clear()

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Say nothing that comes from these paths from now on; in an open file of them, only what it says itself."""
        self.memory.leave_out(forgotten)
        self._names.leave_out(forgotten)
        self._cache.clear()
        self._last_context = None
        self._typed = [line for line in self._typed if not forgotten(line[0].path)]

    def forget(self, path: str) -> None:
        """The file is not open any more."""
        self.memory.close(path)
        self._names.forget(path)
        self._redactor.forget(path)
        self._cache.clear()
        self._typing.pop(path, None)
        self._typed = [line for line in self._typed if line[0].path != path]

    def learn(self, *, stop: Stop) -> bool:
        """Let the mixture learn from a line that was typed meanwhile; whether there are more of them.

        Raises ``Cancelled`` once ``stop`` says so; the line is then lost.
        """
        if self._typed and self.parts.learning:
            document, number = self._typed.pop(0)
            lines = self._lines(document)
            start, end = lines.ids_of_line(number)
            if start < end:
                self._predictor.learn_line(document, lines, start, end, _poll(stop))
        return bool(self._typed) and self.parts.learning

    def look_ahead(
        self, document: Document, offset: int, candidate: Candidate, *, stop: Stop, max_tokens: int = 64
    ) -> None:
        """Find the suggestion that comes after ``candidate`` is taken, so that it is there when it is asked for."""
        text = document.text[: candidate.start] + candidate.text + document.text[candidate.end :]
        redacted = self._redactor.redacted(Document(path=document.path, text=text))
        after, end = redacted.document, redacted.offset(candidate.start + len(candidate.text))
        if end is None:
            return
        text = after.text
        if self.parts.cache and not self._cache.find(document.path, text, end, LINE):
            context = self._context(after, end, self._lines(after))
            poll = _poll(stop)
            for written in write(
                self._predictor, self._healer, context, n=1, max_tokens=max_tokens, layout=LINE, poll=poll
            ):
                ghost = self._judged(written, context)
                self._cache.keep(document.path, text, end, LINE, ghost)
                if self._candidate(after, end, ghost, 0, None):
                    break

    def costs(self, document: Document, *, stop: Stop) -> Iterator[TokenCost]:
        """What each token of a file costs, given those above it, as if it were written from the top."""
        ids = TokenLines(self.tokenizer, document.text).ids
        return self._predictor.costs(document.path, ids, _poll(stop), learn=True)

    def _lines(self, document: Document) -> TokenLines:
        """The tokens of a text that the file does not say, or not any more."""
        known = self.memory.lines(document.path)
        return known.edited(document.text) if known else TokenLines(self.tokenizer, document.text)

    def _update(self, document: Document) -> TokenLines:
        """Know the text, and note which line is being typed: one that is left for another is learnt from."""
        lines = self.memory.update(document.path, document.text)
        self._names.observe(document.path, document.text)
        if lines.changed:
            first, n = lines.changed
            before = self._typing.pop(document.path, None)
            if before is not None and before != first and n <= MAX_LEARNT:
                self._typed = [*self._typed[1 - MAX_WAITING :], (document, before)]
            if n <= MAX_LEARNT:
                self._typing[document.path] = first + n - 1
            lines.changed = None
        return lines

    def _followed_word(self, document: Document, offset: int) -> str | None:
        """The word in the ghost text that is being typed through: editors hide it where their list disagrees."""
        found = self._cache.find(document.path, document.text, offset, LINE)
        if found is None or not found[1] < found[0].shown or not (found[1] or typed_word(document.text, offset)):
            return None
        kept, typed = found
        rest = "".join(itertools.takewhile(is_word_character, kept.ghost.text[typed : kept.shown]))
        return typed_word(document.text, offset) + rest

    def _context(self, document: Document, offset: int, lines: TokenLines | None = None) -> CursorContext:
        lines = lines or self._update(document)
        last = self._last_context
        if last is None or (last.document, last.offset) != (document, offset):
            self._last_context = last = make_context(
                document,
                offset,
                lines,
                model=self._predictor.model,
                memory=self._predictor.memory,
                infill=self.parts.infill,
                healing=self.parts.healing,
            )
        return last

    def _judged(self, ghost: Ghost, context: CursorContext) -> Ghost:
        """The ghost text with where it was seen, and less sure of names that do not exist."""
        if not ghost.text:
            return ghost
        if self.parts.names:
            document = context.document
            cursor = self._names.cursor(document.path, document.text, context.offset)
            if not cursor.inside:
                known = KnownNames(cursor, self._names.resolver(cursor, document.text), self.memory.knows)
                line = around(document.text, context.offset)[0]
                ghost = dataclasses.replace(
                    ghost, confidences=unknown_names(line, ghost.text, ghost.ends, ghost.confidences, known)
                )
        return dataclasses.replace(ghost, source=self._seen(context, ghost.ids) or FROM_MODEL)

    def _seen_word(self, context: CursorContext, word: str, typed: str) -> str | None:
        """Where the memory has seen that very word after the scene's context."""
        if not word.startswith(typed):
            return None
        piece = context.prefix_bytes.decode("utf-8", "ignore") + word[len(typed) :]
        return self._seen(context, self.tokenizer.encode(piece), whole=True)

    def _seen(self, context: CursorContext, ids: Sequence[int], *, whole: bool = False) -> str | None:
        """Where the memory has seen ``ids`` after the scene's context, in words; ``whole`` if a word must end there."""
        then = self._healer.ends_word if whole else None
        place = self._predictor.predictions(context).seen(tuple(ids), then)
        if place is None:
            return None
        times = f", {place.times} times" if place.times > 1 else ""
        return f"seen in {place.path}:{place.line}{times}"

    def _shown(
        self, document: Document, offset: int, kept: CachedSuggestion, typed: int, threshold: float | None
    ) -> list[Candidate]:
        """What is offered of a suggestion; while it is typed through, no less than was before."""
        shown = kept.shown if typed else 0
        found = self._candidate(document, offset, kept.ghost, typed, threshold, shown)
        if found is None:
            return []
        kept.shown = typed + len(found.text) - (found.end - found.start)
        return [found]

    def _candidate(
        self,
        document: Document,
        offset: int,
        ghost: Ghost,
        typed: int,
        threshold: float | None,
        shown: int = 0,
    ) -> Candidate | None:
        """The part of ``ghost`` that is offered at ``offset``, where ``typed`` characters of it stand already.

        It goes on as far as it was ``shown`` before: with what is typed that gives the text that was let through then.
        """
        wanted = self.threshold if threshold is None else threshold
        if self.parts.cut:
            ends = chosen_ends(ghost, typed=typed, threshold=wanted)
        else:
            ends = [end for end in possible_ends(ghost) if end > typed]
        ends = [end - typed for end in ends if PLACEHOLDER not in ghost.text[typed:end]]
        text = ghost.text[typed : typed + ends[-1]] if ends else ""
        if self.parts.filters and text:
            text = self._filters.let_through(document.text, offset, text, ends)
        if typed + len(text) < shown:
            text = ghost.text[typed:shown]
        if not text.strip():
            return None
        confidence = [p for end, p in zip(ghost.ends, ghost.confidences, strict=True) if end <= typed + len(text)]
        known = max((p for end, p in zip(ghost.ends, ghost.confidences, strict=True) if end <= typed), default=1.0)
        word, rest = typed_word(document.text, offset), rest_of_word(document.text, offset)
        if rest and not self._joins(document, offset, word, text, rest):
            return None
        return Candidate(
            text=word + text + rest,
            start=offset - len(word),
            end=offset + len(rest),
            probability=min(1.0, confidence[-1] / known) if confidence and known else 0.0,
            source=ghost.source,
        )

    def _joins(self, document: Document, offset: int, word: str, text: str, rest: str) -> bool:
        """Whether ``text`` may stand before the ``rest`` of a word: what they make together must exist."""
        if not word and not is_word_character(text[-1]):
            return True
        if not all(map(is_word_character, text)):
            return False
        cursor = self._names.cursor(document.path, document.text, offset)
        known = KnownNames(cursor, self._names.resolver(cursor, document.text), self.memory.knows)
        return known.exists(word + text + rest)


def _poll(stop: Stop) -> Poll:
    def poll() -> None:
        if stop():
            raise Cancelled

    return poll


def _layout(text: str, offset: int, max_lines: int) -> Layout:
    """The block that the cursor's line opens, or that it is in."""
    line = around(text, offset)[0]
    indent = len(line[: len(line) - len(line.lstrip())].expandtabs(8))
    opened = indent + 1 if line.rstrip().endswith(":") else max(1, indent)
    return Layout(block=True, indent=opened, max_lines=max_lines)
