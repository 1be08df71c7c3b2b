"""The statistics as one self-contained HTML page: a table and charts."""

from __future__ import annotations

import datetime

from tinycoder import html
from tinycoder_lsp.stats.counts import LATENCY_EDGES_MS, Counts, Days
from tinycoder_lsp.stats.figures import NOTHING_YET, last_days, spans, table


def page(days: Days, today: datetime.date) -> str:
    """The whole page."""
    return html.page(
        "TinyCoder statistics",
        "<p>Counted on this machine and kept here: numbers only, no names and no code. "
        "<code>tinycoder stats --clear</code> forgets them.</p>",
        _body(days, today) if days else f"<p>{html.escape(NOTHING_YET)}</p>",
    )


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
