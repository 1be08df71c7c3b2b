"""What fill-in-the-middle costs and wins: one run at several rates, as many steps each, on one core.

    python benchmarks/infill.py --out FILE.jsonl [--seconds 100] [--preset tiny] [--path PATH]... [RATE]...

Without rates it goes through 0, 0.25 and 0.5. The corpus is every --path; without one, parts of the standard library
of this Python. The time of a step without it is measured first, as in ablation.py, and gives the number of steps: to
rewrite windows takes less than a hundredth of a step, which is less than a busy machine adds or takes away.

Each model is then asked at the same random gaps of the held-out files what the rest of the line costs, and what the
rest of the line and one to three more lines cost: once after what stands before, and once with what follows as well,
in the layout and within the window that the engine has. Both count the same tokens, those that hold a byte of the
missing text. Results are added to --out, and rates that it holds already are left out, so that a stopped run continues.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is loaded

import numpy as np
from ablation import job_of, note, seconds_of_a_step, variant_of

from tinycoder.config import PRESETS
from tinycoder.transformer.fim import fim_head, suffix_first_piece, suffix_room
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import fuse_forward, losses
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder.workspace.text import Text
from tinycoder_training.corpora import library, python_repos
from tinycoder_training.job import Job

RATES = [0.0, 0.25, 0.5]
MAX_LINES = 3
ROWS_AT_A_TIME = 8


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A missing piece of a text: what lies between ``start`` and ``end``, in characters."""

    text: Text
    start: int
    end: int


def gaps(texts: Sequence[Text], n: int, more_lines: int, seed: int) -> list[Gap]:
    """``n`` random characters, none of them blank, each with the rest of its line and up to ``more_lines`` more."""
    rng = random.Random(seed)
    texts = [text for text in texts if text.text.strip()]
    found: list[Gap] = []
    while len(found) < n:
        text = rng.choices(texts, weights=[len(text.text) for text in texts])[0]
        start = rng.randrange(len(text.text))
        if text.text[start].isspace():
            continue
        end = start
        for _ in range(1 + (rng.randint(1, more_lines) if more_lines else 0)):
            line_break = text.text.find("\n", end + 1)
            end = line_break if line_break >= 0 else len(text.text)
        found.append(Gap(text=text, start=start, end=end))
    return found


def rows(tokenizer: Tokenizer, context: int, gap: Gap) -> tuple[list[int], list[int], int]:
    """Ids of a window without and with the suffix, and how many at their ends hold the missing text."""
    text = gap.text.text
    ids = tokenizer.encode_header(gap.text.path) + tokenizer.encode(text[: gap.end])
    n_missing, n_bytes = 0, len(text[gap.start : gap.end].encode("utf-8"))
    while n_bytes > 0:
        n_missing += 1
        n_bytes -= len(tokenizer.raw[ids[-n_missing]])
    head = fim_head(tokenizer, suffix_first_piece(tokenizer, text[gap.end :], suffix_room(context)))
    n_missing = min(n_missing, context - len(head))
    return ids[-context - 1 :], [*head, *ids[-(context + 1 - len(head)) :]], n_missing


def bits_per_byte(job: Job, windows: Sequence[list[int]], n_missing: Sequence[int]) -> float:
    """Cost of the last ``n_missing`` ids of each window."""
    raw, model = job.tokenizer.raw, job.run.model
    weights, _ = fuse_forward(job.progress.best_params, model)
    nats, n_bytes = 0.0, 0
    order = sorted(range(len(windows)), key=lambda i: len(windows[i]))  # windows of one length need no padding
    for start in range(0, len(order), ROWS_AT_A_TIME):
        chosen = order[start : start + ROWS_AT_A_TIME]
        length = max(len(windows[i]) for i in chosen)
        ids: Array = np.zeros((len(chosen), length), np.int64)
        for row, i in enumerate(chosen):
            ids[row, : len(windows[i])] = windows[i]
        costs = losses(weights, model, ids[:, :-1], ids[:, 1:])
        for row, i in enumerate(chosen):
            end = len(windows[i]) - 1
            nats += float(costs[row, end - n_missing[i] : end].sum(dtype=np.float64))
            n_bytes += sum(len(raw[token]) for token in windows[i][-n_missing[i] :])
    return nats / math.log(2) / n_bytes


def middle(job: Job, texts: Sequence[Text], n: int, more_lines: int) -> tuple[float, float]:
    """Bits per byte of missing text: without and with what follows it."""
    found = [rows(job.tokenizer, job.run.model.context, gap) for gap in gaps(texts, n, more_lines, seed=0)]
    before, around, n_missing = zip(*found, strict=True)
    return bits_per_byte(job, before, n_missing), bits_per_byte(job, around, n_missing)


def row_of(job: Job, rate: float, texts: Sequence[Text], n: int) -> dict[str, Any]:
    """All figures of a model, in bits per byte of held-out text."""
    line, lines = middle(job, texts, n, 0), middle(job, texts, n, MAX_LINES)
    figures = {
        "plain": job.progress.best_bits_per_byte,
        "line": line[0],
        "line_with_suffix": line[1],
        "lines": lines[0],
        "lines_with_suffix": lines[1],
    }
    return {"rate": rate, "steps": job.progress.step} | {name: round(value, 4) for name, value in figures.items()}


def table(found: Sequence[dict[str, Any]]) -> str:
    """One row for each rate."""
    lines = [
        "                      rest of the line       and 1-3 lines more",
        "rate   steps   plain   alone  with suffix     alone  with suffix",
    ]
    for row in sorted(found, key=lambda row: row["rate"]):
        lines.append(
            f"{row['rate']:4.2f}  {row['steps']:6,}  {row['plain']:6.3f}  {row['line']:6.3f}  "
            f"{row['line_with_suffix']:11.3f}    {row['lines']:6.3f}  {row['lines_with_suffix']:11.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Train at each rate, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, action="append", default=[])
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--gaps", type=int, default=400, help="gaps whose missing text is measured")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("rates", nargs="*", type=float)
    arguments = parser.parse_args()
    known = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    times = [row["step_seconds"] for row in known if "step_seconds" in row]
    found = [row for row in known if "plain" in row]
    done = {row["rate"] for row in found}
    corpus = python_repos.read(arguments.path or library.paths())
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        if not times:
            times = list(seconds_of_a_step([variant_of("base")], arguments.preset, corpus, folder).values())
            note(arguments.out, {"step_seconds": times[0]})
        steps = max(1, round(arguments.seconds / times[0]))
        for rate in arguments.rates or RATES:
            if rate in done:
                continue
            variant = variant_of(f"fim_rate={rate}")
            job = job_of(variant, arguments.preset, corpus, folder, steps)
            for _ in job.train(stop=lambda: False, clock=time.perf_counter):
                pass
            found.append(row_of(job, rate, corpus.validation, arguments.gaps))
            note(arguments.out, found[-1])
    print(table(found))


if __name__ == "__main__":
    main()
