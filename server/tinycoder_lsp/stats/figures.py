"""Counts as the figures that a person reads: today, in seven days, and in all."""

import datetime
from collections.abc import Callable

from tinycoder import html
from tinycoder_lsp.stats.counts import LATENCY_EDGES_MS, Counts, Day, Days, keys_saved, percentile_ms, since

NOTHING_YET = "Nothing has been suggested yet: open a Python file in an editor that runs `tinycoder serve`, and type."
BARS_TITLE = "Ghost text accepted, of what was shown, by day"
N_DAYS = 14  # in the picture
_BAR = 40  # characters
_NONE = "-"
_OUTCOMES = ("accepted", "partly", "typed", "ignored", "flashed")


def spans(days: Days, today: datetime.date) -> dict[str, Day]:
    """The times that figures are given for, by name."""
    return {
        "today": since(days, today),
        "7 days": since(days, today - datetime.timedelta(days=6)),
        "all": since(days, datetime.date.min),
    }


def last_days(days: Days, today: datetime.date) -> list[tuple[datetime.date, Counts]]:
    """Ghost text of each of the last ``N_DAYS`` days."""
    dates = [today - datetime.timedelta(days=n) for n in reversed(range(N_DAYS))]
    return [(date, days.get(date, Day()).inline) for date in dates]


def figures(days: Days, today: datetime.date) -> dict[str, object]:
    """For programs: ``inline`` and ``popup``, each with ``today``, ``week`` and ``all``; the rate is from 0 to 1."""
    parts = dict(zip(("today", "week", "all"), spans(days, today).values(), strict=True))
    return {
        "inline": {name: _inline(day.inline) for name, day in parts.items()},
        "popup": {name: _popup(day.popup) for name, day in parts.items()},
    }


def table(days: Days, today: datetime.date) -> list[tuple[str, ...]]:
    """A row of names, then a row for each figure; indented ones are parts of the one above."""
    parts = spans(days, today)
    rows = [(name, *map(cell, parts.values())) for name, cell in _ROWS.items()]
    return [("", *parts), *rows]


def bars(days: Days, today: datetime.date, *, full: str = "#", rest: str = ".") -> list[str]:
    """A line for each of the last days: what was accepted as ``full`` characters, what else was shown as ``rest``."""
    parts = last_days(days, today)
    most = max(1, *(counts.shown for _, counts in parts))
    lines = []
    for date, counts in parts:
        shown, taken = (round(_BAR * n / most) for n in (counts.shown, counts.taken))
        said = f"{counts.taken} of {counts.shown}" if counts.shown else ""
        lines.append(f"{date:%m-%d} {full * taken}{rest * (shown - taken)} {said}".rstrip())
    return lines


def text(days: Days, today: datetime.date) -> str:
    """Table and bars as plain text; a sentence where there is nothing."""
    if not days:
        return NOTHING_YET
    rows = table(days, today)
    first, *widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([name.ljust(first), *map(str.rjust, cells, widths)]) for name, *cells in rows]
    return "\n".join([*lines, "", BARS_TITLE, *bars(days, today)])


def page(days: Days, today: datetime.date) -> str:
    """The same as one self-contained HTML page, with charts."""
    return html.page(
        "TinyCoder statistics",
        "<p>Counted on this machine and kept here: numbers only, no names and no code. "
        "<code>tinycoder stats --clear</code> forgets them.</p>",
        _body(days, today) if days else f"<p>{html.escape(NOTHING_YET)}</p>",
    )


def _inline(counts: Counts) -> dict[str, float | None]:
    return {
        **{name: getattr(counts, name) for name in ("answers", "suggested", "shown", *_OUTCOMES)},
        "rate": _ratio(counts.taken, counts.shown),
        "accepted_chars": counts.accepted_chars,
        "typed_chars": counts.typed_chars,
        "keys_saved": keys_saved(Day(inline=counts)),
        **_percentiles(counts),
    }


def _popup(counts: Counts) -> dict[str, float | None]:
    return {
        **{name: getattr(counts, name) for name in ("answers", "suggested", "accepted")},
        "mean_rank": _ratio(counts.ranks, counts.accepted),
        "accepted_chars": counts.accepted_chars,
        "keys_saved": keys_saved(Day(popup=counts)),
        **_percentiles(counts),
    }


def _percentiles(counts: Counts) -> dict[str, float | None]:
    return {f"p{q}_ms": percentile_ms(counts.latency, q / 100) for q in (50, 95)}


def _n(value: int) -> str:
    return f"{value:,}" if value else _NONE


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _quotient(part: int, whole: int, form: str) -> str:
    return f"{part / whole:{form}}" if whole else _NONE


def _times(counts: Counts) -> str:
    values = [percentile_ms(counts.latency, q) for q in (0.5, 0.95)]
    return " / ".join(f"{value:.{value < 10:d}f}" for value in values if value is not None) or _NONE


def _body(days: Days, today: datetime.date) -> str:
    every = spans(days, today)["all"]
    by_day = [(f"{date:%a %d %b}", float(counts.taken)) for date, counts in last_days(days, today)]
    head, *rows = table(days, today)
    return "\n".join(
        [
            html.table(rows, head),
            _bars("Ghost text accepted by day", by_day),
            _outcomes(every.inline) if every.inline.shown else "",
            _latency("ghost text", every.inline),
            _latency("popup", every.popup),
        ]
    )


def _outcomes(counts: Counts) -> str:
    """Outcomes of the ghost texts that were shown."""
    outcomes = [
        ("accepted", counts.accepted),
        ("partly accepted", counts.partly),
        ("typed through", counts.typed),
        ("ignored", counts.ignored),
    ]
    return _bars(
        "Outcomes of ghost text, percent", [(f"{name} ({n:,})", 100 * n / counts.shown) for name, n in outcomes]
    )


def _bars(title: str, bars: list[tuple[str, float]]) -> str:
    return html.section(title, html.bar_chart(title, bars, digits=0))


def _latency(name: str, counts: Counts) -> str:
    if not any(counts.latency):
        return ""
    edges = [f"{edge}" if edge < 1000 else f"{edge // 1000} s" for edge in LATENCY_EDGES_MS]
    title = f"Milliseconds to the answer, {name}"
    return html.section(title, html.histogram(title, edges, counts.latency))


_ROWS: dict[str, Callable[[Day], str]] = {
    "Ghost text shown": lambda day: _n(day.inline.shown),
    "  accepted": lambda day: _n(day.inline.accepted),
    "  partly accepted": lambda day: _n(day.inline.partly),
    "  typed through": lambda day: _n(day.inline.typed),
    "  ignored": lambda day: _n(day.inline.ignored),
    "  acceptance rate": lambda day: _quotient(day.inline.taken, day.inline.shown, ".0%"),
    "Gone before it could be read": lambda day: _n(day.inline.flashed),
    "Characters accepted": lambda day: _n(day.inline.accepted_chars),
    "Characters typed through": lambda day: _n(day.inline.typed_chars),
    "Words accepted from the popup": lambda day: _n(day.popup.accepted),
    "  mean row": lambda day: _quotient(day.popup.ranks, day.popup.accepted, ".1f"),
    "  characters": lambda day: _n(day.popup.accepted_chars),
    "Keys saved, about": lambda day: _n(keys_saved(day)),
    "Ghost text, ms p50 / p95": lambda day: _times(day.inline),
    "Popup, ms p50 / p95": lambda day: _times(day.popup),
}
