"""What is counted of a day's suggestions: numbers only, no name and no code."""

import bisect
import datetime
import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from tinycoder.validate import Range, read
from tinycoder_lsp.stats.suggestion_tracker import Kind, Outcome

LATENCY_EDGES_MS = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
_NO_LATENCY = (0,) * (len(LATENCY_EDGES_MS) + 1)
_Number = Annotated[int, Range(0)]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Sums over any time. ``latency`` counts answers below each edge, then the rest; ``ranks`` adds popup rows' ranks.

    Of a popup only ``accepted`` of the outcomes is known.
    """

    answers: _Number = 0
    suggested: _Number = 0  # answers with something in them
    accepted: _Number = 0
    partly: _Number = 0
    typed: _Number = 0
    ignored: _Number = 0
    flashed: _Number = 0
    accepted_chars: _Number = 0
    typed_chars: _Number = 0
    ranks: _Number = 0
    latency: tuple[_Number, ...] = _NO_LATENCY

    def __post_init__(self) -> None:
        if len(self.latency) != len(_NO_LATENCY):
            raise ValueError("latency has other edges")

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
    return Day(**{outcome.kind: Counts(**how | characters, ranks=outcome.rank or 0)})


def of_answer(kind: Kind, latency_ms: float, n_items: int) -> Day:
    """One answer to an editor."""
    bucket = bisect.bisect_right(LATENCY_EDGES_MS, latency_ms)
    latency = tuple(int(i == bucket) for i in range(len(_NO_LATENCY)))
    return Day(**{kind: Counts(answers=1, suggested=int(n_items > 0), latency=latency)})


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
        date.isoformat(): {
            kind: {name: n for name, n in counts.items() if n not in (0, _NO_LATENCY)}
            for kind, counts in asdict(day).items()
        }
        for date, day in days.items()
    }


def from_json(values: object) -> dict[datetime.date, Day]:
    """What ``to_json`` gave. Raises ``ValueError`` for anything else."""
    return {datetime.date.fromisoformat(date): day for date, day in read(dict[str, Day], values).items()}


def _sum(a: Counts, b: Counts) -> Counts:
    sums = {name: n + getattr(b, name) for name, n in vars(a).items() if name != "latency"}
    return Counts(**sums, latency=tuple(map(int.__add__, a.latency, b.latency)))
