"""Drafts: guesses of the next ids, which the model checks in one step (Leviathan et al. 2023).

Code repeats itself, so a guess is what followed the longest repetition of the last ids: in the text itself (prompt
lookup, Saxena 2023), in what the model made before, which is what it makes again when somebody types through a
suggestion, or in whatever else the caller has looked up, such as a repository. A product with several rows costs less
than as many with one, so a right guess saves time and a wrong one costs some; guesses of a kind that has been wrong are
made shorter, or not at all.
"""

from collections.abc import Callable, Container, Sequence

import numpy as np

from tinycoder.transformer.decode import Poll, Session, common_prefix, window_start
from tinycoder.transformer.layers import Array

MIN_REPETITION, MAX_REPETITION = 2, 32  # ids of a repetition that are looked at
BEFORE = 8  # ids before what was made that are remembered with it
MAX_GENERATED = 4096  # remembered ids; then all are forgotten
NO_ID = -1  # between two texts that were made
N_PLACES = 8  # most recent repetitions that are compared
NEAR_TIE = 1e-3  # scores nearer than this may change places when they are computed in other company
COSTS = {0: 1.0, 1: 1.4, 3: 1.75, 7: 2.4, 15: 3.3}  # of a step with so many guesses, and of the cold cache after it
MEMORY = 0.95  # weight of what was known about the guesses of a kind, against the newest
TEXT, MADE, GIVEN = "text", "made", "given"  # where a guess comes from
LATER = {TEXT: 0.8, MADE: 0.97, GIVEN: 0.8}  # how often a guess after a right one is right, to begin with

Guess = Callable[[int], tuple[list[int], int]]  # so many ids that may come next, and the length of the repetition


class Lookup:
    """Where runs of ids are in a text, which grows, shrinks or is edited."""

    def __init__(self) -> None:
        self._text: list[int] = []
        self._places: dict[tuple[int, ...], list[int]] = {}  # after each run of MIN_REPETITION ids, oldest first

    def __len__(self) -> int:
        return len(self._text)

    def follow(self, text: Sequence[int]) -> None:
        """Know ``text`` from now on. Costs as much as the part that changed."""
        common = common_prefix(self._text, text)
        for end in range(len(self._text), max(common, MIN_REPETITION - 1), -1):
            run = tuple(self._text[end - MIN_REPETITION : end])
            places = self._places[run]
            places.pop()
            if not places:
                del self._places[run]
        del self._text[common:]
        self.extend(text[common:])

    def extend(self, ids: Sequence[int]) -> None:
        """Add ``ids`` to the end of the text."""
        before = len(self._text)
        self._text += ids
        for end in range(max(before + 1, MIN_REPETITION), len(self._text) + 1):
            self._places.setdefault(tuple(self._text[end - MIN_REPETITION : end]), []).append(end)

    def propose(self, ids: Sequence[int], n: int) -> tuple[list[int], int]:
        """``n`` ids that may come after ``ids``, and how many of the last ids the text has there (0: no guess).

        Of places with as many of them the most recent. Where the text ends after the last place, ``ids`` is the
        text itself, and a guess that runs into the present repeats itself.
        """
        text = self._text
        places = self._places.get(tuple(ids[-MIN_REPETITION:]), [])
        best, length = 0, 0
        for place in reversed(places[-1 - N_PLACES :]):
            size = self._repeated(place, ids) if place < len(text) else 0
            if size > length:
                best, length = place, size
        if not length:
            return [], 0
        period = len(text) - best
        return [text[best + i % period] for i in range(n)], length

    def _repeated(self, place: int, ids: Sequence[int]) -> int:
        """How many ids before ``place`` are also the last of ``ids``."""
        text, size, most = self._text, MIN_REPETITION, min(place, len(ids), MAX_REPETITION)
        while size < most and text[place - 1 - size] == ids[-1 - size]:
            size += 1
        return size


class DraftedSession:
    """A session that looks ahead while text is made: the same scores as ``Session.next_logits``, sooner.

    Ask it for one sequence that grows by the chosen ids; any other sequence is right, too, and costs a step.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._text, self._made = Lookup(), Lookup()
        # by source and length of the repetition: how often the first guess is right, and how often one after it
        self._accuracy = {
            source: [(n / (n + 2), later) for n in range(MAX_REPETITION + 1)] for source, later in LATER.items()
        }
        self._kind = TEXT, 0
        self._past: list[int] = []
        self._guesses: list[int] = []  # what may follow the past
        self._rows: Array = np.zeros((0, session.config.vocab_size), np.float32)  # after the past, and each guess
        self._latest: list[int] = []  # what was asked about last, and where that text began to be made
        self._start = 0

    def next_logits(
        self,
        ids: Sequence[int],
        poll: Poll = lambda: None,
        guess: Guess | None = None,
        *,
        until: Container[int] = frozenset(),
    ) -> Array:
        """Scores of the token after ``ids``: (V,). ``guess`` may know better what comes than the text does.

        The caller needs no scores after an id of ``until``.
        """
        self._note(ids)
        n_past = len(self._past)
        ahead = len(ids) - n_past
        goes_on = self._latest[:n_past] == self._past
        if 0 < ahead < len(self._rows) and goes_on and self._latest[n_past:] == self._guesses[:ahead]:
            poll()
            row: Array = self._rows[ahead]
            alone = np.count_nonzero(row > row.max() - NEAR_TIE) == 1
            return row if alone else self.session.next_logits(ids, poll)
        if goes_on:
            self._learn(ids[n_past:])
        self._past, self._rows = self._latest, self._rows[:0]
        self._guesses = self._guess(ids, guess)
        context = self.session.config.context
        room = context - (len(ids) - window_start(len(ids), context, 0))
        n_wanted = next((n for n, i in enumerate(self._guesses) if i in until), len(self._guesses))
        draft = self._guesses[: self._n_worth_it(min(room, n_wanted))]
        self._rows = self.session.logits([*ids, *draft], 1 + len(draft), poll)
        scores: Array = self._rows[0]
        return scores

    def _note(self, ids: Sequence[int]) -> None:
        """Remember what was made before, if ``ids`` do not continue it."""
        latest = self._latest
        if len(ids) <= len(latest) or list(ids[: len(latest)]) != latest:
            if len(latest) > self._start:
                if len(self._made) > MAX_GENERATED:
                    self._made.follow([])
                self._made.extend([NO_ID, *latest[max(0, self._start - BEFORE) :]])
            self._start = len(ids)
        self._latest = list(ids)

    def _guess(self, ids: Sequence[int], guess: Guess | None) -> list[int]:
        """What may follow ``ids``, from the source that knows the longest repetition."""
        self._text.follow(ids)
        guesses, length = self._made.propose(ids, max(COSTS))
        if NO_ID in guesses:
            del guesses[guesses.index(NO_ID) :]
        self._kind = MADE, length
        if self._text.propose(ids, 1)[1] > length or not guesses:
            guesses, length = self._text.propose(ids, max(COSTS))
            self._kind = TEXT, length
        if guess is not None:
            given, repeated = guess(max(COSTS))
            if given and repeated > length:
                guesses, self._kind = given, (GIVEN, min(repeated, MAX_REPETITION))
        return guesses

    def _learn(self, came: Sequence[int]) -> None:
        """Note how many of the guesses came true, whether the model was asked about them or not."""
        n_right = common_prefix(self._guesses, list(came))
        seen = min(len(self._guesses), len(came), n_right + 1)
        if seen:
            source, length = self._kind
            first, later = self._accuracy[source][length]
            first += (1 - MEMORY) * ((n_right > 0) - first)
            if seen > 1:
                later += (1 - MEMORY ** (seen - 1)) * ((n_right - 1) / (seen - 1) - later)
            self._accuracy[source][length] = first, later

    def _n_worth_it(self, most: int) -> int:
        """How many guesses, at ``most``, make the most ids for their time."""
        source, length = self._kind
        first, later = self._accuracy[source][length] if self._guesses else (0.0, 0.0)
        best = max(COSTS, key=lambda n: (1 + first * sum(later**i for i in range(min(n, most)))) / COSTS[n])
        return min(best, most)
