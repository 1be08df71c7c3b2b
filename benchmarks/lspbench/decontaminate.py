"""Keeps the evaluation projects out of training data without naming them.

    python benchmarks/lspbench/decontaminate.py build FILE CORPUS...
    python benchmarks/lspbench/decontaminate.py check FILE FOLDER...    lists the files to leave out

FILE (exclusion.bin here) holds hashes of 8 bytes, of every run of 6 lines of the corpora's Python files; white space
does not count, nor do lines with fewer than 4 letters. It tells nothing of them, so that it covers corpora which are
not here. A file of which a fifth of the runs are in it is a copy, perhaps of another version. In a training pipeline:

    excluded = Exclusion(Path("exclusion.bin"))
    texts = [text for text in texts if excluded.share(text) < MAX_SHARE]
"""

from __future__ import annotations

import argparse
import array
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from corpora import archive, manifest, members, text_of

N_LINES = 6
MIN_LETTERS = 4
MAX_SHARE = 0.2


class Exclusion:
    """The runs of lines that the corpora hold."""

    def __init__(self, path: Path) -> None:
        """Read the file of hashes."""
        hashes = array.array("Q")
        hashes.frombytes(path.read_bytes())
        self._hashes = frozenset(hashes)

    def share(self, text: str) -> float:
        """The share of the text's runs of lines that the corpora hold too."""
        known = [run in self._hashes for run in runs(text)]
        return sum(known) / len(known) if known else 0.0


def runs(text: str) -> Iterator[int]:
    """The hash of each run of lines of a text."""
    lines = [re.sub(r"\s+", "", line) for line in text.splitlines()]
    lines = [line for line in lines if len(re.findall(r"\w", line)) >= MIN_LETTERS]
    for start in range(max(1, len(lines) - N_LINES + 1)) if lines else ():
        raw = "\n".join(lines[start : start + N_LINES]).encode()
        yield int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little")


def build(path: Path, corpora: Iterable[Path]) -> int:
    """Write the hashes of all Python files of some corpora: how many there are."""
    hashes: set[int] = set()
    for corpus in corpora:
        for row in manifest(corpus):
            for name, raw in members(archive(corpus, row)):
                if name.endswith(".py"):
                    try:
                        hashes.update(runs(text_of(raw)))
                    except UnicodeDecodeError:
                        continue
    path.write_bytes(array.array("Q", sorted(hashes)).tobytes())
    return len(hashes)


def check(path: Path, folders: Iterable[Path]) -> Iterator[tuple[float, Path]]:
    """The Python files to leave out, with the share of their runs that the corpora hold."""
    excluded = Exclusion(path)
    for file in sorted(file for folder in folders for file in folder.rglob("*.py") if file.is_file()):
        share = excluded.share(file.read_text("utf-8", "replace"))
        if share >= MAX_SHARE:
            yield share, file


def main() -> None:
    """Parse the command line, then build or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("build", "check"))
    parser.add_argument("file", type=Path)
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    if options.command == "build":
        print(f"{build(options.file, options.folders):,} runs")
    else:
        for share, file in check(options.file, options.folders):
            print(f"{share:.2f} {file}")


if __name__ == "__main__":
    main()
