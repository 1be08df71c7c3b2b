"""Gates that hold back ghost text which is never worth a look, each for one reason.

The gates read the lines around the cursor as the names do: half-typed code is read like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.line import NO_CODE, START, Line, State, read_line
from tinycoder.complete.overlap import CLOSER, CLOSING, LEXEME, QUOTES, is_telling
from tinycoder.complete.text import is_word_character, line_start
from tinycoder.symbols.source.lines import width

MAX_HEAD = 40  # lines of a function that may name its parameters
MIN_CHARACTERS = 3  # that are worth a look where no word and no line ends with them

_ENDS = (*CLOSING, ",", "\n", "\0")  # of an element; the last one ends the text
_ABOVE = 2_000  # characters before the cursor in which a list begins
_DEFINITION = re.compile(r"\s*(?:async\s+)?(?:def|class)\s+(\w+)")
_OWN = re.compile(r"(?<![\w.])(self|cls)\b|(?<![\w.])super\(")
_STEP = re.compile(LEXEME.pattern + "|[,\0]", re.DOTALL)
_STRING = re.compile(r"""\s*([rbuRBU]{0,2}(?:'[^\W\d_][^'\n]+'|"[^\W\d_][^"\n]+"))\s*(?::.*)?""", re.DOTALL)
_KEYWORD = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)")
_NAME = re.compile(r"\s*([^\W\d]\w*)(?:\s+as\s+\w+)?\s*")
_IMPORT = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\s+(?!\()")
_IMPORTS = re.compile(r"\bimport\s*\Z")
_HEADER = re.compile(r"\s*(?:async\s+)?(?:def|class|from)\b")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """``new``, which may be put at ``offset`` of ``text``; ``cursor`` is what the names know of that place.

    ``ends`` says whether it goes to where its line ends, by the model. ``probability`` is what would be shown with it;
    None if it was asked for manually, however unlikely.
    """

    text: str
    offset: int
    new: str
    ends: bool
    cursor: Cursor
    probability: float | None = None

    @cached_property
    def before(self) -> str:
        """The cursor's line up to the cursor."""
        return self.text[line_start(self.text, self.offset) : self.offset]

    @cached_property
    def first(self) -> str:
        """The first line of what is new."""
        return self.new.partition("\n")[0]

    @cached_property
    def line(self) -> str:
        """The cursor's line with what is new."""
        return self.before + self.first

    @cached_property
    def siblings(self) -> list[Line]:
        """The lines above that belong to the same block, nearest first."""
        indent, found = width(self.line[: len(self.line) - len(self.line.lstrip())]), []
        for line in self._above():
            if NO_CODE < line.indent < indent:
                break
            if line.indent == indent or (line.indent == NO_CODE and line.imports):
                found.append(line)
        return found

    def _above(self) -> Iterator[Line]:
        scopes = self.cursor.scopes
        return reversed(scopes.lines[: scopes.row])


def held_back(offer: Offer) -> str | None:
    """Why the offer is not to be shown; None if there is no reason."""
    return next((reason for reason, holds in GATES.items() if holds(offer)), None)


def _is_fragment(offer: Offer) -> bool:
    """Nothing but quotes and opening brackets: half of a pair, or of a longer sign."""
    new = offer.new.strip()
    return bool(new) and not offer.ends and all(sign in QUOTES or sign in CLOSER for sign in new)


def _is_short(offer: Offer) -> bool:
    """Less than three characters that complete no word and end no line."""
    new = offer.new.strip()
    completes = is_word_character(offer.before[-1:] or " ") and all(map(is_word_character, new))
    return len(new) < MIN_CHARACTERS and not completes and not offer.ends


def _is_defined(offer: Offer) -> bool:
    """A function or class that the block has already."""
    match = _DEFINITION.match(offer.line)
    if match is None or match.end(1) <= len(offer.before):
        return False
    if match[1] == "_" or _is_decorated(offer) or _is_overloaded(offer, match[1]):
        return False
    return any(line.kind and line.name == match[1] for line in offer.siblings)


def _is_decorated(offer: Offer) -> bool:
    """Whether a decorator is right above: that of an overload or a setter repeats the name, and there are many more."""
    above = offer.text[: line_start(offer.text, offer.offset)].rstrip()
    while above.rpartition("\n")[2].lstrip().startswith("#"):
        above = above.rpartition("\n")[0].rstrip()
    return above.rpartition("\n")[2].lstrip().startswith("@")


def _is_overloaded(offer: Offer, name: str) -> bool:
    above = offer.text[: offer.offset]
    return re.search(rf"@(?:\w+\.)?overload\s+(?:async\s+)?def\s+{name}\b", above) is not None


def _is_imported(offer: Offer) -> bool:
    """An import of which the block has a part already."""
    if offer.cursor.inside:
        return False
    state = _state(offer)
    mine, typed = read_line(offer.line, state).imports, set(read_line(offer.before, state).imports)
    whole = {path.partition(".")[0] for name, path in mine if not name}  # of ``import a.b``, which binds a
    fresh = {each for each in mine if each not in typed and each[1] not in whole}
    known = {each for line in offer.siblings for each in line.imports}
    return not fresh.isdisjoint(known)


def _is_the_line_above(offer: Offer) -> bool:
    above = offer.text[: line_start(offer.text, offer.offset)].rstrip().rpartition("\n")[2]
    return bool(offer.ends) and above.rstrip() == offer.line.rstrip() and is_telling(offer.line)


def _is_listed(offer: Offer) -> bool:
    """A string, a keyword argument or an imported name that its bracket, or its list of imports, has already."""
    if offer.cursor.inside == "comment":
        return False
    start = max(0, offer.offset - _ABOVE)
    typed = offer.offset - start
    seen: set[tuple[int, str]] = set()
    for bracket, end, element in _elements(offer.text[start : offer.offset] + offer.first + "\0"):
        if (bracket, element) in seen and end > typed:
            return True
        seen.add((bracket, element))
    return False


def _elements(text: str) -> Iterator[tuple[int, int, str]]:
    """Elements that no list has twice: the offset of the bracket around each, where it ends, and what it is.

    These are string literals of some length, the names of keyword arguments, and names that are imported.
    """
    opened: list[tuple[int, int, int]] = [(-1, 0, 0)]  # a bracket, its elements, where the present one begins
    imports, line = False, -1  # lines without an open bracket count down
    for step in _STEP.finditer(text):
        sign, at = step.group(), step.start()
        if sign in CLOSER:
            opened.append((at, 0, at + 1))
            continue
        bracket, n, start = opened[-1]
        if sign not in _ENDS or (sign == "\n" and bracket >= 0):
            continue
        if bracket < 0 and (statement := _IMPORT.match(text, start)):
            imports, start = True, statement.end()
        if element := _element(text, bracket, n, text[start:at], imports):
            yield bracket if bracket >= 0 else line, at, element
        if sign in CLOSING and len(opened) > 1:
            opened.pop()
        elif sign in ",\n":
            opened[-1] = (bracket, n + 1, at + 1)
        if sign == "\n":
            imports, line = False, line - 1


def _element(text: str, bracket: int, n: int, element: str, imports: bool) -> str:
    """What the list at the offset ``bracket`` should have once, after ``n`` others; empty if it may be there again."""
    if imports if bracket < 0 else _IMPORTS.search(text[:bracket]):
        match = _NAME.fullmatch(element)
        return match[0].strip() if match else ""
    if bracket < 0:
        return ""
    if match := _KEYWORD.match(element):
        return match[1]
    is_call = bracket > 0 and (is_word_character(text[bracket - 1]) or text[bracket - 1] in CLOSING)
    match = _STRING.fullmatch(element)
    # Arguments, subscripts and pairs repeat strings; so do options and separators.
    return match[1] if match and not is_call and (text[bracket] != "(" or n > 1) else ""


def _is_improbable(offer: Offer) -> bool:
    """What would be shown as 0 %."""
    return offer.probability is not None and round(100 * offer.probability) == 0


def _is_out_of_scope(offer: Offer) -> bool:
    """``self`` or ``cls`` where nothing around binds it, or ``super()`` outside of classes."""
    state = _state(offer)
    if offer.cursor.inside or _HEADER.match(offer.line) or state.head:
        return False
    code = LEXEME.sub(lambda match: " " * len(match[0]) if match[0][0] in "'\"#" else match[0], offer.line)
    match = next((m for m in _OWN.finditer(code) if m.end() > len(offer.before)), None)
    if match is None:
        return False
    around = offer.cursor.scopes.scopes(width(offer.line[: len(offer.line) - len(offer.line.lstrip())]))
    if match[1] is None:
        return not any(scope.kind == "class" for scope in around)
    if match[1] in read_line(offer.line + offer.text[offer.offset :].partition("\n")[0], state).bound:
        return False
    lines = offer.cursor.scopes.lines
    heads = {row for scope in around for row in range(scope.start, min(scope.start + MAX_HEAD, scope.end))}
    return not any(
        match[1] in line.bound and (row in heads or not (line.kind or (row and lines[row - 1].end.head)))
        for row, line in enumerate(lines)
    )


def _state(offer: Offer) -> State:
    """What the line above leaves for the cursor's line."""
    scopes = offer.cursor.scopes
    return scopes.lines[scopes.row - 1].end if scopes.row else START


GATES: Mapping[str, Callable[[Offer], bool]] = {
    "fragment": _is_fragment,
    "short": _is_short,
    "defined": _is_defined,
    "imported": _is_imported,
    "listed": _is_listed,
    "line above": _is_the_line_above,
    "out of scope": _is_out_of_scope,
    "improbable": _is_improbable,
}
