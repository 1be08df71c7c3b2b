"""What the memory of a workspace costs on this machine: to index, to load again, to ask, and to keep up with an edit.

    python benchmarks/memory_index.py --model NAME PATH...

Indexes the Python files under the paths with the tokenizer of a model (its name, its folder, or a tokenizer.json).
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tinycoder.bench.quiet import Others, quiet
from tinycoder.memory.index_file import load_index, tokenizer_digest
from tinycoder.memory.indexing import index_workspace
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.suffix_index import SuffixIndex
from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder_training.corpora import python_repos

LINES = 600  # of the file that is edited, if there is one of that length
KEYS = 200  # keystrokes and lookups


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of all cores together."""
    wall, cores = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cores


def resident(name: str) -> float:
    """MB that this process holds (VmRSS), or held at most (VmHWM); 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) / 1e3 if found else 0.0


def middle_and_end(values: list[float]) -> str:
    """Median and 95th percentile of seconds, in microseconds."""
    low, high = 1e6 * statistics.median(values), 1e6 * float(np.percentile(values, 95))
    return f"{low:.0f} µs (95 %: {high:.0f})"


def lookups(memory: Memory, path: str, text: str) -> list[float]:
    """Seconds of single lookups all over a file that is open."""
    ids = memory.update(path, text).ids
    found = []
    for t in np.linspace(1, len(ids) - 1, KEYS).astype(int):
        here = memory.here(ids[:t], ids[t:])
        found.append(seconds(partial(memory.evidence, ids[:t], path, here))[0])
    return found


def keystrokes(memory: Memory, path: str, text: str) -> list[float]:
    """Seconds to take up single characters typed in the middle of a file."""
    cursor = text.find("\n", len(text) // 2)
    found = []
    for n in range(1, KEYS):
        typed = ("    total = value + other " * KEYS)[:n]
        found.append(seconds(partial(memory.update, path, text[:cursor] + typed + text[cursor:]))[0])
    return found


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--model", required=True)
    given = parser.parse_args()
    tokenizer_file = Path(given.model)
    if tokenizer_file.suffix != ".json":
        tokenizer_file = resolve_model(default_home(os.environ), given.model) / "tokenizer.json"
    tokenizer = Tokenizer.from_json(tokenizer_file.read_text(encoding="utf-8"))
    with quiet() as others:
        measure(given.paths, tokenizer, others)


def measure(paths: Sequence[Path], tokenizer: Tokenizer, others: Others) -> None:
    """Index, ask, edit, and print what each costs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index.safetensors"
        before = resident("VmRSS")
        made: list[SuffixIndex] = []
        cold = seconds(lambda: made.append(index_workspace(paths, tokenizer, file=file)))
        held, most = resident("VmRSS") - before, resident("VmHWM") - before
        digest = tokenizer_digest(tokenizer)
        load = seconds(lambda: load_index(file, tokenizer_digest=digest, vocab_size=tokenizer.vocab_size))
        again = seconds(lambda: index_workspace(paths, tokenizer, file=file))
        n_stored = file.stat().st_size
    workspace = made[0]
    if not workspace.corpus.paths:
        raise SystemExit("no Python files under the given paths")
    print(f"{len(workspace.corpus.paths)} files, {len(workspace.order):,} tokens, index file {n_stored / 1e6:.1f} MB")
    index = others.figure(f"{cold[0]:.2f} s ({cold[1]:.2f} s of one core)")
    loaded = others.figure(f"{again[0]:.2f} s ({again[1]:.2f} s of one core), {load[0]:.2f} s of it for the file")
    print(f"index:  {index}; {held:.0f} MB more are held, {most:.0f} MB at most")
    print(f"again:  {loaded}")

    corpus = python_repos.read(paths)
    texts = {text.path: text.text for text in (*corpus.train, *corpus.validation)}
    path, text = min(texts.items(), key=lambda item: abs(item[1].count("\n") - LINES))
    memory = Memory(tokenizer)
    memory.use(workspace)
    times = middle_and_end(lookups(memory, path, text)), middle_and_end(keystrokes(memory, path, text))
    lookup, edit = map(others.figure, times)
    print(f"lookup: {lookup}, in a file of {text.count(chr(10))} lines")
    print(f"edit:   {edit} a keystroke")


if __name__ == "__main__":
    main()
