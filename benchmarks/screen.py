"""What the screen for secrets costs: the first look at a file, a keystroke in it, and the same text asked about again.

``python benchmarks/screen.py FILE...``; medians, on this machine. Also for a made-up literal of 5,000 lines, where a
secret may go on behind each comma.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from statistics import median

from tinycoder.bench.quiet import quiet
from tinycoder.complete.candidate import Document
from tinycoder.complete.redact import Redactor

KEYS = 40


def main() -> None:
    """Print a row for each file."""
    texts = {Path(name).name: Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]}
    texts["a literal of 5,000 lines"] = "NUMBERS = [\n" + "".join(f"    {n}, {n + 1}, {n + 2},\n" for n in range(5000))
    print("| file | kB | first look, ms | keystroke, ms | asked again, ms |\n| --- | ---: | ---: | ---: | ---: |")
    with quiet() as others:
        for name, text in texts.items():
            first, key, again = _measure(text)
            times = others.figure(f"{first:.2f} | {key:.3f} | {again:.4f}")
            print(f"| {name} | {len(text) / 1000:.0f} | {times} |")


def _measure(text: str) -> tuple[float, float, float]:
    """Milliseconds."""
    redactor, chance = Redactor(), random.Random(0)
    first = _timed(redactor, text)
    keys, agains = [], []
    for _ in range(KEYS):
        at = chance.randrange(len(text))
        text = text[:at] + "x" + text[at:]
        keys.append(_timed(redactor, text))
        agains.append(_timed(redactor, text))
    return first, median(keys), median(agains)


def _timed(redactor: Redactor, text: str) -> float:
    begun = time.perf_counter()
    redactor.redacted(Document(path="a.py", text=text))
    return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
