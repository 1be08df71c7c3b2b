"""What reading symbols costs: time next to ``ast.parse`` of the same files, memory held, and that of an environment.

    python benchmarks/symbols.py PATH... [--python PYTHON] [--packages NAME...] [--rounds 5] [--json FILE]

Files are read by the reader and parsed by Python in turns, in another order each round; a file's time is the median of
its rounds, and the ratio is that of all files together. The same for all that it takes to keep the symbols of a whole
workspace (files are opened, records encoded, names indexed) beside opening and parsing its files. Memory is what
tracemalloc counts once garbage is gone, a million tokens of the shipped tokenizer: as the symbols of a workspace are
kept, and after every record was asked for.

Of the environment of --python, the packages (by default ten large ones) are imported by a file: memory once each is
imported and its names are offered, once each public name was followed and what it has is offered, and, as a bound,
once every module was asked for. What the standard library adds is in it.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import random
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from memory_index import resident

from tinycoder.bench.quiet import Others, quiet
from tinycoder.complete.names.names import Names
from tinycoder.storage.bundled import bundled_folder
from tinycoder.symbols.environment import Environment
from tinycoder.symbols.interpreter import find_interpreter
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.world import View, World
from tinycoder.transformer.tokenizer import Tokenizer

PACKAGES = (
    "django",
    "sqlalchemy",
    "numpy",
    "pandas",
    "pydantic",
    "httpx",
    "rich",
    "textual",
    "pytest",
    "fastapi",
)
BUSY = "probe.py"  # path of the file that imports all


def python_files(paths: Sequence[Path]) -> list[WorkspaceFile]:
    """The Python files under the paths that parse."""
    files = []
    for root in paths:
        for file in [root] if root.is_file() else sorted(root.rglob("*.py")):
            if file.is_file() and parses(file.read_bytes()):
                path = (Path(root.name) if len(paths) > 1 else Path()) / file.relative_to(root)
                files.append(WorkspaceFile(path=file.name if root.is_file() else path.as_posix(), location=file))
    return files


def parses(raw: bytes) -> bool:
    """Whether Python takes it."""
    try:
        ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def in_turns(works: Sequence[tuple[Callable[[], object], Callable[[], object]]], rounds: int) -> tuple[float, float]:
    """Seconds of the first and of the second of all pairs: sums of medians, each pair one after the other."""
    times: list[tuple[list[float], list[float]]] = [([], []) for _ in works]
    for number in range(rounds):
        order = list(range(len(works)))
        random.Random(number).shuffle(order)
        gc.collect()
        for index in order:
            for which in (0, 1) if number % 2 else (1, 0):
                start = time.perf_counter()
                works[index][which]()
                times[index][which].append(time.perf_counter() - start)
    first, second = (sum(statistics.median(pair[which]) for pair in times) for which in (0, 1))
    return first, second


def held(work: Callable[[], object]) -> tuple[object, float]:
    """What ``work`` returns, and the MB that are held because of it."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    result = work()
    gc.collect()
    return result, (tracemalloc.get_traced_memory()[0] - before) / 1e6


def time_of_reading(files: Sequence[WorkspaceFile], rounds: int) -> dict[str, float]:
    """Seconds and ratios of reading, alone and with all that keeping takes."""
    raws = [file.location.read_bytes() for file in files]
    alone, parsed = in_turns([(partial(read_source, raw), partial(ast.parse, raw)) for raw in raws], rounds)

    def keep() -> None:
        Project().refresh(files)

    def open_and_parse() -> None:
        for file in files:
            ast.parse(file.location.read_bytes())

    kept, opened = in_turns([(keep, open_and_parse)], rounds)
    return {
        "parse_s": parsed,
        "read_s": alone,
        "read_ratio": alone / parsed,
        "keep_s": kept,
        "keep_ratio": kept / opened,
    }


def memory_of_workspace(files: Sequence[WorkspaceFile], n_tokens: int) -> dict[str, float]:
    """MB that the symbols of files take, a million tokens."""
    project = Project()
    _, kept = held(lambda: project.refresh(files))
    snapshot = project.snapshot

    def ask() -> None:
        for path in snapshot.paths():
            snapshot.record(path)

    _, more = held(ask)
    return {"kept_mb": kept, "kept_mb_per_m": 1e6 * kept / n_tokens, "asked_mb_per_m": 1e6 * (kept + more) / n_tokens}


def memory_of_environment(python: str, packages: Sequence[str]) -> dict[str, float]:
    """MB that an environment's symbols take once packages of it are imported."""
    project = Project()
    environment = Environment(lambda: find_interpreter([], environ={}, python=python))
    names = Names(World(project, environment))
    found = [name for name in packages if environment.packages().find(name)]
    if not found:
        raise SystemExit(f"none of the packages is in the environment of {python}")
    imports = "".join(f"import {name}\n" for name in found)

    def offer(receiver: str) -> list[str]:
        text = f"{imports}it = {receiver}\nit."
        cursor = names.cursor(BUSY, text, len(text))
        return [name.word for name in names.at(cursor, text)]

    before = resident("VmRSS")
    public, imported = held(lambda: {name: offer(name) for name in found})
    assert isinstance(public, dict)
    followed = [f"{name}.{each}" for name, every in public.items() for each in every if not each.startswith("_")]
    _, used = held(lambda: sum(len(offer(each)) for each in followed))
    n_modules, every = held(lambda: read_all(names.modules(BUSY), found))
    assert isinstance(n_modules, int)
    return {
        "packages": len(found),
        "imported_mb": imported,
        "followed_names": len(followed),
        "followed_mb": imported + used,
        "modules": n_modules,
        "all_mb": imported + used + every,
        "resident_mb": resident("VmRSS") - before,
    }


def read_all(view: View, names: Sequence[str]) -> int:
    """Ask for the record of every module of some packages: how many there are."""
    pending, n_modules = list(names), 0
    while pending:
        name = pending.pop()
        source = view.find(name)
        if source is not None:
            view.record(source)
            n_modules += 1
            pending += [f"{name}.{last}" for last in view.submodules(name)] if source.is_package else []
    return n_modules


def main() -> None:
    """Parse the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, help="folders or files to read")
    parser.add_argument("--python", default="", help="interpreter, or environment, that has the packages")
    parser.add_argument("--packages", nargs="+", default=list(PACKAGES), help="that are imported")
    parser.add_argument("--rounds", type=int, default=5, help="times that each file is read")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # those of the code that is read
    with quiet() as others:
        figures = measure(options, others)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(options: argparse.Namespace, others: Others) -> dict[str, Any]:
    """Measure the files and the environment that are asked for, and print it."""
    figures: dict[str, Any] = {}
    if options.paths:
        files = python_files([path.resolve() for path in options.paths])
        if not files:
            raise SystemExit("no Python files under the given paths")
        figures |= workspace(files, options.rounds, others)
    if options.python:
        tracemalloc.start()
        figures |= memory_of_environment(options.python, options.packages)
        tracemalloc.stop()
        print(
            f"environment, {figures['packages']} packages: {figures['imported_mb']:.1f} MB imported, "
            f"{figures['followed_mb']:.1f} MB with {figures['followed_names']:,} public names followed, "
            f"{figures['all_mb']:.1f} MB with {figures['modules']:,} modules read"
        )
    return figures


def workspace(files: Sequence[WorkspaceFile], rounds: int, others: Others) -> dict[str, Any]:
    """Measure a workspace's files, and print it. Ratios of what took turns hold beside other work too."""
    tokenizer = Tokenizer.from_json((bundled_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    n_tokens = sum(len(tokenizer.encode(file.location.read_bytes().decode("utf-8", "replace"))) for file in files)
    figures: dict[str, Any] = {"files": len(files), "tokens": n_tokens}
    figures |= time_of_reading(files, rounds)
    parsing = others.figure(f"{figures['parse_s']:.2f} s to parse")
    figures |= {name: others.value(figures[name]) for name in ("parse_s", "read_s", "keep_s")}
    figures["refused"] = others.refused
    tracemalloc.start()
    figures |= memory_of_workspace(files, n_tokens)
    tracemalloc.stop()
    print(f"{len(files):,} files, {n_tokens:,} tokens")
    print(
        f"time:   {parsing}; read {figures['read_ratio']:.2f} times that, "
        f"read and kept {figures['keep_ratio']:.2f} times"
    )
    print(
        f"memory: {figures['kept_mb_per_m']:.1f} MB a million tokens kept, "
        f"{figures['asked_mb_per_m']:.1f} once all was asked for"
    )
    return figures


if __name__ == "__main__":
    main()
