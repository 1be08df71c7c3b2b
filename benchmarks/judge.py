"""What was good and bad about a typing session, from its trace.

All times are seconds since the session began.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Showing:
    """From this moment on the ghost text behind the cursor was ``text``; nothing is an empty one."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key, and what was shown from then on until the next one. The first showing is the editor's own doing."""

    at: float
    kind: Literal["type", "erase", "accept", "move", "pause"]
    text: str  # that stands before the cursor because of it
    in_flight: dict[str, int]  # requests that waited for an answer right after it, by method
    showings: list[Showing] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """What was shown when the next key came."""
        return self.showings[-1].text if self.showings else ""


@dataclass(kw_only=True)
class Exchange:
    """A request: when it was sent, cancelled and answered, with how many items; -1 for an error."""

    method: str
    at: float
    cancelled: float | None = None
    answered: float | None = None
    n_items: int = 0

    @property
    def seconds(self) -> float | None:
        """From the request to its answer, if somebody still wanted it."""
        return self.answered - self.at if self.answered is not None and self.cancelled is None else None


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """A suggestion that was taken: the document after the server's edit, and as the person saw it coming."""

    at: float
    kind: Literal["whole", "word", "row"]
    text: str
    result: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """A ghost text went away under a key that had typed its next character.

    ``expected`` is what was left of it; ``shown`` is nothing, less than that, or something else. ``back`` is how many
    seconds later it stood there again while it still fitted: a flicker. Never: ``None``.
    """

    key: int
    after: float  # seconds from the key
    expected: str
    shown: str
    back: float | None

    @property
    def kind(self) -> Literal["gone", "shorter", "other"]:
        """Outcome of the ghost text."""
        if not self.shown:
            return "gone"
        return "shorter" if self.expected.startswith(self.shown) else "other"


def withdrawals(keys: Sequence[Key]) -> list[Withdrawal]:
    """Each ghost text that was typed through and did not stay, or grow, until the key after. One a key at most."""
    found = []
    for number, (before, key) in enumerate(itertools.pairwise(keys), start=1):
        rest = _typed_through(before.shown, key)
        if rest is None or not rest.strip():
            continue
        for place, showing in enumerate(key.showings):
            if not showing.text.startswith(rest):
                back = _back(keys, number, place + 1, rest)
                found.append(
                    Withdrawal(
                        key=number,
                        after=showing.at - key.at,
                        expected=rest,
                        shown=showing.text,
                        back=None if back is None else back - showing.at,
                    )
                )
                break
    return found


def typed_through(keys: Sequence[Key]) -> int:
    """Keys that typed the next character of the ghost text."""
    return sum(_typed_through(before.shown, key) is not None for before, key in itertools.pairwise(keys))


def _typed_through(shown: str, key: Key) -> str | None:
    """What is left of a ghost text once ``key`` has typed its beginning; ``None`` if it typed something else."""
    if key.kind != "type" or not shown or not shown.startswith(key.text):
        return None
    return shown[len(key.text) :]


def _back(keys: Sequence[Key], number: int, place: int, rest: str) -> float | None:
    """When ``rest`` was shown again from a key's showing on, while it was typed through."""
    for showing in keys[number].showings[place:]:
        if showing.text.startswith(rest):
            return showing.at
    for key in keys[number + 1 :]:
        left = _typed_through(rest, key)
        if left is None or not left.strip():
            return None
        rest = left
        for showing in key.showings:
            if showing.text.startswith(rest):
                return showing.at
    return None


def stale(acceptances: Iterable[Acceptance]) -> list[Acceptance]:
    """Those that left another document than the person saw coming."""
    return [accepted for accepted in acceptances if accepted.result != accepted.reference]


def most_in_flight(exchanges: Iterable[Exchange], *, grace: float = 0.1) -> dict[str, int]:
    """The most requests of a method that waited at once; a cancelled one counts from ``grace`` seconds after."""
    steps: dict[str, list[tuple[float, int]]] = {}
    for exchange in exchanges:
        end = math.inf if exchange.answered is None else exchange.answered
        spans = [(exchange.at, end if exchange.cancelled is None else min(end, exchange.cancelled))]
        if exchange.cancelled is not None:
            spans.append((exchange.cancelled + grace, end))
        marks = steps.setdefault(exchange.method, [])
        marks += [mark for start, stop in spans if start < stop for mark in ((start, 1), (stop, -1))]
    most = {}
    for method, marks in steps.items():
        now = top = 0
        for _, step in sorted(marks):  # at the same moment an end goes first
            now += step
            top = max(top, now)
        most[method] = top
    return most


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that is at least ``share`` of them; not a number if there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
