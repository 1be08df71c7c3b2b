"""The figures of a run from its records, and tables of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Any

from client import INLINE, POPUP
from positions import PLACES
from queries import Record
from users import USERS

PROCESS = ("initialize_s", "first_reply_s", "first_items_s", "peak_rss_mb", "cpu_ms_per_request", "others_share")
TIMES = {"latency_ms", "initialize_s", "first_reply_s", "first_items_s", "best-150ms"}  # which other work makes longer
QUALITY = (
    "n",
    "shown",
    "exact",
    "similarity",
    "exact_of_shown",
    "similarity_of_shown",
    "correct_chars",
    "correct_share",
    "valid_of_shown",
)
TABLES = {  # title: (column, path of the figure in the results)
    "Popup (top-1 / top-5 / MRR after k typed characters)": [
        (f"k={k} {name}", f"popup/after_{k}/{key}")
        for k in range(4)
        for name, key in (("top1", "top1"), ("top5", "top5"), ("MRR", "mrr"))
    ],
    "Inline (rest of the line)": [(key, f"inline/all/{key}") for key in QUALITY],
    "Inline exact match by place": [(place, f"inline/by_place/{place}/exact") for place in PLACES],
    "Keys pressed per character (1 = no help)": [
        *((user, f"typing/keys_per_char/{user}") for user in USERS),
        ("ghost shown", "typing/ghost_share"),
        ("accepted of ghosts", "typing/accepted_of_ghosts"),
        ("new ghosts / 100 keys", "typing/fresh_per_100_keys"),
        ("… right to the end", "typing/fresh_right"),
        ("… wrong at once", "typing/fresh_wrong"),
        ("accepted / new ghost", "typing/accepted_of_fresh"),
    ],
    "Latency p50 / p95 / p99, ms": [
        (name.replace("_", " "), f"latency_ms/{name}")
        for name in ("popup_after_key", "popup_while_typing", "inline_after_jump", "inline_while_typing")
    ],
    "Process (the worst repo)": [
        *((name, f"process/{name}") for name in PROCESS),
        ("errors", "failures/error"),
        ("timeouts", "failures/timeout"),
        ("run s", "seconds"),
    ],
}


def summarise(records: dict[str, list[Record]]) -> dict[str, Any]:
    """All figures of some records, by what was measured: popup, inline, typing."""
    result: dict[str, Any] = {}
    latency: dict[str, Any] = {}
    if rows := records.get("popup"):
        result["popup"] = _popup(rows)
        latency["popup_after_jump"] = quantiles(row["seconds"] for row in rows if not row["typed"])
        latency["popup_after_key"] = quantiles(row["seconds"] for row in rows if row["typed"])
    if rows := records.get("inline"):
        by_place = {place: _inline([row for row in rows if row["place"] == place]) for place in PLACES}
        result["inline"] = {"exact": share(row["exact"] for row in rows), "all": _inline(rows), "by_place": by_place}
        latency["inline_after_jump"] = quantiles(row["seconds"] for row in rows)
    if rows := records.get("typing"):
        result["typing"] = _typing(rows)
        for method, name in ((POPUP, "popup_while_typing"), (INLINE, "inline_while_typing")):
            latency[name] = quantiles(seconds for row in rows for seconds in row["waits"][method])
    return {"latency_ms": latency, **result}


def without_times(reason: str, *figures: dict[str, Any]) -> None:
    """Put nothing in the place of each time in figures that are worth nothing; ``refused`` says why."""
    for each in figures:
        each["refused"] = reason
        each |= dict.fromkeys(TIMES & each.keys())
        keys = each.get("typing", {}).get("keys_per_char", {})
        keys |= dict.fromkeys(TIMES & keys.keys())


def _popup(rows: list[Record]) -> dict[str, Any]:
    used = [row for row in rows if row["kind"] != "binding"]
    after_1 = [row for row in rows if row["typed"] == 1]
    return {
        "identifiers": len(used) // 4,
        "top1_after_1": share(row["rank"] == 1 for row in used if row["typed"] == 1),
        **{f"after_{k}": _ranks([row for row in used if row["typed"] == k]) for k in range(4)},
        "by_kind_after_1": {
            kind: _ranks([row for row in after_1 if row["kind"] == kind]) for kind in sorted({r["kind"] for r in rows})
        },
    }


def _ranks(rows: list[Record]) -> dict[str, Any]:
    ranks = [row["rank"] for row in rows]
    return {
        "n": len(ranks),
        "top1": mean(rank == 1 for rank in ranks),
        "top5": mean(bool(rank and rank <= 5) for rank in ranks),
        "found": mean(rank is not None for rank in ranks),
        "mrr": mean(1 / rank if rank else 0 for rank in ranks),
    }


def _inline(rows: list[Record]) -> dict[str, Any]:
    shown = [row for row in rows if row["shown"]]
    return {
        "n": len(rows),
        "shown": mean(row["shown"] for row in rows),
        "exact": mean(row["exact"] for row in rows),
        "exact_of_shown": mean(row["exact"] for row in shown),
        "similarity": mean(row["similarity"] for row in rows),
        "similarity_of_shown": mean(row["similarity"] for row in shown),
        "correct_chars": mean(row["correct"] for row in rows),
        "correct_share": ratio(sum(row["correct"] for row in rows), sum(row["rest"] for row in rows)),
        "valid_of_shown": mean(row["valid"] for row in shown),
        "lines_of_shown": mean(row["lines"] for row in shown),
    }


def _typing(rows: list[Record]) -> dict[str, Any]:
    def total(key: str) -> int:
        return sum(row[key] for row in rows)

    return {
        "chars": total("chars"),
        "stretches": len(rows),
        "ghost_share": ratio(total("ghosts"), total("chars")),
        "keys_per_char": {user: ratio(total(user), total("chars")) for user in USERS},
        "accepted_of_ghosts": ratio(total("inline+word accepted"), total("ghosts")),
        "accepted_of_fresh": ratio(total("inline+word accepted"), total("fresh")),
        "fresh_per_100_keys": ratio(100 * total("fresh"), total("chars")),
        "fresh_right": ratio(total("fresh_right"), total("fresh")),
        "fresh_wrong": ratio(total("fresh_wrong"), total("fresh")),
    }


def mean(values: Iterable[float]) -> float | None:
    """The mean, or None of nothing."""
    numbers = list(values)
    return round(statistics.fmean(numbers), 4) if numbers else None


def ratio(part: float, whole: float) -> float | None:
    """part / whole, or None of nothing."""
    return round(part / whole, 4) if whole else None


def share(values: Iterable[bool]) -> dict[str, float] | None:
    """A share, with half the width of its 95 % confidence interval."""
    numbers = list(values)
    p = mean(numbers)
    if p is None:
        return None
    return {"mean": p, "ci95": round(1.96 * math.sqrt(p * (1 - p) / len(numbers)), 4), "n": len(numbers)}


def quantiles(seconds: Iterable[float]) -> dict[str, float] | None:
    """p50, p95 and p99 in milliseconds, by nearest rank."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    ranks = {q: math.ceil(q / 100 * len(ordered)) - 1 for q in (50, 95, 99)}
    return {"n": len(ordered), **{f"p{q}": round(1000 * ordered[rank], 2) for q, rank in ranks.items()}}


def table(results: list[dict[str, Any]]) -> str:
    """The main figures of some runs as Markdown tables."""
    lines = []
    for title, columns in TABLES.items():
        rows = [[result["name"], *(_cell(result, path) for _, path in columns)] for result in results]
        rows = [row for row in rows if set(row[1:]) != {"-"}]
        if rows:
            lines += ["", f"**{title}**", "", "| server | " + " | ".join(name for name, _ in columns) + " |"]
            lines += ["|---" * (len(columns) + 1) + "|"] + ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(results: dict[str, Any], path: str) -> str:
    result: Any = results
    for key in path.split("/"):
        result = result.get(key) if isinstance(result, dict) else None
    if results.get("refused") and TIMES & {*path.split("/")}:
        return "refused"
    if isinstance(result, dict):
        return " / ".join(f"{v:.0f}" if v >= 10 else f"{v:.1f}" for v in (result[q] for q in ("p50", "p95", "p99")))
    if result is None or result == math.inf:
        return "-"
    return f"{result:.3f}" if abs(result) < 10 else f"{result:.0f}"
