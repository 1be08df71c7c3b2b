"""The results as tables of short strings, for a terminal and for a page."""

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

_Cell = float | str | None  # an int is a count


@dataclass(frozen=True, kw_only=True)
class Table:
    """A row for each variant, its name first, or for each copy."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(results: Results, *, max_copies: int | None = N_COPIES) -> list[Table]:
    """Everything that was measured; tables without a figure are left out. ``max_copies`` are of the first variant."""
    drawn = []
    for title, cells in (
        ("Popup: the right word is first, among five, and mean reciprocal rank, after k characters", _popup),
        ("Ghost text: the rest of the line", _inline),
        (
            "Ghost text that is the author's line, by kind of cursor",
            lambda variant: {kind: variant.inline_by_kind[kind].exact for kind in KINDS},
        ),
        ("Keys pressed per character (1 = no help)", _typing),
        ("Prediction and calibration", _prediction),
        (
            f"Ghost text with a long verbatim copy ({LONG_WORDS} words and signs, or {LONG_CHARACTERS} characters)",
            _verbatim,
        ),
        (
            "Milliseconds from a change to the answer, p50 / p95 / p99",
            lambda variant: {name: _times(times) for name, times in variant.latency_ms.items()},
        ),
    ):
        rows = [(variant.name, cells(variant)) for variant in results.variants]
        if any(cell is not None for _, row in rows for cell in row.values()):
            texts = tuple((name, *map(_text, row.values())) for name, row in rows)
            drawn.append(Table(title=title, columns=("", *rows[0][1]), rows=texts))
    if any(results.differences.values()):
        drawn.append(_differences(results))
    longest = results.variants[0].verbatim.copies[:max_copies]
    return [*drawn, *([_copies(longest)] if longest else [])]


def _text(cell: _Cell) -> str:
    if cell is None:
        return NO_VALUE
    return f"{cell:.3f}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell


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


def _popup(variant: Quality) -> dict[str, _Cell]:
    columns = (("first", "top_1"), ("five", "top_5"), ("MRR", "mean_reciprocal_rank"))
    return {f"{title} k={k}": getattr(popup, name) for title, name in columns for k, popup in enumerate(variant.popup)}


def _inline(variant: Quality) -> dict[str, _Cell]:
    inline = variant.inline
    return {
        "shown": inline.shown,
        "exact": inline.exact,
        "similar": inline.similarity,
        "right characters": inline.correct_characters,
        "keys saved": inline.keys_saved,
        "of shown: exact": inline.exact_of_shown,
        "of shown: similar": inline.similarity_of_shown,
        "of shown: valid": inline.valid_of_shown,
        "of shown: helpful": inline.accepted_of_shown,
    }


def _typing(variant: Quality) -> Mapping[str, _Cell]:
    typing = variant.typing
    return {user: typing.keys_per_character[user] for user in USERS} | {
        "ghost shown": typing.ghost_share,
        "ghosts taken": typing.accepted_of_ghosts,
    }


def _prediction(variant: Quality) -> dict[str, _Cell]:
    return {
        "bits per byte": variant.prediction.bits_per_byte,
        "tokens right": variant.prediction.token_accuracy,
        "ghost text's probability is off by": variant.calibration["inline"].error,
        "the first row's": variant.calibration["popup"].error,
    }


def _verbatim(variant: Quality) -> dict[str, _Cell]:
    copied = variant.verbatim
    if not copied.n_shown:
        return {"shown": None}
    return {
        "shown": copied.n_shown,
        "long": copied.n_long,
        "with a copy": copied.n_with_copy,
        "share": copied.share,
        "of characters": copied.share_of_characters,
        **{f"from {origin}": n for origin, n in copied.by_origin.items()},
        "long, by the model alone": copied.long_from_model,
    }


def _times(times: Latency) -> str | None:
    values = (times.p50, times.p95, times.p99)
    return " / ".join(f"{value:.{value < 10:d}f}" for value in values if value is not None) or None
