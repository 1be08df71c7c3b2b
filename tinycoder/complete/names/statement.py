"""The statement before a cursor, cut into tokens. Half-typed code is read like any other."""

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tinycoder.complete.names.line import NAME

MAX_LINES = 40  # of a statement that are read upwards
MAX_CHARACTERS = 4_000
OPENING, CLOSING = "([{", ")]}"
KEYWORDS = frozenset(keyword.kwlist) - {"None", "True", "False"}

_STRING = (
    r"(?:[bBuU]|[bB]?[rR]|[rR][bBfFtT]|[fFtT][rR]?)?"
    r"(?:'''(?:[^'\\]|\\.|'(?!''))*(?:'''|$)|\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*(?:\"\"\"|$)"
    r"|'(?:[^'\\\n]|\\.)*'?|\"(?:[^\"\\\n]|\\.)*\"?)"
)
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?P<comment>#[^\n]*)|(?P<number>\d[\w.]*)|(?P<name>{NAME})"
    r"|(?P<op>->|:=|\.\.\.|\*\*=?|//=?|>>=?|<<=?|[-+*/%&|^@=<>!]=?|[()\[\]{},:;.~])",
    re.DOTALL,
)
_GOES_ON = re.compile(
    r"(?:[(\[{,=+\-/%&|^<>\\]|(?<!import )\*|(?<!\.)\."
    r"|\b(?:and|or|not|in|is|if|else|for|lambda|await|yield))\s*(?:#.*)?\Z"
)
_GOES_ON_AS = re.compile(r"\s*(?:[)\]}]|(?:and|or|in|is)\b|[.+*/%&|^<=])")
_MAY_GO_ON = re.compile(r"\s*(?:async\s+for|if|else|for)\b")
_BEGINS = re.compile(r"\s*(?:(?:async\s+)?(?:def|class|with)|import|return|raise|while|try|del|assert)\b")


class Token(NamedTuple):
    """A token of the statement before the cursor: its sort, its text, where it starts and ends there."""

    sort: str
    text: str
    start: int
    end: int


def tokens_of(statement: str) -> list[Token]:
    """The tokens of the last statement of ``statement``, which semicolons may divide; no comments."""
    tokens = [
        Token(str(each.lastgroup), each[0], each.start(), each.end())
        for each in _TOKEN.finditer(statement)
        if each.lastgroup != "comment"
    ]
    depth = start = 0
    for i, token in enumerate(tokens):
        depth += nesting(token)
        if token.text == ";" and depth <= 0:
            start = i + 1
    return tokens[start:]


def nesting(token: Token) -> int:
    """1 for a bracket that opens, -1 for one that closes, else 0."""
    return (token.text in OPENING) - (token.text in CLOSING)


def statement_before(before: str, above: Sequence[str]) -> str:
    """The statement up to the cursor: the lines above it belong to it while they leave something open.

    A line that begins with ``for`` or ``if`` continues those above only if a bracket is open there.
    """
    kept = text = before
    kept_depth = depth = _depth(before)
    asks = bool(_MAY_GO_ON.match(before))  # for an open bracket above, else ``kept`` is the statement
    goes_on = asks or depth < 0 or bool(_GOES_ON_AS.match(before))
    for line in reversed(above[-MAX_LINES:]):
        if _BEGINS.match(text) or len(text) > MAX_CHARACTERS:
            break
        if not line.strip() or line.lstrip().startswith("#"):
            if depth < 0 or goes_on:
                continue
            if not line.strip():
                break
            text = line + "\n" + text
            continue
        if not (depth < 0 or goes_on or _GOES_ON.search(line)):
            break
        text = line + "\n" + text
        depth += _depth(line)
        opened = depth > (kept_depth if asks else 0)
        may_go_on = bool(_MAY_GO_ON.match(line))
        if opened or not asks:
            kept, kept_depth, asks = text, depth, may_go_on
        if opened:
            break
        goes_on = may_go_on or bool(_GOES_ON_AS.match(line))
    return kept if asks else text


def _depth(line: str) -> int:
    """Brackets that a line opens, less those that it closes."""
    marks = [token[0] for token in _TOKEN.finditer(line) if token.lastgroup == "op"]
    return sum((mark in OPENING) - (mark in CLOSING) for mark in marks)


def open_brackets(tokens: Sequence[Token]) -> list[int]:
    """The indices of brackets that are open at the end, outermost first."""
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.text in OPENING:
            opened.append(i)
        elif token.text in CLOSING and opened:
            opened.pop()
    return opened


@dataclass
class _Bracket:
    """What is bound inside of a bracket, or outside of all of them, up to where it was read."""

    taking: str = ""  # "for", "lambda" or "types": whose names are being read
    bound: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)  # of a ``for`` whose iterable is being read
    parameters: list[str] = field(default_factory=list)  # of a lambda

    def bind(self) -> None:
        """The iterable is at its end."""
        self.bound, self.targets = [*self.bound, *self.targets], []


def bound_in(tokens: Sequence[Token]) -> list[str]:
    """Names that the unfinished statement itself binds for what comes next.

    They are the targets of comprehensions and the parameters of lambdas that are open at the end, type parameters, and
    what stands after ``as`` and before ``:=``. A target is not bound in its own iterable.
    """
    everywhere: list[str] = []
    brackets = [_Bracket()]
    for i, (sort, text, _, _) in enumerate(tokens):
        inner, before = brackets[-1], tokens[i - 1].text if i else ""
        if text in OPENING:
            is_types = text == "[" and i > 1 and tokens[i - 2].text in ("def", "class", "type")
            taking = "types" if is_types else "for" if inner.taking == "for" else ""
            brackets.append(_Bracket(taking, targets=inner.targets if taking == "for" else []))
        elif text in CLOSING:
            brackets = brackets[:-1] or [_Bracket()]
        elif text == ":=":
            everywhere.append(before)
        elif text == "for":
            inner.bind()
            inner.taking = "for"
        elif text == "lambda":
            inner.taking = "lambda"
        elif inner.taking == "" and (text == "if" or (text == ":" and len(brackets) == 1)):
            inner.bind()
        elif (text == "in" and inner.taking == "for") or (text == ":" and inner.taking == "lambda"):
            inner.taking = ""
        elif text == "," and inner.taking == "":
            inner.parameters = []
        elif sort == "name" and text not in KEYWORDS:
            if before == "as" or (inner.taking == "types" and before in ("[", ",", "*", "**")):
                everywhere.append(text)
            elif inner.taking == "for":
                inner.targets.append(text)
            elif inner.taking == "lambda" and before in ("lambda", ",", "*", "**"):
                inner.parameters.append(text)
    for each in brackets:
        everywhere += each.bound + (each.parameters if each.taking != "lambda" else [])
    return everywhere


def is_operand(token: Token) -> bool:
    """Whether an operand ends with the token."""
    if token.sort == "name":
        return token.text not in KEYWORDS
    return token.sort in ("number", "string") or token.text in CLOSING


def operand(text: str, tokens: list[Token], end: int) -> str:
    """The text of the operand that ends at ``end`` with the last of ``tokens``: names, dots, calls, subscripts."""
    i = len(tokens)
    while i:
        token = tokens[i - 1]
        if token.text in CLOSING:
            depth = 0
            while i:
                i -= 1
                depth -= nesting(tokens[i])
                if depth == 0:
                    break
            if depth:
                return ""
            named = i and tokens[i].text in "([" and is_operand(tokens[i - 1])
            if named and tokens[i - 1].sort in ("name", "op", "string"):
                continue
        elif token.sort == "string" or (token.sort == "name" and token.text not in KEYWORDS):
            i -= 1
        else:
            return ""
        if not i or tokens[i - 1].text != ".":
            break
        i -= 1
    else:
        return ""
    expression = text[tokens[i].start : end]
    if expression.startswith("."):
        return ""
    return f"({expression})" if "\n" in expression else expression
