"""Compile one line of a ``.gitignore`` file by git's rules (gitignore(5), and what git does beyond it).

Names are bytes, as they are to git. Matching is fast for any pattern: text between two stars is taken at its first
occurrence, which is as good as any later one, and never tried again.
"""

import itertools
import re
import string
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_CASE = re.IGNORECASE if sys.platform in ("darwin", "win32") else 0  # as git does where the file system does
_NEVER = b"(?!)"
_CLASS_NAME = re.compile(rb"\[:([^\]]*):\]")
_CLASSES = {
    b"alnum": string.ascii_letters + string.digits,
    b"alpha": string.ascii_letters,
    b"blank": " \t",
    b"digit": string.digits,
    b"graph": string.ascii_letters + string.digits + string.punctuation,
    b"lower": string.ascii_lowercase,
    b"print": string.ascii_letters + string.digits + string.punctuation + " ",
    b"punct": string.punctuation,
    b"space": string.whitespace,
    b"upper": string.ascii_uppercase,
    b"xdigit": string.hexdigits,
    b"cntrl": "".join(map(chr, (*range(32), 127))),
}


class _MalformedError(Exception):
    """A pattern that matches nothing in git."""


@dataclass(frozen=True, kw_only=True)
class Glob:
    """A pattern: ``expression`` matches an entry's name if ``by_name``, else its path from the file's folder."""

    expression: re.Pattern[bytes]
    includes: bool  # "!name": not ignored after all
    only_folders: bool
    by_name: bool

    def matches(self, path: bytes) -> bool:
        """Whether the pattern matches ``path``, relative to the file's folder and without a slash at its end."""
        return self.expression.fullmatch(path.rpartition(b"/")[2] if self.by_name else path) is not None


def parse(line: bytes) -> Glob | None:
    """Compile a line without its line break; ``None`` for comments, blank lines, and patterns that match nothing."""
    if line.startswith(b"#"):
        return None
    line = _without_trailing_spaces(line)
    includes = line.startswith(b"!")
    body = line[includes:]
    only_folders = body.endswith(b"/")
    body = body.removesuffix(b"/")
    by_name = b"/" not in body
    if not body.strip(b"/"):
        return None
    try:
        expression = _name(_tokens(body), itertools.count()) if by_name else _path(body.removeprefix(b"/"))
    except _MalformedError:
        return None
    pattern = re.compile(expression, re.DOTALL | _CASE)
    return Glob(expression=pattern, includes=includes, only_folders=only_folders, by_name=by_name)


def fits(pattern: bytes, path: bytes) -> bool:
    """Whether a pattern as in conditions of git's configuration matches all of ``path``."""
    try:
        return re.compile(_path(pattern), re.DOTALL | _CASE).fullmatch(path) is not None
    except _MalformedError:
        return False


def _without_trailing_spaces(line: bytes) -> bytes:
    """Remove spaces at the end, except one after a backslash."""
    bare = line.rstrip(b" ")
    n_backslashes = len(bare) - len(bare.rstrip(b"\\"))
    return line[: len(bare) + 1] if n_backslashes % 2 and len(bare) < len(line) else bare


def _tokens(body: bytes) -> list[bytes]:
    """Split a pattern into stars, slashes, and expressions for one byte each."""
    tokens: list[bytes] = []
    at = 0
    while at < len(body):
        start, at = at, at + 1
        piece = body[start:at]
        if piece == b"*":
            while body[at : at + 1] == b"*":
                at += 1
            tokens.append(b"*" * min(2, at - start))
        elif piece == b"?":
            tokens.append(b"[^/]")
        elif piece == b"[":
            one, at = _class(body, at)
            tokens.append(one)
        else:
            if piece == b"\\":
                piece, at = body[at : at + 1], at + 1
                if not piece:
                    raise _MalformedError
            tokens.append(piece if piece == b"/" else re.escape(piece))
    return tokens


def _class(body: bytes, at: int) -> tuple[bytes, int]:
    """The expression of a bracket that opened before ``at``, and its end."""
    negated = body[at : at + 1] in (b"!", b"^")
    at += negated
    chosen: set[int] = set()
    before: int | None = None  # where a range may begin
    first = True
    while first or body[at : at + 1] != b"]":
        first = False
        if named := _CLASS_NAME.match(body, at):
            if named[1] not in _CLASSES:
                raise _MalformedError
            chosen.update(_CLASSES[named[1]].encode())
            before, at = None, named.end()
            continue
        is_range = body[at : at + 1] == b"-" and before is not None and body[at + 1 : at + 2] not in (b"", b"]")
        one, at = _one(body, at + is_range)
        if is_range and before is not None:
            chosen.update(range(before, one + 1))
        else:
            chosen.add(one)
        before = None if is_range else one
    kept = (set(range(256)) - chosen if negated else chosen) - {ord("/")}
    return b"[%b]" % b"".join(b"\\x%02x" % byte for byte in sorted(kept)) if kept else _NEVER, at + 1


def _one(body: bytes, at: int) -> tuple[int, int]:
    """The byte at ``at``, perhaps after a backslash, and its end."""
    at += body[at : at + 1] == b"\\"
    if at >= len(body):
        raise _MalformedError
    return body[at], at + 1


def _path(body: bytes) -> bytes:
    """The expression of a pattern with a slash. One star stays within a name, two between slashes are any folders."""
    plain = re.match(rb"[^*?\[\\]*", body)
    assert plain is not None
    tokens = _tokens(body[plain.end() :])  # git compares the beginning as it is, and looks at the rest alone
    groups = itertools.count()
    first, *others = [
        b"/".join(_name(name, groups) for name in _split(run, b"/".__eq__)) for run in _between_deep_stars(tokens)
    ]
    if not others:
        return re.escape(plain[0]) + first
    *middle, last = others
    end = b"(?:.*/)?" + last if last else b".*"
    return re.escape(plain[0]) + first + _first_occurrences(rb"(?:.*?/)??", middle, groups) + end


def _between_deep_stars(tokens: list[bytes]) -> list[list[bytes]]:
    """Split at double stars that stand for any folders. Each run but the last ends in a slash."""
    runs: list[list[bytes]] = [[]]
    for i, token in enumerate(tokens):
        before, after = tokens[i - 1 : i] if i else [b"/"], tokens[i + 1 : i + 2] or [b"/"]
        if token == b"**" and before == after == [b"/"]:
            runs.append([])
        elif token != b"/" or i == 0 or runs[-1] or len(runs) == 1:
            runs[-1].append(token)
    return runs


def _name(tokens: list[bytes], groups: Iterator[int]) -> bytes:
    """The expression of a pattern without slashes, whose stars are any bytes of a name."""
    first, *others = [b"".join(chunk) for chunk in _split(tokens, lambda token: token.startswith(b"*"))]
    if not others:
        return first
    *middle, last = others
    return first + _first_occurrences(b"[^/]*?", middle, groups) + b"[^/]*" + last


def _split(tokens: list[bytes], separates: Callable[[bytes], bool]) -> list[list[bytes]]:
    runs: list[list[bytes]] = [[]]
    for token in tokens:
        if separates(token):
            runs.append([])
        else:
            runs[-1].append(token)
    return runs


def _first_occurrences(gap: bytes, pieces: Sequence[bytes], groups: Iterator[int]) -> bytes:
    """Each piece at its first occurrence after a ``gap``.

    A group in a lookahead is not tried again, so no pattern takes more than the square of a name's length.
    """
    return b"".join(b"(?=(?P<g%d>%b%b))(?P=g%d)" % (n, gap, piece, n) for piece, n in zip(pieces, groups, strict=False))
