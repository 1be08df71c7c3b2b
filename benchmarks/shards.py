"""What a large corpus costs: time, and the memory of all processes together, while ``tinycoder corpus`` writes it.

    python benchmarks/shards.py PATH... --out FOLDER [--processes N]

Memory is the sum of what is resident in the command and in the processes that it starts, without the pages that
they share with files, looked at ten times a second. Linux only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tinycoder.bench.quiet import Others, quiet


def family(process: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [process, *(member for child in children for member in family(int(child)))]


def resident(process: int) -> dict[str, int]:
    """Bytes that are resident in a process: ``own``, and all, also of mapped files. Nothing for one that has gone."""
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
        return {key: int(status[name].split()[0]) * 1024 for key, name in (("own", "RssAnon"), ("all", "VmRSS"))}
    except (OSError, KeyError):
        return {"own": 0, "all": 0}


def main() -> None:
    """Parse the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    arguments = ["corpus", *map(str, options.paths), "--out", str(options.out), "--processes", str(options.processes)]
    with quiet() as others:
        measure(arguments, others)


def measure(arguments: Sequence[str], others: Others) -> None:
    """Run the command, watch it, and print what it took."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "tinycoder", *arguments, "--json"], stdout=subprocess.PIPE) as running:
        most = {"own": 0, "all": 0}
        while running.poll() is None:
            sizes = [resident(process) for process in family(running.pid)]
            most = {key: max(value, sum(size[key] for size in sizes)) for key, value in most.items()}
            time.sleep(0.1)
        assert running.stdout is not None
        written = json.loads(running.stdout.read())
    seconds, data = time.perf_counter() - start, written["data"]
    left_out = sum(written["left_out"].values())
    kept = data["bytes"] + data["validation_bytes"]
    print(f"{kept / 1e6:,.0f} MB kept of {data['files'] + data['validation_files'] + left_out:,} files")
    print(
        f"{data['tokens'] / 1e6:,.1f} M tokens in {len(written['train'])} shards; {others.figure(f'{seconds:,.0f} s')}"
    )
    print(f"resident at most: {most['own'] / 1e6:,.0f} MB of their own, {most['all'] / 1e6:,.0f} MB with mapped files")
    print("left out: " + ", ".join(f"{n:,} × {why}" for why, n in sorted(written["left_out"].items())))


if __name__ == "__main__":
    main()
