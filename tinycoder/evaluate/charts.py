"""Small pictures as inline SVG, in the colours of the page that holds them. Knows numbers and labels only."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from tinycoder.evaluate.measures import Calibration

WIDTH, MARGIN = 640, 48
COLOURS = ("#2a78d6", "#eb6834")


def bar_chart(label: str, bars: Sequence[tuple[str, float]], *, digits: int = 2) -> str:
    """Horizontal bars from 0 to the largest value, each with its name and its value."""
    height, left, right = 26, 150, 60
    largest = max((value for _, value in bars), default=0.0) or 1.0
    parts = []
    for i, (name, value) in enumerate(bars):
        y, width = 8 + height * i, max(0.0, value) / largest * (WIDTH - left - right)
        parts.append(_text(left - 10, y + 14, name, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="18" rx="3" fill="{COLOURS[0]}"/>')
        parts.append(_text(left + width + 8, y + 14, f"{value:.{digits}f}", "start"))
    return _svg(label, 16 + height * len(bars), parts)


def histogram(label: str, bins: Sequence[tuple[str, int]]) -> str:
    """Upright bars side by side, each with its name below and its share on top."""
    height, base = 220, 180
    n, largest = sum(count for _, count in bins) or 1, max((count for _, count in bins), default=0) or 1
    step = (WIDTH - 2 * MARGIN) / max(1, len(bins))
    parts = []
    for i, (name, count) in enumerate(bins):
        x, tall = MARGIN + step * i, 150 * count / largest
        parts.append(
            f'<rect x="{x + 3:.1f}" y="{base - tall:.1f}" width="{step - 6:.1f}" height="{tall:.1f}" rx="3" '
            f'fill="{COLOURS[0]}"><title>{html.escape(name)}: {count}</title></rect>'
        )
        parts.append(_text(x + step / 2, base + 18, name, "middle"))
        if count:
            parts.append(_text(x + step / 2, base - tall - 6, f"{count / n:.0%}", "middle"))
    return _svg(label, height, parts)


def calibration_chart(label: str, curves: Mapping[str, Calibration]) -> str:
    """The share that was right against the probability that was given; on the diagonal, promises are kept.

    The area of a dot grows with the number of offers behind it.
    """
    size = 300

    def x(value: float) -> float:
        return MARGIN + size * value

    def y(value: float) -> float:
        return 24 + size * (1 - value)

    parts = []
    for i in range(0, 11, 2):
        parts.append(f'<line class="grid" x1="{x(0)}" x2="{x(1)}" y1="{y(i / 10):.1f}" y2="{y(i / 10):.1f}"/>')
        parts.append(_text(x(0) - 8, y(i / 10) + 4, f"{i / 10:.1f}", "end"))
        parts.append(_text(x(i / 10), y(0) + 20, f"{i / 10:.1f}", "middle"))
    parts.append(f'<line class="grid" stroke-dasharray="4" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>')
    parts.append(_text(x(0.5), y(0) + 40, "probability that was given", "middle"))
    for row, ((name, curve), colour) in enumerate(zip(curves.items(), COLOURS, strict=False)):
        points = " ".join(f"{x(b.probability):.1f},{y(b.right):.1f}" for b in curve.bins)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for b in curve.bins:
            radius = 2 + 10 * (b.n / curve.n) ** 0.5
            said = f"{b.n} offers, given {b.probability:.2f}, right {b.right:.2f}"
            parts.append(
                f'<circle cx="{x(b.probability):.1f}" cy="{y(b.right):.1f}" r="{radius:.1f}" fill="{colour}" '
                f'fill-opacity=".7"><title>{said}</title></circle>'
            )
        left, top = x(1) + 40, 40 + 24 * row
        parts.append(f'<rect x="{left}" y="{top}" width="12" height="12" rx="2" fill="{colour}"/>')
        error = "" if curve.error is None else f", off by {curve.error:.2f}"
        parts.append(_text(left + 20, top + 11, f"{name}: {curve.n} offers{error}", "start"))
    return _svg(label, size + 72, parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _svg(label: str, height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(label)}">{"".join(parts)}</svg>'
