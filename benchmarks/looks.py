"""Draw keys against looks from results of lspbench: what a suggestion saves, and what reading it costs.

    python benchmarks/looks.py --curve QUIET.json BALANCED.json EAGER.json --points FILE.json... --out FILE.svg

The files are results of ``lspbench.py run --kinds typing``; their names stand in the picture. Needs the extra `plot`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

KEYS, LOOKS = ("keys_per_char", "inline+word"), "fresh_per_100_keys"


def point(file: Path) -> tuple[float, float, str]:
    """Looks for 100 keys, keys pressed for a character, and the name of a run."""
    result = json.loads(file.read_text(encoding="utf-8"))
    typing = result["typing"]
    return typing[LOOKS], typing[KEYS[0]][KEYS[1]], result["name"]


def draw(curve: list[tuple[float, float, str]], points: list[tuple[float, float, str]], path: Path) -> None:
    """The curve of what one server can be set to, and other servers as points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    panel = figure.subplots()
    curve = sorted(curve)
    panel.plot([x for x, _, _ in curve], [y for _, y, _ in curve], "o-", color="#2f6f4f")
    panel.plot([x for x, _, _ in points], [y for _, y, _ in points], "D", color="#c2571a")
    for x, y, name in (*curve, *points):
        below = (x, y, name) in curve
        panel.annotate(name, (x, y), xytext=(-8, -14) if below else (6, 6), textcoords="offset points")
    panel.set_xlabel("new suggestions for 100 keys")
    panel.set_ylabel("keys pressed for a character")
    panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def main() -> None:
    """Read the results, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curve", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--points", type=Path, nargs="*", default=[], metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args()
    draw([point(file) for file in arguments.curve], [point(file) for file in arguments.points], arguments.out)


if __name__ == "__main__":
    main()
