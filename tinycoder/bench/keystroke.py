"""``bench keystroke``: where the time of a completion goes, and how it differs from another checkout.

Each checkout types the same stretches in a process of its own, in turns. The times leave out the way through pipes and
the event loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinycoder.bench.competitor import Competitor
from tinycoder.bench.report import Record, Row
from tinycoder.errors import ConfigError, TinyCoderError
from tinycoder.storage.bundled import bundled_folder

WORKER = Path(__file__).with_name("keystroke_worker.py")
PACKAGES = ("", "server", "training")  # folders of a checkout that hold packages
KINDS = {"list": "completion list after a key", "ghost": "ghost text after a key", "jump": "ghost text after a jump"}
PARTS = ("screen", "tokens", "prefill", "steps", "memory", "mixture", "names", "ranking", "gates", "protocol")
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer: its milliseconds as a whole and by part, and what it was."""

    kind: str
    ms: float
    parts: Mapping[str, float]
    rows: Sequence[Sequence[Any]]

    def spent(self, part: str) -> float:
        """Milliseconds of a part; of OTHER what no part has."""
        return self.ms - sum(self.parts.values()) if part == OTHER else self.parts.get(part, 0.0)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the answers of one kind took."""

    kind: str
    answers: list[Answer] = field(default_factory=list)

    def percentile(self, percent: float, part: str | None = None) -> float:
        """Milliseconds, as a whole or of a part, within which so many of 100 answers came."""
        values = [answer.ms if part is None else answer.spent(part) for answer in self.answers]
        return float(np.percentile(values, percent))

    def share(self, part: str, *, slowest: bool = False) -> float:
        """A part's share of the time of all answers, or of the slowest twentieth."""
        chosen = sorted(self.answers, key=lambda answer: -answer.ms)
        chosen = chosen[: max(1, len(chosen) // 20)] if slowest else chosen
        return sum(answer.spent(part) for answer in chosen) / sum(answer.ms for answer in chosen)


def run(*, seconds: float, threads: int, folder: Path | None, model: Path | None, against: Path | None) -> Record:
    """Rows of milliseconds, the budget by part, and with ``against`` the same of that checkout.

    ``folder`` holds the code to type and to know, asyncio of the standard library without one. Raises ``ConfigError``
    for a folder with too little code, and for one that is no checkout.
    """
    arguments = {
        "folder": str(folder or Path(asyncio.__file__).parent),
        "model": str(model or bundled_folder()),
    }
    trees = {"ours": None} if against is None else {"ours": None, "theirs": _checkout(against)}
    with ExitStack() as stack:
        typists = {
            name: stack.enter_context(closing(_typist(tree, arguments, threads))) for name, tree in trees.items()
        }
        for name, typist in typists.items():
            if typist.absent is not None:
                raise TinyCoderError(f"the process that types with {trees[name] or 'this checkout'} ended at its start")
            if trees[name] not in (None, Path(typist.ready["tree"])):
                raise ConfigError(f"{trees[name]} was not found by Python; give a path without {os.pathsep!r}")
            if not typist.ready["n"]:
                raise ConfigError(f"{arguments['folder']} has no Python file that is long enough to type; give another")
        budgets, n_equal = _typed(typists, seconds)
    metadata = {
        "folder": Path(arguments["folder"]).name,
        "budget": {kind: _table(budget) for kind, budget in budgets["ours"].items()},
        "sentence": "\n".join(_lines(budgets, n_equal)),
        "equal": n_equal,
    }
    return Record(bench="keystroke", rows=list(_rows(budgets)), metadata=metadata)


def _checkout(tree: Path) -> Path:
    if not (tree / "tinycoder" / "library.py").is_file():
        raise ConfigError(f"--against {tree} is no checkout of TinyCoder; give the folder of its pyproject.toml")
    return tree.resolve()


def _typist(tree: Path | None, arguments: Mapping[str, str], threads: int) -> Competitor:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    if tree is not None:
        environment["PYTHONPATH"] = os.pathsep.join(str(tree / package) for package in PACKAGES)
    return Competitor([sys.executable, "-P", str(WORKER), json.dumps(arguments)], environment)


def _typed(
    typists: Mapping[str, Competitor], seconds: float
) -> tuple[dict[str, dict[str, Budget]], dict[str, tuple[int, int]]]:
    """Let all type stretch after stretch; their budgets by kind, and how many answers are equal, of how many."""
    budgets = {name: {kind: Budget(kind=kind) for kind in KINDS} for name in typists}
    equal: dict[str, list[bool]] = defaultdict(list)
    end = time.perf_counter() + seconds
    for number in range(min(typist.ready["n"] for typist in typists.values())):
        if number > 1 and time.perf_counter() > end:
            break
        names = list(typists) if number % 2 else list(typists)[::-1]
        typed = {name: _stretch(typists[name], number) for name in names}
        for name, answers in typed.items():
            for answer in answers if number else []:  # the first stretch warms up
                budgets[name][answer.kind].answers.append(answer)
        if len(typed) > 1:
            for ours, theirs in zip(typed["ours"], typed["theirs"], strict=True):
                equal[ours.kind].append([row[:4] for row in ours.rows] == [row[:4] for row in theirs.rows])
    asked = {kind for kind, budget in budgets["ours"].items() if budget.answers}
    if not asked:
        raise ConfigError("nothing was typed in time; give more --seconds, or a folder with more code")
    budgets = {name: {kind: each for kind, each in of.items() if kind in asked} for name, of in budgets.items()}
    return budgets, {kind: (sum(each), len(each)) for kind, each in equal.items()}


def _stretch(typist: Competitor, number: int) -> list[Answer]:
    try:
        return [_answer(row) for row in typist.ask(str(number))]
    except TinyCoderError:
        raise TinyCoderError("a process that types ended at its work; try again, or another folder") from None


def _answer(row: Sequence[Any]) -> Answer:
    kind, ms, parts, rows = row
    return Answer(kind=kind, ms=ms, parts=parts, rows=rows)


def _rows(budgets: Mapping[str, Mapping[str, Budget]]) -> Iterator[Row]:
    for kind, budget in budgets["ours"].items():
        for percent in (50, 95):
            ours = budget.percentile(percent)
            for name, of in budgets.items():
                value = of[kind].percentile(percent)
                ratio = None if name == "ours" else ours / value
                label = f"{KINDS[kind]}, p{percent}" + ("" if name == "ours" else f": {name}")
                yield Row(name=label, value=value, unit="ms", higher_is_better=False, ratio=ratio)


def _table(budget: Budget) -> dict[str, dict[str, float]]:
    return {
        part: {
            "p50_ms": budget.percentile(50, part),
            "p95_ms": budget.percentile(95, part),
            "share": budget.share(part),
            "share_of_the_slowest": budget.share(part, slowest=True),
        }
        for part in (*PARTS, OTHER)
    }


def _lines(budgets: Mapping[str, Mapping[str, Budget]], n_equal: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    for kind, budget in budgets["ours"].items():
        yield f"\n{KINDS[kind]} ({len(budget.answers)} answers): p50 ms, p95 ms, share, share of the slowest twentieth"
        for part, row in _table(budget).items():
            yield (
                f"  {part:9}{row['p50_ms']:8.2f}{row['p95_ms']:8.2f}"
                f"{100 * row['share']:7.0f} %{100 * row['share_of_the_slowest']:6.0f} %"
            )
    for kind, (same, all_of_them) in n_equal.items():
        yield f"{KINDS[kind]}: {same} of {all_of_them} answers are the same as theirs"
