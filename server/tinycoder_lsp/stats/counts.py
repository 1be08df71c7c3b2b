"""What is counted of a day's suggestions: numbers only, no name and no code."""

from __future__ import annotations

import bisect
import datetime
import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tinycoder_lsp.stats.suggestion_tracker import Kind, Outcome

LATENCY_EDGES_MS = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
_NO_LATENCY = (0,) * (len(LATENCY_EDGES_MS) + 1)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Sums over any time. ``latency`` counts answers below each edge, then the rest; ``ranks`` adds popup rows' ranks.

    Of a popup only ``accepted`` of the outcomes is known.
    """

    answers: int = 0
    suggested: int = 0  # answers with something in them
    accepted: int = 0
    partly: int = 0
    typed: int = 0
    ignored: int = 0
    flashed: int = 0
    accepted_chars: int = 0
    typed_chars: int = 0
    ranks: int = 0
    latency: tuple[int, ...] = _NO_LATENCY

    @property
    def shown(self) -> int:
        """Offers of ghost text that could be read, or were taken at once."""
        return self.accepted + self.partly + self.typed + self.ignored

    @property
    def taken(self) -> int:
        """Offers that were accepted, in part at least."""
        return self.accepted + self.partly


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day's counts, or those of several days."""

    inline: Counts = Counts()
    popup: Counts = Counts()


Days = Mapping[datetime.date, Day]


def of_outcome(outcome: Outcome) -> Day:
    """One offer that has ended."""
    how: dict[str, Any] = {outcome.how: 1}
    characters = {"accepted_chars": outcome.accepted_chars, "typed_chars": outcome.typed_chars}
    return _day(outcome.kind, Counts(**how | characters, ranks=outcome.rank or 0))


def of_answer(kind: Kind, latency_ms: float, n_items: int) -> Day:
    """One answer to an editor."""
    bucket = bisect.bisect_right(LATENCY_EDGES_MS, latency_ms)
    latency = tuple(int(i == bucket) for i in range(len(_NO_LATENCY)))
    return _day(kind, Counts(answers=1, suggested=int(n_items > 0), latency=latency))


def plus(a: Day, b: Day) -> Day:
    """Both together."""
    return Day(inline=_sum(a.inline, b.inline), popup=_sum(a.popup, b.popup))


def merged(a: Days, b: Days) -> dict[datetime.date, Day]:
    """Both together, day by day."""
    return {date: plus(a.get(date, Day()), b.get(date, Day())) for date in sorted({*a, *b})}


def since(days: Days, first: datetime.date) -> Day:
    """All from the day ``first`` on."""
    return functools.reduce(plus, (day for date, day in days.items() if date >= first), Day())


def percentile_ms(latency: tuple[int, ...], q: float) -> float | None:
    """Milliseconds within which a share ``q`` of the answers came; between two edges every time is as likely.

    The last edge for what took longer; None without answers.
    """
    wanted, below = q * sum(latency), 0
    if not wanted:
        return None
    for low, high, n in zip((0, *LATENCY_EDGES_MS), LATENCY_EDGES_MS, latency, strict=False):
        if below + n >= wanted:
            return low + (high - low) * (wanted - below) / n
        below += n
    return float(LATENCY_EDGES_MS[-1])


def keys_saved(day: Day) -> int:
    """An estimate: characters accepted, less a key for each acceptance and for each row gone down in a popup."""
    inline = day.inline.accepted_chars - day.inline.taken
    return max(0, inline) + max(0, day.popup.accepted_chars - day.popup.ranks)


def to_json(days: Days) -> dict[str, dict[str, dict[str, object]]]:
    """Days by ISO 8601 date, without zeros."""
    return {
        date.isoformat(): {"inline": _counts_json(day.inline), "popup": _counts_json(day.popup)}
        for date, day in days.items()
    }


def from_json(values: object) -> dict[datetime.date, Day]:
    """What ``to_json`` gave. Raises ``ValueError`` for anything else."""
    days = {}
    for date, kinds in _object(values).items():
        read = {kind: _counts(_object(counts)) for kind, counts in _object(kinds).items()}
        if not read.keys() <= {"inline", "popup"}:
            raise ValueError(f"there is no {sorted(read)}")
        days[datetime.date.fromisoformat(date)] = Day(**read)
    return days


def _day(kind: Kind, counts: Counts) -> Day:
    return Day(inline=counts) if kind == "inline" else Day(popup=counts)


def _sum(a: Counts, b: Counts) -> Counts:
    sums = {name: getattr(a, name) + getattr(b, name) for name in _NUMBERS}
    return Counts(**sums, latency=tuple(map(int.__add__, a.latency, b.latency)))


def _counts_json(counts: Counts) -> dict[str, object]:
    values: dict[str, object] = {name: value for name in _NUMBERS if (value := getattr(counts, name))}
    return values | ({"latency": list(counts.latency)} if any(counts.latency) else {})


def _counts(values: Mapping[str, object]) -> Counts:
    latency = values.get("latency", [*_NO_LATENCY])
    if not isinstance(latency, list) or len(latency) != len(_NO_LATENCY):
        raise ValueError("latency has other edges")
    numbers = {name: _number(value) for name, value in values.items() if name != "latency"}
    if not numbers.keys() <= set(_NUMBERS):
        raise ValueError(f"there is no {sorted(numbers.keys() - set(_NUMBERS))}")
    return Counts(**numbers, latency=tuple(map(_number, latency)))


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} counts nothing")
    return value


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no object")
    return value


_NUMBERS = tuple(each.name for each in fields(Counts) if each.name != "latency")
