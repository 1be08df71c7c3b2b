"""What the popup and ghost text cost in this process, at each key of typed code, and where the time goes.

    python benchmarks/popup.py --model FOLDER PATH... [--against TREE] [--profile] [--stretches N]

Takes some files out of the Python files under the paths, which are the workspace, and types stretches of them, asking
for the popup where a name is typed or could begin, and then for ghost text. ``--against`` names another tree of this
project: both type the same stretches in turns, and their answers are compared. Times are those of the processor in
milliseconds, which other processes disturb less; the digest is that of all answers, without probabilities.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from simulated_user import prose

from tinycoder.complete import parts
from tinycoder.complete.candidate import Candidate, Document
from tinycoder.library import engine_maker
from tinycoder.stop import never
from tinycoder.storage.checkpoint import load_model

if TYPE_CHECKING:
    from tinycoder.bench.quiet import Others

N_FILES = 6  # that are typed
KEYS = 100  # of a stretch
LEAST, MOST = 4_000, 60_000  # characters of a file that is typed
POPUP, GHOST = "popup", "ghost"
PARTS = {  # what is timed, in a tree that has it: the name that callers use, as module, perhaps a class, and function
    "decode prompt": ("tinycoder.transformer.decode", "Session._read"),
    "decode rows": ("tinycoder.transformer.decode", "Session._read_rows"),
    "memory": ("tinycoder.memory.ngrams", "Memory.evidence"),
    "mixing": ("tinycoder.memory.mixer", "Mixer.mix"),
    "softmax": ("tinycoder.complete.predict", "softmax"),
    "best ids": ("tinycoder.complete.word_search", "best_ids"),
    "names": ("tinycoder.complete.names.names", "Names.at"),
    "names open": ("tinycoder.complete.names.names", "Names.is_open"),
    "resolver": ("tinycoder.complete.names.names", "Names.resolver"),
    "live reader": ("tinycoder.symbols.source.live", "LiveReader.update"),
    "infer": ("tinycoder.symbols.types.query", "Types.infer"),
    "members": ("tinycoder.symbols.types.query", "Types.members"),
    "likelihoods": ("tinycoder.complete.completion_list", "likelihoods"),
    "ranking": ("tinycoder.complete.completion_list", "ranked"),
    "describe": ("tinycoder.complete.completion_list", "describe"),
    "context": ("tinycoder.complete.predict", "make_context"),
    "update": ("tinycoder.memory.ngrams", "Memory.update"),
    "sources": ("tinycoder.memory.ngrams", "Memory.seen"),
    "search": ("tinycoder.complete.completion_list", "complete_word"),
    "ghost text": ("tinycoder.complete.ghost", "_greedy"),
    "spelling": ("tinycoder.complete.ghost", "_beginnings"),
    "filters": ("tinycoder.complete.filters", "Filters.let_through"),
}


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Text of a file to be typed from ``start`` on; with ``after`` what follows it is in the file already."""

    path: str
    text: str
    start: int
    after: bool

    def typed(self) -> Iterator[tuple[str, int, bool]]:
        """The text and the cursor after each key, and whether a popup is asked for."""
        silent = prose(self.text)
        rest = self.text[self.text.find("\n", self.start + KEYS) :] if self.after else ""
        for at in range(self.start, min(self.start + KEYS, len(self.text))):
            around = self.text[at - 1 : at + 1]
            wanted = around[0] == "." or any(each == "_" or each.isalnum() for each in around)
            yield self.text[:at] + rest, at, wanted and at not in silent


class Parts:
    """How long each part has taken for each kind of question, without the parts that it calls, and how often."""

    def __init__(self) -> None:
        self.kind = ""
        self.seconds: Counter[tuple[str, str]] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self._inner = [0.0]

    def watch(self) -> None:
        """Time all PARTS from here on."""
        for part, (module, path) in PARTS.items():
            owner: Any = importlib.import_module(module)
            *outer, name = path.split(".")
            for each in outer:
                owner = getattr(owner, each, None)
            if hasattr(owner, name):
                setattr(owner, name, self.timed(part, getattr(owner, name)))

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed as a part."""

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            self._inner.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.thread_time() - start
                self.seconds[self.kind, part] += whole - self._inner.pop()
                self.calls[self.kind, part] += 1
                self._inner[-1] += whole

        return timed


class Typed:
    """An engine with the workspace, and stretches to be typed."""

    def __init__(self, options: argparse.Namespace) -> None:
        texts = {}
        for root in options.paths:
            for file in sorted(root.rglob("*.py")):
                text = file.read_text(encoding="utf-8", errors="replace")
                texts[f"{root.name}/{file.relative_to(root).as_posix()}"] = text
        dice = random.Random(options.seed)
        fit = [path for path, text in texts.items() if LEAST <= len(text) <= MOST and text.isascii()]
        typed = dice.sample(fit, min(N_FILES, len(fit)))
        known = [Document(path=path, text=text) for path, text in texts.items() if path not in typed]
        self.engine = engine_maker(load_model(options.model), known)(parts.Parts())
        self.parts = Parts()
        if options.profile:
            self.parts.watch()
        self.stretches = []
        for number in range(options.stretches):
            path = typed[number % len(typed)]
            text = texts[path]
            start = text.index("\n", dice.randrange(len(text) // 8, len(text) - 2 * KEYS)) + 1
            self.stretches.append(Stretch(path=path, text=text, start=start, after=number % 3 == 2))

    def type(self, number: int) -> list[tuple[str, float, list[Any]]]:
        """Type a stretch: for each question its kind, the milliseconds it took, and what was answered."""
        stretch = self.stretches[number]
        found = []
        for text, offset, wanted in stretch.typed():
            document = Document(path=stretch.path, text=text)
            self.engine.observe(document)
            for kind in (POPUP, GHOST) if wanted else (GHOST,):
                self.parts.kind = kind
                ask = self.engine.popup if kind == POPUP else self.engine.inline
                start = time.thread_time()
                answer = ask(document, offset, stop=never)
                found.append((kind, 1e3 * (time.thread_time() - start), [_plain(each) for each in answer]))
        while self.engine.learn(stop=never):
            pass
        return found


class Tree:
    """Another process that types with the code of one tree."""

    def __init__(self, predictions: Path, arguments: Sequence[str]) -> None:
        command = [sys.executable, __file__, *arguments, "--worker"]
        environment = {**os.environ, "PYTHONPATH": str(predictions)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def type(self, number: int) -> list[tuple[str, float, list[Any]]]:
        """As ``Typed.type``."""
        assert self._process.stdin
        assert self._process.stdout
        print(number, file=self._process.stdin, flush=True)
        return [(kind, ms, answer) for kind, ms, answer in json.loads(self._process.stdout.readline())]

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def compare(here: Path, there: Path, arguments: Sequence[str], n: int, others: Others) -> None:
    """Type in turns with both trees, and print the times, their ratios and how many answers are the same."""
    trees = [Tree(each, arguments) for each in (there, here)]
    times: dict[str, list[tuple[float, float]]] = {POPUP: [], GHOST: []}
    same: Counter[str] = Counter()
    apart = {POPUP: 0.0, GHOST: 0.0}
    for number in range(n):
        turns = trees if number % 2 else trees[::-1]
        answers = {predictions: predictions.type(number) for predictions in turns}
        for before, after in zip(*(answers[predictions] for predictions in trees), strict=True):
            kind = before[0]
            times[kind].append((before[1], after[1]))
            equal = _words(before[2]) == _words(after[2])
            same[kind] += equal
            if equal:
                for a, b in zip(before[2], after[2], strict=True):
                    apart[kind] = max(apart[kind], abs(a[3] - b[3]))
            else:
                print(f"stretch {number}, {kind}:\n  {before[2]}\n  {after[2]}")
    for kind, pairs in times.items():
        then, now = np.array(pairs).T
        said = others.figure(f"{describe(then)} there, {describe(now)} here")
        print(f"{kind}: {said}; in all {now.sum() / then.sum():.3f} of the time")
        print(f"  {same[kind]} of {len(pairs)} answers equal, their probabilities within {apart[kind]:.1g}")
    for predictions in trees:
        predictions.close()


def alone(typed: Typed, others: Others) -> None:
    """Type, and print the times and the digest; and what each part took, where that is known."""
    times: dict[str, list[float]] = {POPUP: [], GHOST: []}
    digest = hashlib.sha256()
    for number in range(len(typed.stretches)):
        for kind, ms, answer in typed.type(number):
            times[kind].append(ms)
            digest.update(repr(_words(answer)).encode())
    for kind, each in times.items():
        print(f"{len(each)} times {kind}: {others.figure(describe(each))}")
        for (of, part), seconds in typed.parts.seconds.most_common():
            if of == kind:
                calls = typed.parts.calls[of, part]
                print(f"  {part:14} {1e3 * seconds / len(each):7.3f} ms, {calls / len(each):6.2f} calls")
    print(f"answers: {digest.hexdigest()[:16]}")


def describe(ms: Sequence[float]) -> str:
    """Median, 95th percentile and mean."""
    middle, high = np.percentile(ms, [50, 95])
    return f"p50 {middle:.1f}, p95 {high:.1f}, mean {np.mean(ms):.1f} ms"


def _plain(each: Candidate) -> list[Any]:
    return [each.text, each.start, each.end, each.probability, str(each.provenance)]


def _words(answer: Sequence[list[Any]]) -> list[list[Any]]:
    """An answer without its probabilities, which the order of a sum may change."""
    return [[*each[:3], each[4]] for each in answer]


def main() -> None:
    """Type alone, as another's worker, or against another tree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--against", type=Path, metavar="TREE", help="a folder with another version of the package")
    parser.add_argument("--stretches", type=int, default=20, help=f"of {KEYS} keys each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", action="store_true", help="what each part takes")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        typed = Typed(options)
        for line in sys.stdin:
            print(json.dumps(typed.type(int(line))), flush=True)
        return
    from tinycoder.bench.quiet import quiet  # a worker's tree may not have it

    with quiet() as others:
        if options.against:
            compare(Path(__file__).parents[1], options.against, sys.argv[1:], options.stretches, others)
        else:
            alone(Typed(options), others)


if __name__ == "__main__":
    main()
