"""The results as one self-contained HTML page: the answer, tables, charts, the best and the worst suggestions."""

from collections.abc import Mapping, Sequence

from tinycoder import html
from tinycoder.evaluate.evaluation import Results
from tinycoder.evaluate.measures import LATENCY_EDGES_MS, Calibration
from tinycoder.evaluate.queries import LineQuery
from tinycoder.evaluate.summary import legend, sentences, summary_table
from tinycoder.evaluate.tables import tables
from tinycoder.words import counted


def page(title: str, metadata: Mapping[str, str], results: Results) -> str:
    """The whole page. Its charts and suggestions are of the first variant; it quotes the held-out files."""
    first, summary = results.variants[0], summary_table(results)
    said = " · ".join(f"{name}: {value}" for name, value in metadata.items())
    saved = [(kind, inline.keys_saved) for kind, inline in first.inline_by_kind.items()]
    bars = [(kind, value) for kind, value in saved if value is not None]
    edges = [str(edge) for edge in LATENCY_EDGES_MS]
    latencies = {
        f"Milliseconds to the answer, {name}": times.counts for name, times in first.latency_ms.items() if times.n
    }
    return html.page(
        title,
        f"<p>{html.escape(sentences(results))}</p>",
        html.table(summary.rows, summary.columns),
        f"<pre>{html.escape(legend(results))}</pre>",
        f"<p>{html.escape(said)}</p>",
        *(
            html.section(table.title, html.table(table.rows, table.columns))
            for table in tables(results, max_copies=None)
        ),
        html.section("Probability of a suggestion, and the share that is right", _calibration(first.calibration)),
        html.section(
            "Keys saved by kind of cursor",
            "<p>The share of the rest of the line that need not be typed, if the ghost text or its right words are "
            "taken at once.</p>",
            html.bar_chart("Keys saved by kind of cursor", bars),
        ),
        *(html.section(name, html.histogram(name, edges, counts)) for name, counts in latencies.items()),
        html.section("Most confident and right", _suggestions(first.best)),
        html.section("Most confident and wrong", _suggestions(first.worst)),
    )


def _calibration(curves: Mapping[str, Calibration]) -> str:
    """The share that was right against the probability. The area of a dot grows with the number of suggestions."""
    lines = []
    for name, curve in curves.items():
        error = "" if curve.error is None else f", off by {curve.error:.2f}"
        points = [
            html.Point(
                x=each.probability,
                y=each.right,
                title=f"{counted(each.n, 'suggestion')}, probability {each.probability:.2f}, right {each.right:.2f}",
                radius=2 + 10 * (each.n / curve.n) ** 0.5,
            )
            for each in curve.bins
        ]
        lines.append((f"{name}: {counted(curve.n, 'suggestion')}{error}", points))
    axis = html.Axis(low=0.0, high=1.0, digits=2)
    return html.line_chart("Calibration", lines, axis, axis)


def _suggestions(asked: Sequence[LineQuery]) -> str:
    return "".join(map(_suggestion, asked)) or "<p>None.</p>"


def _suggestion(asked: LineQuery) -> str:
    """The line up to the cursor, what was offered, and what the author wrote."""
    where = f"{asked.path}:{asked.row}   P = {asked.probability:.2f}   at: {asked.kind}"
    ghost = html.span("right" if asked.right else "wrong", asked.ghost.rstrip())
    return (
        f"<pre>{html.span('quiet', where)}\n"
        f"{html.span('quiet', 'offered ')}{html.escape(asked.before)}{ghost}\n"
        f"{html.span('quiet', 'author  ')}{' ' * len(asked.before)}{html.escape(asked.truth)}</pre>\n"
    )
