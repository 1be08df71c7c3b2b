"""What a file of an installed package teaches: its code, without the licence above it; or why it teaches nothing."""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycoder.errors import CorpusError
from tinycoder.workspace import exclusions

MAX_BYTES = 300_000  # larger modules are tables, bundles or outputs more often than code that a person wrote
MAX_TABLE = 0.5  # of the characters of a file
MAX_DIGITS = 0.25  # of the characters but white space
MIN_TABLE = 1_500  # characters; a short list is ordinary code
MAX_KNOWN = 0.2  # of the runs of a file: it is a copy, perhaps of another version
RUN = 6  # lines
HEADER_LINES = 100  # licences stand at the top

VENDORED = frozenset({"externals", "_external", "extern", "_extern", "array_api_compat", "array_api_extra", "typeshed"})
GENERATED = frozenset({"generated", "_generated", "_antlr"})
TESTS = frozenset({"test", "tests", "testing", "_testing", "idle_test", "_internal_tests"})
TEST_DATA = frozenset({"data", "testdata", "test_data", "typinganndata", "fixtures", "cassettes"})

_RIGHTS = re.compile(
    r"copyright|\(c\) \d{4}|spdx-license|all rights reserved|licen[sc]ed? (?:to|under|agreement|version)"
    r"|licen[sc]e:|see licen[sc]e|permission is hereby|redistributions? |provided .as is|warrant(?:y|ies)",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"^#.*?coding[:=][ \t]*[-\w.]+")
_DOCSTRING = re.compile(r"""\A((?:[ \t]*(?:#[^\n]*)?\n)*)([rRuU]?)(\"{3}|'{3})(.*?)\3""", re.DOTALL)
_LITERAL = re.compile(r"""[rbuRBU]{0,2}(?:"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')|[-+]?\.?\d[\w.]*""")
_GLUE = re.compile(r"[\s\[\](){},:|+-]|\b(?:None|True|False)\b|#.*")


@dataclass(frozen=True, kw_only=True)
class KnownRuns:
    """The runs of lines of the evaluation repositories, as hashes; they tell nothing about the code itself."""

    hashes: frozenset[int]

    def share(self, text: str) -> float:
        """The share of the text's runs of lines that the evaluation repositories hold too."""
        found = [run in self.hashes for run in runs(text)]
        return sum(found) / len(found) if found else 0.0


def read_runs(file: Path) -> KnownRuns:
    """The runs in ``file``, 8 bytes each, least significant first. Raises ``CorpusError`` if it cannot be read."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise CorpusError(f"{file} cannot be read ({error.strerror}); give the list of runs to leave out") from None
    if not raw or len(raw) % 8:
        raise CorpusError(f"{file} is no list of runs: it has {len(raw)} bytes, not a multiple of 8")
    return KnownRuns(hashes=frozenset(np.frombuffer(raw, dtype="<u8").tolist()))


def runs(text: str) -> Iterator[int]:
    """Hashes of every ``RUN`` lines in a row: without white space, and without lines of fewer than four letters."""
    lines = ["".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if len(re.findall(r"\w", line)) >= 4]
    for start in range(max(1, len(lines) - RUN + 1) if lines else 0):
        run = "\n".join(lines[start : start + RUN]).encode()
        yield int.from_bytes(hashlib.blake2b(run, digest_size=8).digest(), "little")


def path_reason(path: str) -> str | None:
    """Why the file at ``path``, relative and with forward slashes, is left out before it is opened."""
    *folders, name = path.lower().split("/")
    if not VENDORED.isdisjoint(folders):
        return "vendored code"
    if name.startswith("_sysconfigdata") or not GENERATED.isdisjoint(folders):
        return "generated"
    if is_test(path) and not TEST_DATA.isdisjoint(folders):
        return "data of tests"
    return None


def is_test(path: str) -> bool:
    """Whether the file at ``path`` lies among tests, or is one by its name."""
    *folders, name = path.lower().split("/")
    return not TESTS.isdisjoint(folders) or name.startswith("test_") or name == "conftest.py"


def clean(text: str) -> str:
    r"""``text`` without the licence in comments and docstring at its top, and coding cookies; lines end in ``\n``."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept: list[str] = []
    i = 0
    while i < len(lines):
        end = i
        while end < len(lines) and lines[end].startswith("#"):
            end += 1
        if end == i or i > HEADER_LINES:
            kept.append(lines[i])
            i += 1
            continue
        block = [line for n, line in enumerate(lines[i:end], i) if n > 1 or not _COOKIE.match(line)]
        if _RIGHTS.search("\n".join(block)):
            block = [line for line in block[:1] if line.startswith("#!")]
        kept.extend(block)
        i = end
    return _DOCSTRING.sub(_without_rights, "\n".join(kept)).strip("\n") + "\n"


def text_reason(name: str, text: str) -> str | None:
    """Why a cleaned text is left out: nothing is left of it, it is generated, a table, or no Python of today."""
    reason = exclusions.content_reason(name, text)  # once more: the licence may have hidden the line that tells
    if reason is not None:
        return reason
    if _is_table(text):
        return "table"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "not valid Python"
    return None


def _without_rights(match: re.Match[str]) -> str:
    """The module's docstring without the paragraphs about its licence, or without the whole of it."""
    above, prefix, quotes, body = match.groups()
    paragraphs = re.split(r"\n[ \t]*\n", body)
    kept = [paragraph for paragraph in paragraphs if not _RIGHTS.search(paragraph)]
    if len(kept) == len(paragraphs):
        return match[0]
    if not "".join(kept).strip():
        return above
    end = "\n" if kept[-1] is not paragraphs[-1] else ""
    return f"{above}{prefix}{quotes}" + "\n\n".join(kept) + end + quotes


def _is_table(text: str) -> bool:
    """Whether lines that hold nothing but literals make up most of the text, or digits a large part."""
    solid = "".join(text.split())
    if len(solid) >= MIN_TABLE and sum(map(solid.count, "0123456789")) > MAX_DIGITS * len(solid):
        return True
    total = table = 0
    for line in text.split("\n"):
        line = line.strip()
        total += len(line)
        bare = _LITERAL.sub("", line)
        if bare != line and not _GLUE.sub("", bare):
            table += len(line)
    return table >= MIN_TABLE and table > MAX_TABLE * total
