"""Whether one server is better than another: a paired bootstrap over the records of two runs.

    python benchmarks/lspbench/compare.py before.jsonl after.jsonl

Both files come from ``lspbench.py run --records`` with the same corpus and seed, so that they hold the same positions.
Files of the corpus are drawn with replacement, since positions within a file are not independent. For each figure it
prints both means, the difference, its 95 % interval, and * if that excludes 0.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from users import USERS

N_DRAWS = 2000
Part = tuple[float, float]  # numerator, denominator
Key = tuple[str, str]  # project, file
Figure = Callable[[dict[str, Any]], "Part | None"]


def popup(number: Callable[[int | None], float], typed: int) -> Figure:
    """A figure of the list's rank after so many characters, of identifiers that are not made there."""

    def figure(record: dict[str, Any]) -> Part | None:
        if record["test"] != "popup" or record["typed"] != typed or record["kind"] == "binding":
            return None
        return float(number(record["rank"])), 1

    return figure


def inline(key: str) -> Figure:
    """A figure of the ghost text."""
    return lambda record: (float(record[key]), 1) if record["test"] == "inline" else None


def keys(user: str) -> Figure:
    """Keys a character of a simulated user."""
    return lambda record: (record[user], record["chars"]) if record["test"] == "typing" else None


FIGURES: dict[str, Figure] = {
    "popup top-1, k=0": popup(lambda rank: rank == 1, 0),
    "popup top-1, k=1": popup(lambda rank: rank == 1, 1),
    "popup top-1, k=2": popup(lambda rank: rank == 1, 2),
    "popup top-5, k=1": popup(lambda rank: rank is not None and rank <= 5, 1),
    "popup MRR, k=1": popup(lambda rank: 1 / rank if rank else 0, 1),
    "inline exact": inline("exact"),
    "inline similarity": inline("similarity"),
    **{f"keys per char, {user}": keys(user) for user in USERS},
}


def sums(path: Path, figure: Figure) -> dict[Key, Part]:
    """Numerator and denominator of a figure in each file of the corpus."""
    files: defaultdict[Key, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        if part := figure(record):
            total = files[record["repo"], record["path"]]
            total[0] += part[0]
            total[1] += part[1]
    return {key: (total[0], total[1]) for key, total in files.items()}


def compare(before: Path, after: Path) -> str:
    """A Markdown table of all figures that both hold; ends the program if their positions differ."""
    lines = [f"| figure | {before} | {after} | difference | 95 % interval | |", "|---|---|---|---|---|---|"]
    for name, figure in FIGURES.items():
        a, b = sums(before, figure), sums(after, figure)
        if not a or not b:
            continue
        if {key: part[1] for key, part in a.items()} != {key: part[1] for key, part in b.items()}:
            raise SystemExit(f"{name}: the two files hold different positions")
        files, rng = sorted(a), random.Random(0)
        drawn = [rng.choices(files, k=len(files)) for _ in range(N_DRAWS)]
        draws = sorted(mean(b, some) - mean(a, some) for some in drawn)
        low, high = draws[N_DRAWS // 40], draws[-1 - N_DRAWS // 40]
        x, y = mean(a, files), mean(b, files)
        star = "*" if low * high > 0 else ""
        lines.append(f"| {name} | {x:.3f} | {y:.3f} | {y - x:+.3f} | {low:+.3f} to {high:+.3f} | {star} |")
    return "\n".join(lines)


def mean(parts: dict[Key, Part], files: Sequence[Key]) -> float:
    """The figure over some files."""
    return sum(parts[key][0] for key in files) / sum(parts[key][1] for key in files)


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args()
    print(compare(options.before, options.after))


if __name__ == "__main__":
    main()
