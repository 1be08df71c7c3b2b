"""Ghost text at a cursor: taken from the cache, or written by the model; then cut to what may be shown."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from tinycoder.complete.blocks import block_header
from tinycoder.complete.cache import CachedSuggestion, SuggestionCache
from tinycoder.complete.candidate import FROM_MODEL, Candidate, Document, GhostRequest
from tinycoder.complete.completion_list import CompletionList
from tinycoder.complete.confidence import (
    THRESHOLDS,
    chosen_ends,
    confidence_of,
    confidence_of_typed,
    first_word,
    is_typed,
    possible_ends,
)
from tinycoder.complete.context import CursorContext
from tinycoder.complete.documents import CleanDocument
from tinycoder.complete.filters import Filters
from tinycoder.complete.gates import Offer, held_back
from tinycoder.complete.ghost import LINE, Ghost, Layout, continued, write
from tinycoder.complete.healing import Healer
from tinycoder.complete.lead import MIN_LEAD, Lead, lead, probability_of_a_name
from tinycoder.complete.names.names import Names
from tinycoder.complete.names.unknown import KnownNames, unknown_names
from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import Predictor
from tinycoder.complete.question import Question, question_of
from tinycoder.complete.text import around, columns, is_word_character, rest_of_word, typed_word
from tinycoder.complete.written import Written, ghost_of
from tinycoder.memory.ngrams import Memory
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.decode import Poll
from tinycoder.workspace.secrets.redaction import PLACEHOLDER

MORE_TRIES = 3  # beyond the suggestions requested: some are equal, or may not be shown
TOKENS_OF_BLOCK = 4  # times those of a line
SURE = 0.6  # probability of the first word, from which the completion list is not asked


class GhostText:
    """Writes ghost text for one model and one memory; keeps what it suggested."""

    def __init__(
        self,
        predictor: Predictor,
        healer: Healer,
        names: Names,
        memory: Memory,
        parts: Parts,
        listed: CompletionList,
    ) -> None:
        self._predictor = predictor
        self._healer = healer
        self._names = names
        self._memory = memory
        self._parts = parts
        self._list = listed
        self._filters = Filters()
        self._cache = SuggestionCache()
        # Where the latest request was, and whether keys led there.
        self._asked: tuple[Document | None, int, bool] = (None, 0, False)

    def at(self, opened: CleanDocument, offset: int, request: GhostRequest, poll: Poll) -> list[Candidate]:
        """The requested ghost texts at ``offset`` of the document without secrets, most likely first."""
        if request.n > 1:
            return self._several(opened, offset, request, poll)
        if (cached := self.cached(opened.document, offset, request)) is not None:
            return cached
        document = opened.document
        threshold, layout = self._threshold_at(document, offset, request), _layout(document.text, offset, request)
        for ghost in self._written(opened, offset, request, layout, poll):
            suggestion = CachedSuggestion(ghost=ghost)
            if self._parts.cache:
                self._cache.keep(document.path, document.text, offset, layout, suggestion)
            if shown := self._shown(document, offset, suggestion, 0, threshold):
                return shown
        return []

    def question(
        self, opened: CleanDocument, offset: int, request: GhostRequest, model: Model | None
    ) -> Question | None:
        """What to ask a server, whose model is ``model`` if it is one of ours; None if nothing is offered here."""
        if self._threshold_at(opened.document, offset, request) > 1:
            return None
        n_tokens = request.max_tokens * (TOKENS_OF_BLOCK if request.block else 1)
        return question_of(opened, offset, model, max_tokens=n_tokens, block=request.block)

    def served(
        self, opened: CleanDocument, offset: int, request: GhostRequest, question: Question, written: Written
    ) -> list[Candidate] | None:
        """What a server wrote, judged as our own; None if it does not begin with what is typed."""
        document, layout = opened.document, _layout(opened.document.text, offset, request)
        ghost = ghost_of(written, question.typed, layout)
        if ghost is None:
            return None
        context = self._predictor.context(document, offset, opened.lines)
        spelled = context.prefix_bytes.decode("utf-8", "ignore") + ghost.text
        ghost = dataclasses.replace(ghost, ids=tuple(self._predictor.tokenizer.encode(spelled)))
        suggestion = CachedSuggestion(ghost=self._judged(ghost, context))
        if self._parts.cache:
            self._cache.keep(document.path, document.text, offset, layout, suggestion)
        return self._shown(document, offset, suggestion, 0, self._threshold_at(document, offset, request))

    def cached(self, document: Document, offset: int, request: GhostRequest) -> list[Candidate] | None:
        """The same if it is cached, because the user types through it or it was prepared; None if it is not."""
        threshold = self._threshold_at(document, offset, request)
        if threshold > 1:
            return []
        layout = _layout(document.text, offset, request)
        known = self._cache.find(document.path, document.text, offset, layout) if self._parts.cache else None
        if known is None:
            return None
        shown = self._shown(document, offset, *known, threshold)
        return shown if shown or known[1] == 0 else None

    def _threshold_at(self, document: Document, offset: int, request: GhostRequest) -> float:
        """The probability of the next word from which ghost text is offered; above 1 if none ever is."""
        threshold = THRESHOLDS[request.eagerness]
        least = threshold.typing if self._is_typing(document, offset) else threshold.arrived
        if request.prose == "on" or not self._names.cursor(document.path, document.text, offset).prose:
            return least
        return 2.0 if request.prose == "off" else max(least, threshold.prose)

    def _is_typing(self, document: Document, offset: int) -> bool:
        """Whether a key or two since the last request led here; not a move, an acceptance, or a paste."""
        last, at, _ = self._asked
        if (document, offset) != (last, at):
            self._asked = (document, offset, last is not None and is_typed(last, at, document, offset))
        return self._asked[2]

    def look_ahead(self, opened: CleanDocument, offset: int, poll: Poll, *, max_tokens: int) -> None:
        """Write the line at ``offset`` of a text that the document may have soon, and keep it for that request."""
        document = opened.document
        if not self._parts.cache or self._cache.find(document.path, document.text, offset, LINE):
            return
        request = GhostRequest(max_tokens=max_tokens)
        for ghost in self._written(opened, offset, request, LINE, poll):
            self._cache.keep(document.path, document.text, offset, LINE, CachedSuggestion(ghost=ghost))
            if self._candidate(document, offset, ghost, THRESHOLDS[request.eagerness].arrived):
                break

    def followed_word(self, document: Document, offset: int) -> str | None:
        """The word of the ghost text that the user types through; editors hide ghost text that the list contradicts."""
        known = self._cache.find(document.path, document.text, offset, LINE)
        word = typed_word(document.text, offset)
        if known is None or not known[1] < known[0].shown or not (known[1] or word):
            return None
        suggestion, typed = known
        rest = itertools.takewhile(is_word_character, suggestion.ghost.text[typed : suggestion.shown])
        return word + "".join(rest)

    def clear(self) -> None:
        """Drop all suggestions, because the model or the memory has changed."""
        self._cache.clear()

    def _several(self, opened: CleanDocument, offset: int, request: GhostRequest, poll: Poll) -> list[Candidate]:
        candidates: dict[str, Candidate] = {}
        layout = _layout(opened.document.text, offset, request)
        ghosts: Iterable[Ghost] = self._written(opened, offset, request, layout, poll)
        if layout.opens:
            likeliest = self._written(opened, offset, dataclasses.replace(request, n=1), layout, poll)
            ghosts = itertools.chain(likeliest, ghosts)
        for ghost in ghosts:
            candidate = self._candidate(opened.document, offset, ghost, 0.0)
            if candidate:
                candidates.setdefault(candidate.text, candidate)
            if len(candidates) == request.n:
                break
        found = list(candidates.values())
        if not layout.opens:  # the more lines a block has, the less probable they all are
            found.sort(key=lambda candidate: -candidate.probability)
        return [*found[:1], *(each for each in found[1:] if round(100 * each.probability))]

    def _written(
        self, opened: CleanDocument, offset: int, request: GhostRequest, layout: Layout, poll: Poll
    ) -> Iterator[Ghost]:
        context = self._predictor.context(opened.document, offset, opened.lines)
        ghosts = write(
            self._predictor,
            self._healer,
            context,
            n=1 if request.n == 1 else request.n + MORE_TRIES,
            max_tokens=request.max_tokens * (TOKENS_OF_BLOCK if layout.block else 1),
            layout=layout,
            poll=poll,
        )
        judged = (self._judged(ghost, context) for ghost in ghosts)
        if request.n == 1 and not layout.block and self._parts.lead:
            return iter(self._led(opened, context, list(judged), request.max_tokens, poll))
        return judged

    def _led(
        self, opened: CleanDocument, context: CursorContext, ghosts: list[Ghost], max_tokens: int, poll: Poll
    ) -> list[Ghost]:
        """The ``ghosts`` with the completion list's opinion of their first name, and the list's own; best first."""
        if not ghosts or any(first_word(ghost) >= SURE for ghost in ghosts):
            return ghosts
        names = self._lead(opened, context, poll)
        if names is None:
            return ghosts
        ghosts = [names.judged(ghost) for ghost in ghosts]
        if (best := names.best()) and best[1] >= MIN_LEAD and all(names.first_name(g.text) != best[0] for g in ghosts):
            beginning = best[0][len(names.typed) :]
            own = continued(
                self._predictor, self._healer, context, beginning, best[1], max_tokens=max_tokens, poll=poll
            )
            ghosts.append(self._judged(own, context))
        return sorted(ghosts, key=lambda ghost: -ghost.ended)

    def _lead(self, opened: CleanDocument, context: CursorContext, poll: Poll) -> Lead | None:
        cursor, order = self._list.order(opened, context.offset, poll)
        if not order:
            return None
        named = probability_of_a_name(self._predictor, self._healer, context, cursor.typed, poll)
        return lead(order, cursor, named)

    def _judged(self, ghost: Ghost, context: CursorContext) -> Ghost:
        """The ghost text with its source, and with less confidence in names that do not exist."""
        if not ghost.text:
            return ghost
        if self._parts.names:
            known = self._known_names(context.document, context.offset)
            if known is not None:
                line = around(context.document.text, context.offset)[0]
                confidences = unknown_names(line, ghost.text, ghost.ends, ghost.confidences, known)
                ghost = dataclasses.replace(ghost, confidences=confidences)
        seen = self._predictor.predictions(context).seen(ghost.ids)
        return dataclasses.replace(ghost, provenance=seen or FROM_MODEL)

    def _known_names(self, document: Document, offset: int) -> KnownNames | None:
        """The names that exist at ``offset``; None in a string or a comment."""
        cursor = self._names.cursor(document.path, document.text, offset)
        if cursor.inside:
            return None
        return KnownNames(cursor, self._names.resolver(cursor, document.text), self._memory.knows)

    def _shown(
        self, document: Document, offset: int, suggestion: CachedSuggestion, typed: int, threshold: float
    ) -> list[Candidate]:
        """The part of a suggestion to offer; while the user types through it, no less than before."""
        shown = suggestion.shown if typed else 0
        candidate = self._candidate(document, offset, suggestion.ghost, threshold, typed=typed, shown=shown)
        if candidate is None:
            return []
        suggestion.shown = typed + len(candidate.text) - (candidate.end - candidate.start)
        return [candidate]

    def _candidate(
        self, document: Document, offset: int, ghost: Ghost, threshold: float, *, typed: int = 0, shown: int = 0
    ) -> Candidate | None:
        """The part of ``ghost`` to offer at ``offset``, where its first ``typed`` characters are there already."""
        text = self._cut(document, offset, ghost, threshold, typed, shown)
        word, rest = typed_word(document.text, offset), rest_of_word(document.text, offset)
        if not text.strip() or (rest and not self._joins(document, offset, word, text, rest)):
            return None
        known = confidence_of_typed(ghost, typed)
        first_line = len(text) - len(text.lstrip("\n")) + len(text.lstrip("\n").partition("\n")[0])
        probability = min(1.0, confidence_of(ghost, typed + first_line) / known) if known else 0.0
        if self._parts.gates and not shown:  # what was shown and still fits is not withdrawn
            judged = probability if threshold else None
            if self._is_held_back(document, offset, ghost, text, typed, judged):
                return None
        return Candidate(
            text=word + text + rest,
            start=offset - len(word),
            end=offset + len(rest),
            probability=probability,
            provenance=ghost.provenance,
        )

    def _cut(self, document: Document, offset: int, ghost: Ghost, threshold: float, typed: int, shown: int) -> str:
        """As much of ``ghost`` as its confidence and the filters allow, but no less than was ``shown`` before."""
        if self._parts.cut:
            ends = chosen_ends(ghost, typed=typed, threshold=threshold)
        else:
            ends = [end for end in possible_ends(ghost) if end > typed]
        ends = [end - typed for end in ends if PLACEHOLDER not in ghost.text[typed:end]]
        text = ghost.text[typed : typed + ends[-1]] if ends else ""
        if self._parts.filters and text:
            text = self._filters.let_through(document.text, offset, text, ends)
        return ghost.text[typed:shown] if typed + len(text) < shown else text

    def _is_held_back(
        self, document: Document, offset: int, ghost: Ghost, text: str, typed: int, probability: float | None
    ) -> bool:
        """Whether a gate holds back the ``text`` of a ghost of which ``typed`` characters are there already."""
        cursor = self._names.cursor(document.path, document.text, offset)
        ends = bool(ghost.ended) and typed + len(text) == len(ghost.text)
        offer = Offer(text=document.text, offset=offset, new=text, ends=ends, cursor=cursor, probability=probability)
        return held_back(offer) is not None

    def _joins(self, document: Document, offset: int, word: str, text: str, rest: str) -> bool:
        """Whether ``text`` may come before the ``rest`` of a word: the joined word must exist."""
        if not word and not is_word_character(text[-1]):
            return True
        if not all(map(is_word_character, text)):
            return False
        cursor = self._names.cursor(document.path, document.text, offset)
        known = KnownNames(cursor, self._names.resolver(cursor, document.text), self._memory.knows)
        return known.exists(word + text + rest)


def _layout(text: str, offset: int, request: GhostRequest) -> Layout:
    """The line, or the block that the cursor's line opens or belongs to."""
    if not request.block:
        return LINE
    line, header = around(text, offset)[0], block_header(text, offset)
    indent = max(1, columns(line)) if header is None else max(columns(line), columns(header) + 1)
    opens = header is not None and bool(line.strip())
    return Layout(block=True, indent=indent, max_lines=request.max_lines, opens=opens)
