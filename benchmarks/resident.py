"""What a server holds in memory, part by part: the steps of its start, one after the other in this process.

    python benchmarks/resident.py FOLDER [--home HOME] [--files N]

FOLDER is indexed and its symbols are read; with an empty HOME (by default a new one) for the first time, with one that
was used before as in a later session. Then list and ghost text are asked for in the middle of N files. Printed are MB
after each step: all, of it on the heap and in mapped files, the most so far, and seconds of one core. In the end the
files that are mapped. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

SHOWN = 8  # mapped files


class Steps:
    """Prints a line after each step."""

    def __init__(self) -> None:
        self._before, self._since = 0.0, time.process_time()
        print(f"{'':26}{'MB':>7}{'more':>7}{'heap':>7}{'files':>7}{'most':>7}{'s':>7}")

    def done(self, what: str) -> None:
        """The step that has just ended."""
        now, seconds = resident("VmRSS"), time.process_time() - self._since
        figures = (now, now - self._before, resident("RssAnon"), resident("RssFile"), resident("VmHWM"))
        print(f"{what:26}{''.join(f'{each:7.1f}' for each in figures)}{seconds:7.2f}")
        self._before, self._since = now, time.process_time()


def resident(name: str) -> float:
    """MB by a name in /proc."""
    return int(re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1e3


def start(folder: Path, home: Path, n_files: int) -> None:
    """Do what a server does, in its order."""
    steps = Steps()
    steps.done("Python")
    garbage = importlib.import_module("tinycoder_lsp.engine.garbage")
    garbage.wait_for_rest()
    for name in ("tinycoder.cli", "tinycoder_lsp.app"):
        importlib.import_module(name)
    garbage.keep()
    steps.done("the server's imports")
    for name in ("numpy", "tokenizers"):
        importlib.import_module(name)
    steps.done("numpy and tokenizers")
    from tinycoder.complete.candidate import Document
    from tinycoder.library import open_engine
    from tinycoder.memory.indexing import index_at_home
    from tinycoder.stop import never
    from tinycoder.storage.bundled import bundled_folder
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.symbols.indexing import WorkspaceSymbols

    garbage.keep()
    steps.done("the engine's imports")
    engine = open_engine(load_model(bundled_folder()))
    steps.done("the model")
    engine.use(index_at_home(home, [folder], engine.tokenizer))
    steps.done("the index")
    symbols = WorkspaceSymbols(home, [folder], environ=os.environ)
    symbols.refresh()
    engine.know(symbols.world, symbols.offered)
    steps.done("symbols")
    for file in sorted(folder.rglob("*.py"), key=lambda each: -each.stat().st_size)[:: max(1, n_files)][:n_files]:
        text = file.read_text(encoding="utf-8", errors="replace")
        at = text.find("\n", len(text) // 2) + 1
        document = Document(path=file.relative_to(folder).as_posix(), text=text)
        engine.observe(document)
        engine.popup(document, at, stop=never)
        engine.inline(document, at, stop=never)
        steps.done(f"answers in {len(text):,} characters")


def mapped() -> Counter[str]:
    """MB of this process by the file that they are a map of."""
    found: Counter[str] = Counter()
    name = ""
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if header := re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)", line):
            name = header[1]
        elif size := re.match(r"Rss: +(\d+) kB", line):
            found[name] += int(size[1]) / 1e3  # type: ignore[assignment]
    return found


def main() -> None:
    """Start, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--files", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        start(options.folder.resolve(), options.home or Path(scratch), options.files)
        for name, size in mapped().most_common(SHOWN):
            print(f"{size:7.1f} MB  {Path(name).name or 'without a file'}")


if __name__ == "__main__":
    main()
