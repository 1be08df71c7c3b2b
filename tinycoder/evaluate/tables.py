"""The results as tables of short strings, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinycoder.evaluate.bootstrap import Difference
from tinycoder.evaluate.cursors import KINDS
from tinycoder.evaluate.evaluation import Results
from tinycoder.evaluate.measures import Latency
from tinycoder.evaluate.quality import CopyAt, Quality
from tinycoder.evaluate.simulated_user import USERS
from tinycoder.evaluate.verbatim import LONG_CHARACTERS, LONG_WORDS

NO_VALUE = "-"
N_COPIES = 10


@dataclass(frozen=True, kw_only=True)
class Table:
    """A row for each variant, its name first, or for each copy."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(results: Results, *, max_copies: int | None = N_COPIES) -> list[Table]:
    """Everything that was measured; tables without a figure are left out. ``max_copies`` are of the first variant."""
    found = []
    for title, cells in (
        ("Popup: the right word is first, among five, and mean reciprocal rank, after k characters", _popup),
        ("Ghost text: the rest of the line", _inline),
        ("Ghost text that is the author's line, by kind of cursor", _by_kind),
        ("Keys pressed per character (1 = no help)", _typing),
        ("Prediction and calibration", _prediction),
        (
            f"Ghost text with a long verbatim copy ({LONG_WORDS} words and signs, or {LONG_CHARACTERS} characters)",
            _verbatim,
        ),
        ("Milliseconds from a change to the answer, p50 / p95 / p99", _latency),
    ):
        rows = [(variant.name, cells(variant)) for variant in results.variants]
        if any(cell != NO_VALUE for _, row in rows for cell in row.values()):
            columns = ("", *rows[0][1])
            found.append(Table(title=title, columns=columns, rows=tuple((name, *row.values()) for name, row in rows)))
    if any(results.differences.values()):
        found.append(_differences(results))
    longest = results.variants[0].verbatim.copies[:max_copies]
    return [*found, *([_copies(longest)] if longest else [])]


def _copies(copies: Sequence[CopyAt]) -> Table:
    rows = tuple(
        (f"{copy.path}:{copy.row}", str(copy.n_characters), copy.origin, f"{copy.source}:{copy.line}", str(copy.times))
        for copy in copies
    )
    return Table(
        title="Long copies, the longest first",
        columns=("at", "characters", "from", "source", "times"),
        rows=rows,
    )


def _differences(results: Results) -> Table:
    columns = tuple(dict.fromkeys(name for some in results.differences.values() for name in some))
    return Table(
        title=f"Difference from {results.variants[0].name!r}, and its 95% interval over files",
        columns=("", *columns),
        rows=tuple((name, *map(_interval, some.values())) for name, some in results.differences.items()),
    )


def _interval(one: Difference) -> str:
    known = one.low is not None and one.high is not None
    return f"{one.value:+.3f}" + (f" ({one.low:+.3f} to {one.high:+.3f})" if known else "")


def _popup(variant: Quality) -> dict[str, str]:
    cells = {f"first k={k}": _number(popup.top_1) for k, popup in enumerate(variant.popup)}
    cells |= {f"five k={k}": _number(popup.top_5) for k, popup in enumerate(variant.popup)}
    return cells | {f"MRR k={k}": _number(popup.mean_reciprocal_rank) for k, popup in enumerate(variant.popup)}


def _inline(variant: Quality) -> dict[str, str]:
    inline = variant.inline
    return {
        "shown": _number(inline.shown),
        "exact": _number(inline.exact),
        "similar": _number(inline.similarity),
        "right characters": _number(inline.correct_characters),
        "keys saved": _number(inline.keys_saved),
        "of shown: exact": _number(inline.exact_of_shown),
        "of shown: similar": _number(inline.similarity_of_shown),
        "of shown: valid": _number(inline.valid_of_shown),
        "of shown: helpful": _number(inline.accepted_of_shown),
    }


def _by_kind(variant: Quality) -> dict[str, str]:
    return {kind: _number(variant.inline_by_kind[kind].exact) for kind in KINDS}


def _typing(variant: Quality) -> dict[str, str]:
    typing = variant.typing
    return {user: _number(typing.keys_per_character[user]) for user in USERS} | {
        "ghost shown": _number(typing.ghost_share),
        "ghosts taken": _number(typing.accepted_of_ghosts),
    }


def _prediction(variant: Quality) -> dict[str, str]:
    return {
        "bits per byte": _number(variant.prediction.bits_per_byte),
        "tokens right": _number(variant.prediction.token_accuracy),
        "ghost text's probability is off by": _number(variant.calibration["inline"].error),
        "the first row's": _number(variant.calibration["popup"].error),
    }


def _verbatim(variant: Quality) -> dict[str, str]:
    found = variant.verbatim
    if not found.n_shown:
        return {"shown": NO_VALUE}
    return {
        "shown": f"{found.n_shown:,}",
        "long": f"{found.n_long:,}",
        "with a copy": f"{found.n_with_copy:,}",
        "share": _number(found.share),
        "of characters": _number(found.share_of_characters),
        **{f"from {origin}": f"{n:,}" for origin, n in found.by_origin.items()},
        "long, by the model alone": f"{found.long_from_model:,}",
    }


def _latency(variant: Quality) -> Mapping[str, str]:
    return {name: _times(times) for name, times in variant.latency_ms.items()}


def _times(times: Latency) -> str:
    values = (times.p50, times.p95, times.p99)
    return " / ".join(f"{value:.{value < 10:d}f}" for value in values if value is not None) or NO_VALUE


def _number(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.3f}"
