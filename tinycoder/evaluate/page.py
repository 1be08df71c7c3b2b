"""The results as one self-contained HTML page: tables, pictures, the best and the worst suggestions. No script."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from tinycoder.evaluate.charts import bar_chart, calibration_chart, histogram
from tinycoder.evaluate.evaluation import Results
from tinycoder.evaluate.measures import LATENCY_EDGES_MS, Latency
from tinycoder.evaluate.queries import LineAsked
from tinycoder.evaluate.tables import Table, tables

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #656d76; --line: #d0d7de; --page: #ffffff;
        --right: #1a7f37; --wrong: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --quiet: #8d96a0; --line: #30363d; --page: #0d1117; --right: #3fb950; --wrong: #f85149; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 1000px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } p, caption { color: var(--quiet); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--quiet); white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; font-size: 13px; }
pre .quiet { color: var(--quiet); } pre .right { color: var(--right); font-weight: 600; }
pre .wrong { color: var(--wrong); font-weight: 600; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
svg { width: 100%; max-width: 640px; height: auto; }
"""


def page(title: str, facts: Mapping[str, str], results: Results) -> str:
    """The whole page. Its pictures and suggestions are of the first variant; it quotes the held-out files."""
    first = results.variants[0]
    said = " · ".join(f"{html.escape(name)}: {html.escape(value)}" for name, value in facts.items())
    saved = [(kind, inline.keys_saved) for kind, inline in first.inline_by_place.items()]
    bars = [(kind, value) for kind, value in saved if value is not None]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{html.escape(title)}</h1><p>{said}</p>
{"".join(_table(table) for table in tables(results, most_copies=None))}
<h2>Are its probabilities kept?</h2>
{calibration_chart("Calibration", {"ghost text": first.calibration["inline"], "popup": first.calibration["popup"]})}
<h2>Keys saved by place in the code</h2>
<p>The share of the rest of the line that need not be typed, if the ghost text or its right words are taken at once.</p>
{bar_chart("Keys saved by place", bars)}
{"".join(_histogram(name, times) for name, times in first.latency_ms.items() if times.n)}
<h2>Most confident and right</h2>{_suggestions(first.best)}
<h2>Most confident and wrong</h2>{_suggestions(first.worst)}
</body></html>
"""


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f'<h2>{html.escape(table.title)}</h2><div class="wide"><table><tr>{head}</tr>{rows}</table></div>\n'


def _histogram(name: str, times: Latency) -> str:
    names = [*(f"<{edge}" for edge in LATENCY_EDGES_MS), f"≥{LATENCY_EDGES_MS[-1]}"]
    title = f"Milliseconds to the answer, {name}"
    return f"<h2>{html.escape(title)}</h2>{histogram(title, list(zip(names, times.counts, strict=True)))}\n"


def _suggestions(asked: Sequence[LineAsked]) -> str:
    return "".join(map(_suggestion, asked)) or "<p>None.</p>"


def _suggestion(asked: LineAsked) -> str:
    """The line up to the cursor, what was offered, and what the author wrote."""
    where = f"{asked.path}:{asked.row}   P = {asked.probability:.2f}   at: {asked.kind}"
    kind = "right" if asked.right else "wrong"
    typed, blank = html.escape(asked.before), " " * len(asked.before)
    ghost = html.escape(asked.ghost.rstrip())
    return (
        f'<pre><span class="quiet">{html.escape(where)}</span>\n'
        f'<span class="quiet">offered </span>{typed}<span class="{kind}">{ghost}</span>\n'
        f'<span class="quiet">author  </span>{blank}{html.escape(asked.truth)}</pre>\n'
    )
