"""The cursors of a file to query: identifiers for the popup, cursors for the ghost text, stretches to type.

Files are read as tokens, so that one that does not parse has cursors too, up to its first fault.
"""

import bisect
import io
import keyword
import random
import re
import tokenize
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tinycoder.complete.candidate import Document

KINDS = ("line", "dot", "paren", "assign", "import", "space", "mid")
MIN_LETTERS = 4  # of an identifier that is worth a popup
N_OPENED = 10  # lines that a file has when it is opened; nothing is asked in them
STRETCH = 500  # characters, and what is missing to the end of the line, of a stretch that is typed

_AFTER = {".": "dot", "(": "paren", "=": "assign", "import": "import"}
_CODE = (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)
_F_STRING_START = getattr(tokenize, "FSTRING_START", -1)  # from Python 3.12 on
_F_STRING_END = getattr(tokenize, "FSTRING_END", -1)


@dataclass(frozen=True, kw_only=True, order=True)
class Identifier:
    """A name ``text[start:end]``; ``kind`` is attribute, import, keyword (argument), name, or binding (being made)."""

    path: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True, kw_only=True, order=True)
class Cursor:
    """A cursor in a line of code; ``kind`` is one of ``KINDS``."""

    path: str
    offset: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Whole lines to type, ``text[start:end]``, without the last line break."""

    path: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Survey:
    """All cursors of one file; ``words`` maps the offsets where a popup is open to the start of the word there."""

    identifiers: tuple[Identifier, ...]
    cursors: tuple[Cursor, ...]
    words: Mapping[int, int]


@dataclass(frozen=True)
class _Token:
    kind: int
    string: str
    start: int
    end: int


def opened(text: str) -> int:
    """The offset up to which a file is there when it is opened."""
    return len("".join(text.splitlines(keepends=True)[:N_OPENED]))


def survey(document: Document, *, first: int = 0) -> Survey:
    """Cursors from offset ``first`` on. Lines with a comment or of a multi-line string have none for ghost text."""
    text = document.text
    tokens = list(_tokens(text))
    breaks = [match.end() for match in re.finditer("\n", text)]
    rows = [(bisect.bisect_right(breaks, t.start), bisect.bisect_right(breaks, t.end)) for t in tokens]
    barred = {
        row
        for token, (top, bottom) in zip(tokens, rows, strict=True)
        if token.kind == tokenize.COMMENT or (token.kind == tokenize.STRING and top != bottom)
        for row in range(top, bottom + 1)
    }
    identifiers = [
        Identifier(path=document.path, start=token.start, end=token.end, kind=kind)
        for token, kind in _names(tokens)
        if token.start >= first
    ]
    cursors: list[Cursor] = []
    words: dict[int, int] = {}
    last_row = -1
    for i, (token, (top, bottom)) in enumerate(zip(tokens, rows, strict=True)):
        if token.kind not in _CODE:
            continue
        opens_line, last_row = top != last_row, bottom
        before = tokens[i - 1].string if i else ""
        if token.kind == tokenize.NAME:
            words.update((at, token.start) for at in range(token.start + (before != "."), token.end))
        if token.start < first or top in barred:
            continue
        kind = _cursor_kind(text, token, before, opens_line)
        if kind:
            cursors.append(Cursor(path=document.path, offset=token.start, kind=kind))
        if _is_identifier(token):
            inside = 1 + zlib.crc32(f"{token.start} {token.string}".encode()) % (len(token.string) - 1)
            cursors.append(Cursor(path=document.path, offset=token.start + inside, kind="mid"))
    return Survey(identifiers=tuple(identifiers), cursors=tuple(cursors), words=words)


def sample_identifiers(identifiers: Sequence[Identifier], n: int, *, seed: int) -> list[Identifier]:
    """At most ``n`` of them, in order."""
    return sorted(random.Random(f"identifiers {seed}").sample(sorted(identifiers), min(n, len(identifiers))))


def sample_cursors(cursors: Sequence[Cursor], n: int, *, seed: int) -> list[Cursor]:
    """About ``n`` of them, in order: as many of each kind as there are, up to an equal share."""
    rng = random.Random(f"places {seed}")
    share = -(-n // len(KINDS))
    chosen: list[Cursor] = []
    for kind in KINDS:
        some = sorted(cursor for cursor in cursors if cursor.kind == kind)
        chosen += rng.sample(some, min(share, len(some)))
    return sorted(chosen)


def sample_stretches(documents: Sequence[Document], n_characters: int, *, seed: int) -> list[Stretch]:
    """Stretches of about ``n_characters`` in all, from the documents in turn; a short file is one stretch.

    Each has ``STRETCH`` characters, the last what is left of them.
    """
    rng = random.Random(f"stretches {seed}")
    order = sorted((document for document in documents if document.text.strip()), key=lambda document: document.path)
    rng.shuffle(order)
    chosen: list[Stretch] = []
    used: set[tuple[str, int]] = set()
    whole, left = divmod(n_characters, STRETCH)
    for i, length in enumerate([STRETCH] * whole + [left] * (left > 0) if order else []):
        document = order[i % len(order)]
        starts = [m.start(1) for m in re.finditer(r"(?:^|\n)([^\n])", document.text)]
        starts = [start for start in starts if start + length <= len(document.text)] or starts[:1]
        start = rng.choice(starts)
        if (document.path, start) not in used:
            used.add((document.path, start))
            end = document.text.find("\n", start + length)
            end = len(document.text.rstrip("\n")) if end < 0 else end
            chosen.append(Stretch(path=document.path, start=start, end=end))
    return chosen


def _tokens(text: str) -> Iterator[_Token]:
    """Tokens by offset, up to the first fault; an f-string is one token, line breaks inside brackets are none."""
    starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    depth, prefix = 0, 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            if token.type == _F_STRING_START:
                prefix = start if depth == 0 else prefix
                depth += 1
            elif token.type == _F_STRING_END:
                depth -= 1
                if depth == 0:
                    yield _Token(tokenize.STRING, text[prefix:end], prefix, end)
            elif depth == 0 and token.type not in (tokenize.NL, tokenize.ENDMARKER):
                yield _Token(token.type, token.string, start, end)
    except (tokenize.TokenError, SyntaxError, IndexError):
        return


def _is_identifier(token: _Token) -> bool:
    return token.kind == tokenize.NAME and len(token.string) >= MIN_LETTERS and not keyword.iskeyword(token.string)


def _cursor_kind(text: str, token: _Token, before: str, opens_line: bool) -> str | None:
    if opens_line:
        return None if token.kind == tokenize.STRING else "line"
    adjacent = text[token.start - 1]
    if before in _AFTER and token.string != ")" and (before != "." or adjacent == "."):
        return _AFTER[before]
    return "space" if adjacent == " " else None


def _names(tokens: Sequence[_Token]) -> Iterator[tuple[_Token, str]]:
    """Identifiers of ``MIN_LETTERS`` and more, and their kinds, logical line by logical line."""
    line: list[_Token] = []
    for token in (*tokens, _Token(tokenize.NEWLINE, "", 0, 0)):
        if token.kind in _CODE:
            line.append(token)
        elif token.kind == tokenize.NEWLINE:
            yield from _names_of_line(line)
            line = []


def _names_of_line(line: Sequence[_Token]) -> Iterator[tuple[_Token, str]]:
    words = [token.string for token in line if token.string != "async"]
    head = words[0] if words else ""
    targets_end = _targets_end(line)
    depth, for_targets, parameters = 0, False, head == "def"
    for i, token in enumerate(line):
        before = line[i - 1].string if i else ""
        after = line[i + 1].string if i + 1 < len(line) else ""
        if token.string in ("for", "in"):
            for_targets = token.string == "for"
        elif token.string == "lambda":
            parameters = True
        elif token.string == ":" and head != "def":
            parameters = False
        if _is_identifier(token):
            target = i < targets_end and depth == 0 and after not in (".", "(", "[")
            parameter = parameters and before in ("(", ",", "*", "**", "lambda") and (head != "def" or depth == 1)
            if before == ".":
                yield token, "attribute"
            elif before in ("def", "class", "as") or after == ":=" or for_targets or target or parameter:
                yield token, "binding"
            elif head in ("import", "from"):
                yield token, "import"
            else:
                yield token, "keyword" if depth and after == "=" else "name"
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))


def _targets_end(line: Sequence[_Token]) -> int:
    """The token of a logical line up to which the targets of its assignment reach; 0 if it assigns nothing."""
    if not line or keyword.iskeyword(line[0].string):
        return 0
    depth, end = 0, 0
    for i, token in enumerate(line):
        depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
        if depth == 0 and token.string == ":":  # an annotation
            return i
        if depth == 0 and token.string == "lambda":
            return end
        if depth == 0 and token.string == "=":
            end = i
    return end
