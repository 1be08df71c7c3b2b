"""Drafts: guesses of the next ids, which the model checks in one step (Leviathan et al. 2023).

Code repeats itself, so the guess is what followed the longest repetition of the last ids (prompt lookup, Saxena
2023). A product with several rows costs less than as many with one, so a right guess saves time and a wrong one
costs some; guesses that have been wrong are made shorter, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycoder.decode import Poll, Session, common_prefix, window_start
from tinycoder.layers import Array

SHORTEST, LONGEST = 2, 32  # ids of a repetition that are looked at
N_PLACES = 8  # most recent repetitions that are compared
NEAR_TIE = 1e-3  # scores nearer than this may change places when they are computed in other company
COSTS = {0: 1.0, 1: 1.5, 3: 2.1, 7: 2.8, 15: 4.0}  # of a step that checks so many guesses, in plain steps
MEMORY = 0.9  # weight of what was known about the guesses of a kind, against the newest


class Lookup:
    """Where the ids of a sequence repeat themselves; follows as the sequence grows, shrinks or is edited."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._places: dict[tuple[int, ...], list[int]] = {}  # after each run of SHORTEST ids, oldest first

    def follow(self, ids: Sequence[int]) -> None:
        """Know ``ids`` from now on. Costs as much as the part that changed."""
        common = common_prefix(self._ids, ids)
        for end in range(len(self._ids), max(common, SHORTEST - 1), -1):
            self._places[tuple(self._ids[end - SHORTEST : end])].pop()
        del self._ids[common:]
        self._ids += ids[common:]
        for end in range(max(common + 1, SHORTEST), len(ids) + 1):
            self._places.setdefault(tuple(self._ids[end - SHORTEST : end]), []).append(end)

    def propose(self, n: int) -> tuple[list[int], int]:
        """``n`` ids that may come next, and how many of the last ids are the repetition that says so (0: no guess).

        Of repetitions of equal length the most recent. A guess that runs into the present repeats itself.
        """
        ids = self._ids
        places = self._places.get(tuple(ids[-SHORTEST:]), [])
        best, length = 0, 0
        for place in reversed(places[-1 - N_PLACES : -1]):
            size = self._repeated(place)
            if size > length:
                best, length = place, size
        if not length:
            return [], 0
        period = len(ids) - best
        return [ids[best + i % period] for i in range(n)], length

    def _repeated(self, place: int) -> int:
        """How many ids before ``place`` are also the last ids."""
        ids, size = self._ids, SHORTEST
        while size < min(place, LONGEST) and ids[place - 1 - size] == ids[-1 - size]:
            size += 1
        return size


class DraftedSession:
    """A session that looks ahead while text is made: the same scores as ``Session.next_logits``, sooner.

    Ask it for one sequence that grows by the chosen ids; any other sequence is right, too, and costs a step.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._lookup = Lookup()
        self._accuracy = [n / (n + 1) for n in range(LONGEST + 1)]  # of a guess, by length of the repetition
        self._past: list[int] = []
        self._guesses: list[int] = []  # what may follow the past
        self._length = 0  # of the repetition that they come from
        self._rows: Array = np.zeros((0, session.config.vocab_size), np.float32)  # after the past, and after each guess

    def next_logits(self, ids: Sequence[int], poll: Poll = lambda: None) -> Array:
        """Scores of the token after ``ids``: (V,)."""
        n_past = len(self._past)
        ahead = len(ids) - n_past
        goes_on = list(ids[:n_past]) == self._past
        if 0 < ahead < len(self._rows) and goes_on and list(ids[n_past:]) == self._guesses[:ahead]:
            poll()
            row: Array = self._rows[ahead]
            second, first = np.partition(row, -2)[-2:]
            return row if first - second > NEAR_TIE else self.session.next_logits(ids, poll)
        if goes_on:
            self._learn(ids[n_past:])
        self._past, self._rows = list(ids), self._rows[:0]
        self._lookup.follow(ids)
        self._guesses, self._length = self._lookup.propose(max(COSTS))
        context = self.session.config.context
        room = context - (len(ids) - window_start(len(ids), context, 0))
        draft = self._guesses[: min(room, self._n_worth_it())]
        self._rows = self.session.logits([*ids, *draft], 1 + len(draft), poll)
        scores: Array = self._rows[0]
        return scores

    def _learn(self, came: Sequence[int]) -> None:
        """Note how many of the guesses came true, whether the model was asked about them or not."""
        n_right = common_prefix(self._guesses, list(came))
        seen = min(len(self._guesses), len(came), n_right + 1)
        if seen:
            known = self._accuracy[self._length]
            self._accuracy[self._length] = known + (1 - MEMORY**seen) * (n_right / seen - known)

    def _n_worth_it(self) -> int:
        """Number of guesses that makes the most ids for its time."""
        p = self._accuracy[self._length] if self._guesses else 0.0
        return max(COSTS, key=lambda n: sum(p**i for i in range(n + 1)) / COSTS[n])
