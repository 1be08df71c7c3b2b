"""The statistics as one self-contained HTML page: a table and pictures, no script.

A browser or an editor's web view shows it in its own colours.
"""

from __future__ import annotations

import datetime
import html

from tinycoder.evaluate.charts import bar_chart, histogram
from tinycoder_lsp.stats.counts import LATENCY_EDGES_MS, Counts, Days
from tinycoder_lsp.stats.figures import NOTHING_YET, last_days, spans, table

_STYLE = """
:root { color-scheme: light dark;
        --ink: var(--vscode-foreground, #1f2328); --page: var(--vscode-editor-background, #fff);
        --quiet: var(--vscode-descriptionForeground, #656d76); --line: var(--vscode-widget-border, #d0d7de); }
@media (prefers-color-scheme: dark) {
  :root { --ink: var(--vscode-foreground, #e6edf3); --page: var(--vscode-editor-background, #0d1117);
          --quiet: var(--vscode-descriptionForeground, #8d96a0); --line: var(--vscode-widget-border, #30363d); }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 700px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } p { color: var(--quiet); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid var(--line); white-space: pre; }
th { font-weight: 600; color: var(--quiet); } th:first-child, td:first-child { text-align: left; padding-left: 0; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; } svg { width: 100%; max-width: 640px; height: auto; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(days: Days, today: datetime.date) -> str:
    """The whole page."""
    body = _body(days, today) if days else f"<p>{html.escape(NOTHING_YET)}</p>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>TinyCoder statistics</title><style>{_STYLE}</style></head><body>
<h1>TinyCoder statistics</h1>
<p>Counted on this machine and kept here: numbers only, no names and no code. <code>tinycoder stats --clear</code>
forgets them.</p>
{body}
</body></html>
"""


def _body(days: Days, today: datetime.date) -> str:
    every = spans(days, today)["all"]
    by_day = [(f"{date:%a %d %b}", float(counts.taken)) for date, counts in last_days(days, today)]
    return "\n".join(
        [
            _table(table(days, today)),
            _section("Ghost text accepted by day", bar_chart("Ghost text accepted by day", by_day, digits=0)),
            _ends(every.inline) if every.inline.shown else "",
            _latency("ghost text", every.inline),
            _latency("popup", every.popup),
        ]
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    head, *body = rows
    cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f'<div class="wide"><table><tr>{cells}</tr>{lines}</table></div>'


def _ends(counts: Counts) -> str:
    """The outcomes of the ghost texts that were shown."""
    ends = [
        ("accepted", counts.accepted),
        ("partly accepted", counts.partly),
        ("typed through", counts.typed),
        ("ignored", counts.ignored),
    ]
    bars = [(f"{name} ({n:,})", 100 * n / counts.shown) for name, n in ends]
    return _section("Outcomes of ghost text, percent", bar_chart("Outcomes of ghost text", bars, digits=0))


def _latency(name: str, counts: Counts) -> str:
    if not any(counts.latency):
        return ""
    edges = [f"{edge}" if edge < 1000 else f"{edge // 1000} s" for edge in LATENCY_EDGES_MS]  # names side by side
    names = [*(f"<{edge}" for edge in edges), f"≥{edges[-1]}"]
    title = f"Milliseconds to the answer, {name}"
    return _section(title, histogram(title, list(zip(names, counts.latency, strict=True))))


def _section(title: str, picture: str) -> str:
    return f"<h2>{html.escape(title)}</h2>{picture}"
