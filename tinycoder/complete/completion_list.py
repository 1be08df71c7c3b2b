"""The completion list: names that fit at the cursor, ranked by the mixture and by what is known about them.

The mixture generates a name only where the code may introduce one. Where the typed word is probably complete there is
no list: editors accept a row at Enter, and at a space or a bracket nobody wants a list any more.
"""

import keyword
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tinycoder.complete.candidate import FROM_MODEL, Candidate, ListRequest
from tinycoder.complete.context import CursorContext
from tinycoder.complete.documents import CleanDocument
from tinycoder.complete.healing import Healer
from tinycoder.complete.likelihood import Speller, likelihoods
from tinycoder.complete.names import name as group
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.describe import describe
from tinycoder.complete.names.importable import import_edits
from tinycoder.complete.names.name import Name, matches
from tinycoder.complete.names.names import Names
from tinycoder.complete.names.position import ATTRIBUTE, BINDING, EXPRESSION, IMPORTED, NO_NAME, STATEMENT
from tinycoder.complete.predict import PredictionCache, Predictor
from tinycoder.complete.ranking import Row, ranked
from tinycoder.complete.word_search import complete_word
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.seen import Seen
from tinycoder.symbols.world import View
from tinycoder.transformer.decode import Poll

CLOSED = 0.25  # probability that the typed word is complete, from which there is no list
ENDED = 0.5  # the same for a typed word that is new: from there on no longer new words are listed
LIKELY = 0.5  # probability from which a name with two underscores is ranked like the others
MAX_SCORED = 400  # names that the mixture scores, those with the nearest use first
MIN_GENERATED = 0.1  # probability of a word that occurs nowhere, among the words that the mixture generates
MAX_WORDS = 10  # that the mixture may generate
MAX_SOURCES = 5  # rows whose source is looked up in the memory
MIN_IMPORT = 3  # letters that must be typed before names are offered that need an import


_Order = tuple[Cursor, list[tuple[Row, float]]]


class CompletionList:
    """Builds lists for one model and one memory; keeps the tokens of the names."""

    def __init__(self, predictor: Predictor, healer: Healer, names: Names, memory: Memory) -> None:
        self._predictor = predictor
        self._healer = healer
        self._names = names
        self._memory = memory
        self._speller = Speller(predictor.tokenizer)
        self._last: tuple[object, tuple[PredictionCache, View], _Order] | None = None
        self._equals = np.array([raw[:1] == b"=" for raw in predictor.tokenizer.raw], np.float32)

    def at(
        self, opened: CleanDocument, offset: int, request: ListRequest, poll: Poll, *, first: str | None = None
    ) -> list[Candidate]:
        """The list at ``offset`` of the document without secrets, best first; the word ``first`` leads it."""
        cursor, order = self.order(opened, offset, poll, imports=request.imports)
        shown = self.choose(order, cursor, request.limit, first=first, on_screen=request.on_screen)
        if not shown:
            return []
        resolver = self._names.resolver(cursor, opened.document.text)
        context = self._predictor.context(opened.document, offset, opened.lines)
        after = opened.document.text[offset + len(cursor.rest) :][:2]
        has_equals = after[:1] == "=" and after != "=="
        candidates: dict[str, Candidate] = {}
        for rank, (row, probability) in enumerate(shown):
            text = row.name.word if has_equals else row.name.text
            if text in candidates or (text == cursor.typed and text != row.name.text):
                continue
            described = describe(row.name, resolver)
            seen = self._seen(context, row.name.word, cursor.typed) if rank < MAX_SOURCES else None
            candidates[text] = Candidate(
                text=text,
                start=offset - len(cursor.typed),
                end=offset,
                probability=probability,
                provenance=described.origin or seen or FROM_MODEL,
                kind=described.kind,
                signature=described.signature,
                replace_end=offset + len(cursor.rest),
                edits=import_edits(row.name, opened.document, offset, resolver),
                path=described.path,
                line=described.line,
            )
        return list(candidates.values())

    def order(self, opened: CleanDocument, offset: int, poll: Poll, *, imports: bool = True) -> _Order:
        """All candidates with their probabilities, best first. Kept: the list and ghost text share a cursor."""
        predictions = self._predictor.predictions(self._predictor.context(opened.document, offset, opened.lines))
        at, known = (opened.document, offset, imports), (predictions, self._names.modules(opened.document.path))
        last = self._last
        if last is None or last[0] != at or last[1][0] is not known[0] or last[1][1] is not known[1]:
            cursor, rows = self.rows(opened, offset, poll, imports=imports)
            last = self._last = (at, known, (cursor, ranked(rows, cursor)))
        return last[2]

    def rows(self, opened: CleanDocument, offset: int, poll: Poll, *, imports: bool = True) -> tuple[Cursor, list[Row]]:
        """All candidates for the list, in no order; the typed word too, if it exists or may be introduced here."""
        document = opened.document
        cursor = self._names.cursor(document.path, document.text, offset)
        typed, position = cursor.typed, cursor.position
        if cursor.inside or position.kind == NO_NAME:
            return cursor, []
        fitting = [name for name in self._names.at(cursor, document.text) if matches(typed, name.word)]
        if len(fitting) > MAX_SCORED:
            fitting = sorted(fitting, key=lambda name: name.distance)[:MAX_SCORED]
        if imports and len(typed) >= MIN_IMPORT and position.kind in (STATEMENT, EXPRESSION):
            listed = {name.word for name in fitting}
            fitting += [name for name in self._names.importable(cursor) if name.word not in listed]
        context = self._predictor.context(document, offset, opened.lines)
        predictions = self._predictor.predictions(context)
        in_workspace = partial(self._memory.knows, without=document.path)
        in_file = opened.lines.words
        is_open = self._names.is_open(cursor, document.text)
        if is_open or position.kind == BINDING or position.may_bind or position.bracket:
            words = complete_word(
                predictions, self._healer, context.prefix_bytes, poll, word_typed=bool(typed), limit=MAX_WORDS
            )
            known = Vocabulary(in_workspace, in_file.__contains__, self._names.modules(document.path).is_member)
            fitting += _likely_words(cursor, words, fitting, known, is_open)
        exact = [name for name in fitting if name.word.startswith(typed)]
        spelled = self._speller.spell(context.prefix_bytes, typed, [name.word for name in exact])
        followed_by = [self._equals if name.text.endswith("=") else None for name in exact]
        joint = likelihoods(predictions, self._healer, spelled, poll, followed_by=followed_by)
        probability = {name.text: float(p) for name, p in zip(exact, joint, strict=True)}
        return cursor, [
            Row(
                name=name,
                probability=probability.get(name.text, 0.0),
                in_workspace=in_workspace(name.word),
                in_file=name.word in in_file,
                whole=name.text == typed,
            )
            for name in fitting
        ]

    def choose(
        self,
        order: Sequence[tuple[Row, float]],
        cursor: Cursor,
        limit: int,
        *,
        first: str | None = None,
        on_screen: bool = False,
    ) -> list[tuple[Row, float]]:
        """The rows of ``order`` to show with their probabilities, best first; the word ``first`` leads them.

        There are none if the typed word is probably complete; if it is a new name, only longer new names are left out.
        A name that still needs its import is not complete: it is shown before longer ones.

        A list that is on the screen (``on_screen``) closes one letter earlier. Editors show the old rows until the new
        ones arrive, and an Enter meanwhile accepts one; a row that saves one letter is not worth its own key.
        """
        if on_screen:
            if sum(share for row, share in order if _lacks_one(row, cursor.typed)) >= CLOSED:
                return []
            order = [(row, share) for row, share in order if not _lacks_one(row, cursor.typed)]
        groups = {row.name.group for row, _ in order if row.whole}
        unbound = groups == {group.NEEDS_IMPORT}
        if not unbound:
            whole = sum(share for row, share in order if row.whole)
            exists = group.NEW not in groups and not any(row.whole and row.name.is_passing for row, _ in order)
            if exists and whole >= CLOSED:
                return []
            if not exists and whole >= ENDED:
                order = [(row, share) for row, share in order if row.name.group != group.NEW]
        shown = [(row, share) for row, share in order if not row.whole]
        shown.sort(key=lambda each: (each[0].name.word != first, not cursor.typed and _is_aside(*each)))
        if unbound and shown:
            shown = [*((row, share) for row, share in order if row.whole), *shown]
        return shown[:limit]

    def _seen(self, context: CursorContext, word: str, typed: str) -> Seen | None:
        """Where the memory has seen exactly this word at the cursor."""
        if not word.startswith(typed):
            return None
        piece = context.prefix_bytes.decode("utf-8", "ignore") + word[len(typed) :]
        ids = self._predictor.tokenizer.encode(piece)
        return self._predictor.predictions(context).seen(tuple(ids), self._healer.ends_word)


@dataclass(frozen=True)
class Vocabulary:
    """Whether the workspace has a word, whether the file has it, and whether any known class has such a member."""

    in_workspace: Callable[[str], bool]
    in_file: Callable[[str], bool]
    is_member: Callable[[str], bool]


def _likely_words(
    cursor: Cursor, words: Sequence[tuple[str, float]], fitting: Sequence[Name], vocabulary: Vocabulary, is_open: bool
) -> list[Name]:
    """Words that the mixture finds likely: any, where the code may introduce a name; else those that occur somewhere.

    The latter may follow the dot of an unknown receiver, name an argument of a function that takes any, or be bound by
    a comprehension later.
    """
    typed, position = cursor.typed, cursor.position
    listed = {name.text for name in fitting}
    introduces = position.kind == BINDING or position.may_bind
    likely = []
    for word, p in [(typed, 1.0), *((typed + rest, p) for rest, p in words)]:
        if not word.isidentifier() or keyword.iskeyword(word):
            continue
        in_workspace = vocabulary.in_workspace(word)
        in_file = vocabulary.in_file(word) and word != typed
        exists = in_file or in_workspace
        if position.kind in (ATTRIBUTE, IMPORTED) and not introduces:  # members named in this file are listed already
            if in_workspace and word not in listed and (word != typed or vocabulary.is_member(word)):
                likely.append(Name(text=word, group=group.SEEN))
            continue
        is_argument = is_open and position.call is not None and word not in position.call.given
        if is_argument and exists and f"{word}=" not in listed:
            likely.append(Name(text=f"{word}=", group=group.SEEN, kind="parameter"))
        if word not in listed and ((introduces and (exists or p >= MIN_GENERATED)) or (position.bracket and in_file)):
            likely.append(Name(text=word, group=group.USED if exists else group.NEW))
    return likely


def _lacks_one(row: Row, typed: str) -> bool:
    """Whether one more letter completes the row."""
    return bool(typed) and row.name.text[:-1] == typed


def _is_aside(row: Row, share: float) -> bool:
    """Whether a row comes last while no letter is typed: a member that every object has."""
    return row.name.word.startswith("__") and share < LIKELY
