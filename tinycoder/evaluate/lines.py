"""Completed lines, cut at or inside statements of files that the model has not seen."""

from __future__ import annotations

import ast
import random
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycoder.complete.candidate import Document
from tinycoder.evaluate.completer import LineCompleter
from tinycoder.evaluate.measures import could_begin_a_module

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BETWEEN_WORDS = re.compile(r"(?<=\w)\b(?=\W)|(?<=[^\w\s])(?=\S)")


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
    completer: LineCompleter, documents: Sequence[Document], *, n: int, seed: int, inside: bool = False
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
        for candidate in completer.inline(before, offset, stop=lambda: False, max_tokens=128):
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
    found = set()
    for node in ast.walk(tree):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not docstring and node.lineno <= len(lines):
            indentation = lines[node.lineno - 1].encode()[: node.col_offset]
            if not indentation.strip():
                found.add(starts[node.lineno - 1] + len(indentation))
    return sorted(found)
