"""Kill processes of a run on two of them at random moments; each run must end with the loss of the uninterrupted one.

    python benchmarks/killed_ranks.py [--trials 20] [--steps 120] [--seed 0]

It needs PyTorch and Linux. By turns the first process, the second, the launcher, or all of them are killed by SIGKILL.
What the launcher does not start anew by itself (``--max-restarts``) is continued with ``--resume``, or begins again if
nothing was saved yet. A run counts if its last held-out bits per byte and training loss are those of the uninterrupted
run. It also says how often nobody said a sentence, or somebody showed a traceback that is not PyTorch's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

KINDS = ("first process", "second process", "launcher", "all")
WITHOUT_COMPILER = {"TORCH_COMPILE_DISABLE": "1"}  # it starts sooner
ENDS_S = 120.0


def start(home: Path, log: Path, *options: str) -> subprocess.Popen[bytes]:
    """A run on two processes, which the launcher starts anew up to three times."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "3"]
    command = [*launcher, "-m", "tinycoder_training", "--recipe", "validation", "--name", "run", *options]
    environment = {**os.environ, **WITHOUT_COMPILER, "TINYCODER_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with log.open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)


def children(pid: int) -> list[int]:
    """The processes that ``pid`` has started."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill(pids: list[int]) -> None:
    """End them at once, those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until_gone(pids: list[int]) -> None:
    """Wait for processes that nobody collects but their last parent."""
    end = time.monotonic() + ENDS_S
    while time.monotonic() < end:
        if not any(Path(f"/proc/{pid}/exe").exists() for pid in pids):
            return
        time.sleep(0.1)
    kill(pids)
    print(f"processes {pids} did not end within {ENDS_S:.0f} s", flush=True)


def result(home: Path) -> tuple[float, float]:
    """Held-out bits per byte and last training loss of the finished run."""
    training = json.loads((home / "models" / "run" / "training.json").read_text())
    assert training["finished"], training
    curve = [float(point["train_loss"]) for point in training["curve"]]
    return float(training["val_bpb"]), curve[-1]


def last_step(log: Path) -> int:
    """The step that the run has told of last."""
    return int(([0, *re.findall(r"step (\d+),", log.read_text(errors="replace"))])[-1])


def interrupted(home: Path, log: Path, kind: str, after: float, steps: str) -> tuple[int, tuple[float, float]]:
    """About at which step a run was that is killed ``after`` so many seconds, and its result."""
    launcher = start(home, log, "--steps", steps)
    time.sleep(after)
    ranks = sorted(children(launcher.pid))
    victims = {"first process": ranks[:1], "second process": ranks[1:2], "launcher": [launcher.pid]}
    kill(victims.get(kind, [launcher.pid, *ranks]))
    at = last_step(log)
    code = launcher.wait()
    wait_until_gone(ranks)
    for _ in range(3):
        with suppress(OSError, AssertionError):
            if code == 0 or kind in ("launcher", "all"):
                return at, result(home)
        saved = any((home / "models").glob("run/optimizer.safetensors"))
        code = start(home, log, *(["--resume"] if saved else ["--steps", steps])).wait()
    return at, result(home)


def main() -> None:
    """Print each trial and the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--steps", default="120")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng, same = random.Random(asked.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        begin = time.time()
        assert start(whole, Path(folder) / "log", "--steps", asked.steps).wait() == 0, "the uninterrupted run failed"
        seconds, expected = (whole / "models" / "run" / "training.json").stat().st_mtime - begin, result(whole)
        print(f"uninterrupted: {expected[0]} bits per byte, loss {expected[1]}, {seconds:.0f} s", flush=True)
        for trial in range(asked.trials):
            home, log, kind = Path(folder) / str(trial), Path(folder) / f"{trial}.log", KINDS[trial % len(KINDS)]
            after = rng.uniform(0.2, 1.0) * seconds
            at, found = interrupted(home, log, kind, after, asked.steps)
            same += found == expected
            text = log.read_text(errors="replace")
            said = [line for line in text.splitlines() if line.startswith(("tinycoder: ", "stopped at "))]
            ours = sum("tinycoder" in line and line.strip().startswith("File ") for line in text.splitlines())
            print(
                f"{kind} at step {at} after {after:.1f} s: {'the same' if found == expected else found}; "
                f"said {sorted(set(said))}; {ours} lines of tracebacks",
                flush=True,
            )
    print(f"{same} of {asked.trials} end with the uninterrupted run's loss")


if __name__ == "__main__":
    main()
