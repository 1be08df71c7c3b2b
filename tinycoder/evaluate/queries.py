"""Queries to a completer at given cursors, and the outcome of each.

A file is shown up to the cursor, or with its rest behind the cursor's line; never what is asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tinycoder.complete.candidate import FROM_MODEL, Candidate, Completer, Document, Provenance
from tinycoder.complete.text import line_end, line_start
from tinycoder.evaluate.cursors import Cursor, Identifier, Stretch
from tinycoder.evaluate.measures import (
    continues,
    correct_characters,
    could_begin_a_module,
    ghost_text,
    popup_rows,
    rank,
    similarity,
)
from tinycoder.evaluate.simulated_user import USERS, Moment, Typed, offers, type_text
from tinycoder.evaluate.verbatim import THIS_FILE, Copy, Texts, copies
from tinycoder.stop import never

N_TYPED = 4  # a popup is asked for before the first, and after 1, 2 and 3 characters


@dataclass(frozen=True, kw_only=True)
class WordQuery:
    """A popup at an identifier after ``typed`` characters of it: the right row's rank, the first row's probability."""

    path: str
    kind: str
    typed: int
    rank: int | None
    probability: float | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class LineQuery:
    """Ghost text at a cursor, and what the author wrote in the rest of the line."""

    path: str
    row: int  # from 1 on
    kind: str
    before: str  # of the line
    truth: str
    ghost: str
    probability: float
    right: bool  # all of it is what comes next, and it ends between words
    valid: bool  # the file up to its end could begin a module
    keys_saved: int  # by taking it, or its right words
    seconds: float
    copies: tuple[Copy, ...] = ()  # long ones in it
    from_model: bool = False  # the engine's memory has not seen it

    @property
    def first_line(self) -> str:
        """Without the blanks at its end."""
        return self.ghost.split("\n")[0].rstrip()

    @property
    def exact(self) -> bool:
        """Whether its first line is the author's."""
        return self.first_line == self.truth

    @property
    def similarity(self) -> float:
        """Of its first line and the author's; 0 if nothing is shown."""
        return similarity(self.first_line, self.truth) if self.ghost else 0.0

    @property
    def correct(self) -> int:
        """Characters before the first wrong one."""
        return correct_characters(self.first_line, self.truth)


@dataclass(frozen=True, kw_only=True)
class TypedStretch:
    """What each of ``USERS`` did, of ``n_characters`` that are no indentation."""

    path: str
    n_characters: int
    n_ghosts: int
    users: Mapping[str, Typed]
    popup_seconds: tuple[float, ...]
    inline_seconds: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Editor:
    """Shows files to a completer up to the cursor, with ``rest`` also from the next line on, and queries it."""

    completer: Completer
    rest: bool
    clock: Callable[[], float]

    def show(self, document: Document, offset: int, hidden: int | None = None) -> Document:
        """Only what comes before ``offset``, and with ``rest`` what follows the line, or ``hidden``."""
        behind = document.text[hidden or line_end(document.text, offset) :] if self.rest else ""
        shown = Document(path=document.path, text=document.text[:offset] + behind)
        self.completer.observe(shown)
        return shown

    def ghost(self, shown: Document, offset: int) -> tuple[str, float, Provenance]:
        """The first ghost text, its probability, and where the completer says that it comes from."""
        for candidate in self.completer.inline(shown, offset, stop=never)[:1]:
            return ghost_text(candidate, shown.text, offset), candidate.probability, candidate.provenance
        return "", 0.0, FROM_MODEL

    def popup(self, shown: Document, offset: int, word_start: int) -> list[tuple[str, float]]:
        """Rows, as (text from ``word_start`` on, probability)."""
        candidates: list[Candidate] = self.completer.popup(shown, offset, stop=never)
        return popup_rows(candidates, shown.text, offset, word_start)


def query_words(
    editor: Editor, documents: Mapping[str, Document], identifiers: Sequence[Identifier]
) -> Iterator[WordQuery]:
    """Popups before and in each identifier. Those of one file are neighbours; it is closed after them."""
    for path, some in groupby(identifiers, lambda identifier: identifier.path):
        text = documents[path].text
        for identifier in some:
            for typed in range(N_TYPED):
                offset = identifier.start + typed
                start = editor.clock()
                rows = editor.popup(editor.show(documents[path], offset), offset, identifier.start)
                seconds = editor.clock() - start
                yield WordQuery(
                    path=path,
                    kind=identifier.kind,
                    typed=typed,
                    rank=rank([row for row, _ in rows], text, identifier.start, identifier.end),
                    probability=rows[0][1] if rows else None,
                    seconds=seconds,
                )
        editor.completer.forget(path)


def query_lines(
    editor: Editor, documents: Mapping[str, Document], cursors: Sequence[Cursor], known: Sequence[Texts] = ()
) -> Iterator[LineQuery]:
    """Ghost text at each cursor, and what of it is copied from the file itself or from ``known`` texts.

    Those of one file are neighbours; it is closed after them.
    """
    for path, some in groupby(cursors, lambda cursor: cursor.path):
        text = documents[path].text
        for cursor in some:
            offset = cursor.offset
            start = editor.clock()
            shown = editor.show(documents[path], offset)
            ghost, probability, source = editor.ghost(shown, offset)
            seconds = editor.clock() - start
            taken = offers(text, offset, Moment(ghost=ghost), USERS["inline+word"])
            end = line_end(text, offset)
            yield LineQuery(
                path=path,
                row=text.count("\n", 0, offset) + 1,
                kind=cursor.kind,
                before=text[line_start(text, offset) : offset],
                truth=text[offset:end].rstrip(),
                ghost=ghost,
                probability=probability,
                right=continues(text, offset, ghost.rstrip()),
                valid=bool(ghost) and could_begin_a_module(text[:offset] + ghost.rstrip() + "\n"),
                keys_saved=max((min(reached, end) - offset - keys for reached, keys in taken), default=0),
                seconds=seconds,
                copies=copies(ghost, [Texts(THIS_FILE, [shown]), *known]),
                from_model=source == FROM_MODEL,
            )
        editor.completer.forget(path)


def type_stretch(
    editor: Editor, document: Document, stretch: Stretch, words: Mapping[int, int]
) -> Iterator[TypedStretch | None]:
    """Type key by key, and ask for everything before each: None after every key, at last what the users did.

    ``words``: where a popup is open, and the start of the word there.
    """
    text, moments = document.text, dict[int, Moment]()
    popup_seconds, inline_seconds = [], []
    for offset in range(stretch.start, stretch.end):
        if text[offset] != "\n" and not text[line_start(text, offset) : offset + 1].strip(" \t"):
            continue  # indentation
        start = editor.clock()
        shown = editor.show(document, offset, stretch.end)
        rows: list[tuple[str, float]] = []
        if offset in words:
            rows = editor.popup(shown, offset, words[offset])
            popup_seconds.append(editor.clock() - start)
            start = editor.clock()
        ghost, *_ = editor.ghost(shown, offset)
        inline_seconds.append(editor.clock() - start)
        moments[offset] = Moment(ghost=ghost, rows=tuple(row for row, _ in rows), word_start=words.get(offset, offset))
        yield None
    editor.completer.forget(document.path)
    yield TypedStretch(
        path=document.path,
        n_characters=len(moments),
        n_ghosts=sum(bool(moment.ghost) for moment in moments.values()),
        users={name: type_text(text, stretch.start, stretch.end, moments, user) for name, user in USERS.items()},
        popup_seconds=tuple(popup_seconds),
        inline_seconds=tuple(inline_seconds),
    )
