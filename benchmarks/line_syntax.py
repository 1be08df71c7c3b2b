"""How often a completed line adds no syntax error: lines cut at the start of statements in held-out files.

    python benchmarks/line_syntax.py MODEL PATH... [--n 200] [--seed 0] [--json]

PATH... are the paths the model was trained on; the files that training held out are read. No filter is applied to
what the model says.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder.complete.candidate import Completer, Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.parts import without
from tinycoder.evaluate.measures import could_begin_a_module
from tinycoder.stop import never
from tinycoder.storage.checkpoint import load_model
from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model
from tinycoder_training.corpora import python_repos

RAW = without(["memory", "cut", "filters", "names", "cache"])  # the model alone, and all that it says
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BETWEEN_WORDS = re.compile(r"(?<=\w)\b(?=\W)|(?<=[^\w\s])(?=\S)")


def main() -> None:
    """Print the share, and the lines that are wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    model = load_model(resolve_model(default_home(os.environ), arguments.model))
    corpus = python_repos.read(arguments.paths, seed=model.training.seed)
    documents = [Document(path=text.path, text=text.text) for text in corpus.validation]
    lines = list(completed_lines(Engine(model, parts=RAW), documents, n=arguments.n, seed=arguments.seed))
    valid, exact = sum(line.valid for line in lines), sum(line.exact for line in lines)
    wrong = [line.text for line in lines if not line.valid]
    if arguments.json:
        print(json.dumps({"model": model.name, "lines": len(lines), "valid": valid, "exact": exact, "wrong": wrong}))
        return
    for line in wrong:
        print(f"  wrong: {line}")
    print(f"{valid} of {len(lines)} lines add no syntax error ({valid / len(lines):.1%}); {exact} are the author's")


@dataclass(frozen=True, kw_only=True)
class CompletedLine:
    """What the model offered at a cursor, and what the author wrote there."""

    document: Document
    offset: int
    truth: str
    text: str
    probability: float

    @property
    def exact(self) -> bool:
        """Whether it is the author's line."""
        return self.text == self.truth

    @property
    def valid(self) -> bool:
        """Whether the file up to the cut, plus the line, could begin a valid module."""
        return could_begin_a_module(self.document.text[: self.offset] + self.text + "\n")


def completed_lines(
    completer: Completer, documents: Sequence[Document], *, n: int, seed: int, inside: bool = False
) -> Iterator[CompletedLine]:
    """Complete lines at random statements until ``n`` were offered or the statements are used up.

    Lines are cut where a statement starts, or ``inside`` it, after a word or a bracket. The completer sees the text
    before the cut only, and what it says is not filtered. Statements where the author's own line would not pass
    ``could_begin_a_module`` are left out.
    """
    starts = [(document, offset) for document in documents for offset in statement_starts(document.text)]
    rng = random.Random(seed)
    rng.shuffle(starts)
    for document, offset in starts:
        if n == 0:
            return
        if inside:
            line = document.text[offset:].partition("\n")[0].rstrip()
            cuts = [match.start() for match in _BETWEEN_WORDS.finditer(line)]
            if not cuts:
                continue
            offset += rng.choice(cuts)
        truth = document.text[offset:].partition("\n")[0].rstrip()
        if not could_begin_a_module(document.text[:offset] + truth + "\n"):
            continue
        before = Document(path=document.path, text=document.text[:offset])
        for candidate in completer.inline(before, offset, GhostRequest(max_tokens=128), stop=never):
            n -= 1
            yield CompletedLine(
                document=document,
                offset=offset,
                truth=truth,
                text=candidate.text[offset - candidate.start :],
                probability=candidate.probability,
            )


def statement_starts(text: str) -> list[int]:
    """Offsets at which a statement starts a line, after its indentation; docstrings do not count.

    Text that is not Python has none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    lines = _LINE.findall(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    offsets = set()
    for node in ast.walk(tree):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not docstring and node.lineno <= len(lines):
            indentation = lines[node.lineno - 1].encode()[: node.col_offset]
            if not indentation.strip():
                offsets.add(starts[node.lineno - 1] + len(indentation))
    return sorted(offsets)


if __name__ == "__main__":
    main()
