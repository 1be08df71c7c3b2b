"""Self-contained HTML pages for a browser or an editor's web view: tables and charts as inline SVG, no script.

Functions escape the text that they take; the body of a ``page`` or a ``section`` is HTML.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape as escape

WIDTH, MARGIN = 640, 48  # of a chart
COLOURS = ("#2a78d6", "#eb6834")

_STYLE = """
:root { color-scheme: light dark; --right: #1a7f37; --wrong: #cf222e;
        --ink: var(--vscode-foreground, #1f2328); --page: var(--vscode-editor-background, #fff);
        --quiet: var(--vscode-descriptionForeground, #656d76); --line: var(--vscode-widget-border, #d0d7de); }
@media (prefers-color-scheme: dark) {
  :root { --ink: var(--vscode-foreground, #e6edf3); --page: var(--vscode-editor-background, #0d1117);
          --quiet: var(--vscode-descriptionForeground, #8d96a0); --line: var(--vscode-widget-border, #30363d);
          --right: #3fb950; --wrong: #f85149; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 1000px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } p { color: var(--quiet); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: pre; }
th { font-weight: 600; color: var(--quiet); white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; font-size: 13px; }
.quiet { color: var(--quiet); } .strong { font-weight: 600; }
.right { color: var(--right); font-weight: 600; } .wrong { color: var(--wrong); font-weight: 600; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
svg { width: 100%; max-width: 640px; height: auto; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point of a line, with what is shown when the mouse rests on it."""

    x: float
    y: float
    title: str = ""
    radius: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The range of values that is drawn, and the unit behind each number."""

    low: float
    high: float
    unit: str = ""
    digits: int = 1


def page(title: str, *body: str) -> str:
    """A whole page with its heading."""
    rest = "\n".join(body)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
{rest}
</body></html>
"""


def section(title: str, *body: str) -> str:
    """A heading and what belongs to it."""
    return f"<h2>{escape(title)}</h2>{''.join(body)}"


def span(kind: str, text: str) -> str:
    """Text in the style of a class: quiet, strong, right or wrong."""
    return f'<span class="{kind}">{escape(text)}</span>'


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """A table of texts; the first column is aligned to the left."""
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"] if head else []
    lines += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def bar_chart(label: str, bars: Sequence[tuple[str, float]], *, digits: int = 2, unit: str = "") -> str:
    """Horizontal bars from 0 to the largest value, each with its name and its value."""
    height, left, right = 26, 150, 80
    largest = max((value for _, value in bars), default=0.0) or 1.0
    parts = []
    for i, (name, value) in enumerate(bars):
        y, width = 8 + height * i, max(0.0, value) / largest * (WIDTH - left - right)
        parts.append(_text(left - 10, y + 14, name, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="18" rx="3" fill="{COLOURS[0]}"/>')
        parts.append(_text(left + width + 8, y + 14, f"{value:,.{digits}f}{unit}", "start"))
    return _svg(label, 16 + height * len(bars), parts)


def histogram(label: str, edges: Sequence[str], counts: Sequence[int]) -> str:
    """The share of the counts below each edge, and of those above the last one, in percent."""
    names, n = [*(f"<{edge}" for edge in edges), f"≥{edges[-1]}"], sum(counts) or 1
    bars = [(name, 100 * count / n) for name, count in zip(names, counts, strict=True)]
    return bar_chart(label, bars, digits=0, unit=" %")


def line_chart(label: str, lines: Sequence[tuple[str, Sequence[Point]]], x: Axis, y: Axis) -> str:
    """Lines through points, each in its colour, with its name above; at most as many as there are ``COLOURS``."""
    height, top = 320, 40

    def across(value: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (value - x.low) / ((x.high - x.low) or 1.0)

    def down(value: float) -> float:
        return height - MARGIN - (height - MARGIN - top) * (value - y.low) / ((y.high - y.low) or 1.0)

    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value, step = y.low + (y.high - y.low) * share, x.low + (x.high - x.low) * share
        at = f'y1="{down(value):.1f}" y2="{down(value):.1f}"'
        parts.append(f'<line class="grid" x1="{MARGIN}" x2="{WIDTH - MARGIN}" {at}/>')
        parts.append(_text(MARGIN - 8, down(value) + 4, f"{value:,.{y.digits}f}{y.unit}", "end"))
        parts.append(_text(across(step), height - MARGIN + 20, f"{step:,.{x.digits}f}{x.unit}", "middle"))
    for i, ((name, points), colour) in enumerate(zip(lines, COLOURS, strict=False)):
        path = " ".join(f"{across(point.x):.1f},{down(point.y):.1f}" for point in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in points:
            place = f'cx="{across(point.x):.1f}" cy="{down(point.y):.1f}" r="{point.radius:.1f}"'
            title = f"<title>{escape(point.title)}</title>" if point.title else ""
            parts.append(f'<circle {place} fill="{colour}" fill-opacity=".7">{title}</circle>')
        parts.append(f'<rect x="{MARGIN + 240 * i}" y="12" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(MARGIN + 240 * i + 20, 23, name, "start"))
    return _svg(label, height, parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(label: str, height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
