"""Inject faults, generate files and messages, and count them: ``make torture`` and ``make torture-quick``.

``python tests/torture [--quick] [PART]...`` runs the parts, two at a time, each in a process of its own, and the soak
alone at the end. Prints a row for each kind of trial and one line of counts, and exits with 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from counts import Count

PARTS = ("training", "strangers", "server", "data")  # modules here with a function ``run``
ALONE = ("soak",)
SHOWN = 5  # faults of a kind


def main() -> None:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS + ALONE)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer trials, five minutes")
    parser.add_argument("--json", action="store_true", help="run one part here, and print a JSON object for each row")
    options = parser.parse_args()
    unknown = set(options.parts) - {*PARTS, *ALONE}
    if unknown:
        parser.error(f"there is no part {sorted(unknown)[0]!r}")
    if options.json:
        _run_here(options.parts, options.quick)
        return
    start = time.monotonic()
    wanted = options.parts or [*PARTS, *ALONE]
    counts: list[Count] = []
    with ThreadPoolExecutor(2) as lanes:
        for rows in lanes.map(lambda part: _run_apart(part, options.quick), [p for p in wanted if p in PARTS]):
            counts += rows
    for part in ALONE:
        if part in wanted:
            counts += _run_apart(part, options.quick)
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    n_faults = sum(len(count.faults) for count in counts)
    short = [count.what for count in counts if count.done < count.wanted]
    tried = ", ".join(f"{count.done:,} {count.what}" for count in counts)
    print(f"\ntorture: {tried}: {n_faults} faults, {len(short)} short of their number, in {minutes}:{seconds:02}")
    sys.exit(1 if n_faults or short else 0)


def _run_here(parts: list[str], quick: bool) -> None:
    """Run parts in this process, each with a scratch folder."""
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="tinycoder-torture-", ignore_cleanup_errors=True) as scratch:
            for count in importlib.import_module(part).run(quick=quick, scratch=Path(scratch)):
                print(json.dumps(asdict(count)), flush=True)


def _run_apart(part: str, quick: bool) -> list[Count]:
    """Run a part in a process of its own, and print its rows as they arrive."""
    command = [sys.executable, str(Path(__file__).parent), "--json", part, *(["--quick"] if quick else [])]
    counts = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            count = Count(**json.loads(line))
            _show(part, count)
            counts.append(count)
    if process.returncode:
        counts.append(Count(what=f"{part} itself", wanted=1, faults=[f"ended with code {process.returncode}"]))
        _show(part, counts[-1])
    return counts


def _show(part: str, count: Count) -> None:
    verdict = "holds" if count.holds else "FAILS"
    note = f"  ({count.note})" if count.note else ""
    print(f"{part:<10} {count.done:>10,} of {count.wanted:>9,}  {verdict}  {count.what}{note}", flush=True)
    for fault in count.faults[:SHOWN]:
        print(f"           {fault}", flush=True)


if __name__ == "__main__":
    main()
