"""What `tinycoder train --dry-run` said, and what the run then took.

    python benchmarks/forecast_check.py [--steps 300] [--preset tiny]... PATH...

Runs each preset twice, first dry, and prints time and memory of both and their ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def run(home: Path, *arguments: str) -> tuple[dict[str, Any], float]:
    """The JSON that a training command prints, and the most memory that it held, in MB."""
    command = [sys.executable, "-m", "tinycoder", "--home", str(home), "train", *arguments, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return json.loads(printed), usage.ru_maxrss / unit * (1 if sys.platform == "darwin" else 1.024)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", default="300")
    parser.add_argument("--preset", action="append", default=[])
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    for preset in arguments.preset or ["tiny"]:
        options = [*arguments.paths, "--preset", preset, "--steps", arguments.steps, "--name", "forecast"]
        with TemporaryDirectory() as home:
            said, _ = run(Path(home), *options, "--dry-run")
            took, memory = run(Path(home), *options)
        seconds, megabytes = said["seconds"], said["n_bytes"] / 1e6
        print(
            f"{preset}: said {seconds:.1f} s, took {took['seconds']:.1f} ({seconds / took['seconds']:.2f}); "
            f"said {megabytes:.0f} MB, held {memory:.0f} ({megabytes / memory:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
