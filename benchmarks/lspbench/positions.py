"""Where lspbench asks: identifiers, places for ghost text, and stretches of text to type."""

from __future__ import annotations

import bisect
import hashlib
import io
import keyword
import random
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

PLACES = ("line", "dot", "paren", "assign", "import", "space", "mid")
BREAKS = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
CODE = (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)
MIN_LENGTH = 4  # of an identifier that is asked for


class Survey(NamedTuple):
    """All positions of a file, as offsets."""

    identifiers: list[tuple[int, int, str]]
    """(start, end, kind): attribute, import, keyword (the name of a keyword argument), name, or binding. A binding is a
    name that is made here: after def, class, as, for, a parameter, or what is assigned to."""

    places: list[tuple[int, str]]
    """(offset, one of PLACES), on lines of code without a comment or a string of several lines."""

    words: dict[int, int]
    """Where a list is open while typing, in a word of code or after the dot before it: {offset: the word's start}."""


def survey(text: str, first: int) -> Survey:
    """The positions of a file from offset ``first`` on. Raises what ``tokenize`` raises."""
    tokens = list(code_tokens(text))
    starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def line(offset: int) -> int:
        return bisect.bisect_right(starts, offset) - 1

    barred = {
        row
        for kind, string, start, end in tokens
        if kind == tokenize.COMMENT or "\n" in string.strip("\n")
        for row in range(line(start), line(end) + 1)
    }
    result = Survey([], [], {})
    depth, statement, fresh, targets, last = 0, "", True, False, -1
    for index, (kind, string, start, end) in enumerate(tokens):
        fresh = fresh or kind in BREAKS
        if kind not in CODE:
            continue
        before = tokens[index - 1][1] if index else ""
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        opens_line, last = line(start) != last, line(end)
        if fresh:
            statement, targets = after if string == "async" else string, False
        targets = string == "for" or (targets and string != "in")
        if kind == tokenize.NAME:
            result.words.update((offset, start) for offset in range(start + (before != "."), end))
            if len(string) >= MIN_LENGTH and not keyword.iskeyword(string) and start >= first:
                binding = before in ("def", "class", "as") or targets or (fresh and after in ("=", ":", ","))
                binding = binding or (statement == "def" and depth == 1 and before in ("(", ",", "*", "**"))
                result.identifiers.append((start, end, _kind(before, after, statement, depth, binding)))
        if start >= first and line(start) not in barred:
            if opens_line and kind != tokenize.STRING:
                result.places.append((start, "line"))
            elif before in (".", "(", "=", "import") and not opens_line and string != ")":
                result.places.append((start, {".": "dot", "(": "paren", "=": "assign"}.get(before, before)))
            elif text[start - 1] == " " and not opens_line:
                result.places.append((start, "space"))
            if kind == tokenize.NAME and len(string) >= MIN_LENGTH:
                result.places.append((start + 1 + number(start, string) % (len(string) - 1), "mid"))
        depth += (string in "([{") - (string in ")]}") if kind == tokenize.OP else 0
        fresh = False
    return result


def _kind(before: str, after: str, statement: str, depth: int, binding: bool) -> str:
    """What an identifier is, by the tokens around it."""
    if before == ".":
        return "attribute"
    if statement in ("import", "from"):
        return "import"
    if binding:
        return "binding"
    return "keyword" if depth and after == "=" else "name"


def code_tokens(text: str) -> Iterator[tuple[int, str, int, int]]:
    """Python's own tokens as (type, string, start, end) in offsets; an f-string is one token."""
    starts = [0] + [match.end() for match in re.finditer("\n", text)] + [len(text)]
    opening, closing = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "FSTRING_END", -1)
    depth = f_string = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        if token.type == opening:
            depth, f_string = depth + 1, f_string if depth else start
        elif token.type == closing:
            depth -= 1
            if not depth:
                yield tokenize.STRING, text[f_string:end], f_string, end
        elif not depth and token.type not in (tokenize.NL, tokenize.ENDMARKER):
            yield token.type, token.string, start, end


def number(*parts: object) -> int:
    """A number that depends on nothing but its arguments."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:8], 16)


def stretch(text: str, first: int, rng: random.Random, size: int) -> tuple[int, int] | None:
    """Whole lines of at least ``size`` characters: their start, and their end before the line break."""
    starts = [m.end() for m in re.finditer(r"\n(?=[^\n])", text) if first <= m.end() <= len(text) - size]
    if not starts:
        return None
    start = rng.choice(starts)
    end = text.find("\n", start + size)
    return start, len(text) if end < 0 else end
