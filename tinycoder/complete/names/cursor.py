"""Where a cursor stands in Python code, told from the text before it: what kind of word can come there.

Half-typed code is read like any other: the statement before the cursor is cut into tokens, and the last ones tell.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tinycoder.complete.names.line import DOTTED, NAME

# What can come at a cursor.
NO_PLACE = "nothing"  # in prose, in a number, behind a full stop
MODULE = "module"  # in `import …` and `from …`
IMPORTED = "imported"  # in `from module import …`
WORD = "word"  # one of a few words of the language
ATTRIBUTE = "attribute"  # behind the dot of a receiver
BINDING = "binding"  # a name that is made here
STATEMENT = "statement"  # the first word of a statement
EXPRESSION = "expression"  # an operand
OPERATOR = "operator"  # behind an operand: a word such as `in`

SELF = ("self", "cls")
MAX_LINES = 40  # of a statement that are read upwards
MAX_CHARACTERS = 4_000

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
_IMPORT = re.compile(r"\s*import\s+(?:[^#]*,\s*)?(?P<package>(?:[^\W\d]\w*\.)*)\Z")
_FROM = re.compile(r"\s*from\s+(?P<package>\.*(?:[^\W\d]\w*\.)*)\Z")
_FROM_IMPORT = re.compile(r"\s*from\s+(?P<module>[\w.]+)\s+import\b\s*\(?(?P<given>[^#]*,)?\s*\Z", re.DOTALL)
_FROM_IMPORT_AS = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\b[^#;]*\bas\s+\Z", re.DOTALL)
_AFTER_MODULE = re.compile(r"\s*from\s+(?:\.*" + DOTTED + r"|\.+)\s+\Z")
_AFTER_IMPORTED = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\b[^#;]*\w\s+\Z", re.DOTALL)

_OPENING, _CLOSING = "([{", ")]}"
_VALUES = frozenset({"None", "True", "False"})
_KEYWORDS = frozenset(keyword.kwlist) - _VALUES
_SOFT = frozenset({"match", "case", "type"})
_HEADERS = frozenset(
    {"if", "elif", "else", "for", "while", "with", "try", "except", "finally", "def", "class", "match", "case", "async"}
)
_TARGETS = frozenset({",", "(", "[", "*"})


class Token(NamedTuple):
    """A token of the statement before the cursor: its sort, its text, where it starts and ends there."""

    sort: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Call:
    """The call whose argument is being typed: what is called, and which keywords it has already."""

    callee: str
    given: tuple[str, ...]
    n_before: int  # arguments before this one


@dataclass(frozen=True, kw_only=True)
class Position:
    """What can come at a cursor, and what that depends on.

    ``statement`` is its first word, ``receiver`` the expression before the dot, ``module`` what is imported from or the
    package before the last dot. ``makes`` says that a new name may be made here too, in an assignment; ``words`` are
    those of the language that alone can come.
    """

    place: str
    statement: str = ""
    receiver: str = ""
    module: str = ""
    made_by: str = ""  # "def", "class", "as", "for", "lambda", "parameter"
    makes: bool = False
    call: Call | None = None
    words: tuple[str, ...] = ()
    given: tuple[str, ...] = ()  # names that the import has already
    target: str = ""  # the name right before an equals sign
    bracket: bool = False  # in a bracket where a comprehension may bind the name later
    annotation: bool = False
    before: str = field(default="", repr=False)  # the statement up to the word


def position(before: str, above: Sequence[str] = (), *, importing: str = "", braces: bool = False) -> Position:
    """The position behind ``before``, the cursor's line up to the word that is typed, under the lines ``above``.

    ``importing`` is the module of a bracket of imports that an earlier line opened. In the ``braces`` of an f-string
    what is before them is left out.
    """
    if braces:
        before, above = before[before.rfind("{") + 1 :], ()
    if importing:
        return (
            Position(place=BINDING, made_by="as")
            if re.search(r"\bas\s+\Z", before)
            else _in_brackets(before, importing)
        )
    statement = _statement(before, above)
    if found := _in_import(statement):
        return found
    tokens = [
        Token(str(each.lastgroup), each[0], each.start(), each.end())
        for each in _TOKEN.finditer(statement)
        if each.lastgroup != "comment"
    ]
    return _at(statement, _after_semicolon(tokens), in_braces=braces)


def _in_brackets(before: str, module: str) -> Position:
    given = tuple(re.findall(NAME, before))
    if re.search(r"\w\s+\Z", before):
        return Position(place=WORD, words=("as",), statement="from")
    return Position(place=IMPORTED, module=module, given=given, statement="from")


def _in_import(statement: str) -> Position | None:
    """In an import statement."""
    if found := _FROM_IMPORT.match(statement):
        given = tuple(re.findall(NAME, found["given"] or ""))
        return Position(place=IMPORTED, module=found["module"], given=given, statement="from")
    if found := _IMPORT.match(statement):
        return Position(place=MODULE, module=found["package"][:-1], statement="import")
    if found := _FROM.match(statement):
        package = found["package"]
        module = package if not package.strip(".") else package[:-1]
        return Position(place=MODULE, module=module, statement="from")
    if _AFTER_MODULE.match(statement):
        return Position(place=WORD, words=("import",), statement="from")
    if _FROM_IMPORT_AS.match(statement):
        return Position(place=BINDING, made_by="as", statement="import")
    if _AFTER_IMPORTED.match(statement):
        return Position(place=WORD, words=("as",), statement="import")
    return None


def _statement(before: str, above: Sequence[str]) -> str:
    """The statement up to the cursor: the lines above it belong to it while they leave something open.

    A line that begins with ``for`` or ``if`` goes on with those above only if a bracket is open there.
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
    depth = 0
    for token in _TOKEN.finditer(line):
        if token.lastgroup == "op":
            depth += (token[0] in _OPENING) - (token[0] in _CLOSING)
    return depth


def _after_semicolon(tokens: list[Token]) -> list[Token]:
    """The tokens of the last statement of a line."""
    depth = start = 0
    for i, token in enumerate(tokens):
        if token.sort == "op":
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if token.text == ";" and depth <= 0:
                start = i + 1
    return tokens[start:]


def _at(text: str, tokens: list[Token], *, in_braces: bool) -> Position:
    if not tokens:
        place = EXPRESSION if in_braces else STATEMENT
        return Position(place=place, makes=not in_braces, before=text)
    last = tokens[-1]
    opened = _opened(tokens)
    head = _head(tokens)
    if last.text in (".", "..."):
        receiver = _operand(text, tokens[:-1], last.start) if last.text == "." else ""
        if not receiver:
            return Position(place=NO_PLACE, statement=head)
        makes = len(tokens) == 2 and receiver in SELF
        return Position(place=ATTRIBUTE, receiver=receiver, statement=head, makes=makes, before=text)
    if last.sort in ("number", "string") and last.end == len(text):
        return Position(place=NO_PLACE, statement=head)
    made_by = _made_by(tokens, opened, head)
    if made_by:
        return Position(place=BINDING, made_by=made_by, statement=head, before=text)
    if last.text == ":" and not opened and head in _HEADERS and not _in_lambda(tokens):
        return Position(place=STATEMENT, makes=True, before=text)
    if last.text == "async" and len(tokens) == 1:
        return Position(place=WORD, words=("def", "for", "with"), statement=head)
    if last.text == "async":
        return Position(place=WORD, words=("for",), statement=head)
    if _is_operand(last) and not (last.text in _SOFT and len(tokens) == 1):
        return Position(place=OPERATOR, statement=head, before=text)
    makes = last.text == "," and not opened and all(each.sort == "name" or each.text in ",.*" for each in tokens)
    return Position(
        place=EXPRESSION,
        statement=head,
        makes=makes and tokens[0].text not in _KEYWORDS,
        call=_call(text, tokens, opened, head) if last.text in ("(", ",") else None,
        annotation=last.text == "->" or _is_annotation(tokens, opened, head),
        target=tokens[-2].text if last.text == "=" and len(tokens) > 1 and tokens[-2].sort == "name" else "",
        bracket=_may_comprehend(tokens, opened),
        before=text,
    )


def _head(tokens: Sequence[Token]) -> str:
    """The first word of the statement; of ``async def`` the second."""
    first = tokens[0]
    if first.text == "async" and len(tokens) > 1:
        first = tokens[1]
    return first.text if first.sort == "name" else ""


def _is_operand(token: Token) -> bool:
    if token.sort == "name":
        return token.text not in _KEYWORDS
    return token.sort in ("number", "string") or token.text in _CLOSING


def _opened(tokens: Sequence[Token]) -> list[int]:
    """Where brackets stand that are open at the end, outermost first."""
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.sort != "op":
            continue
        if token.text in _OPENING:
            opened.append(i)
        elif token.text in _CLOSING and opened:
            opened.pop()
    return opened


def _made_by(tokens: Sequence[Token], opened: Sequence[int], head: str) -> str:
    """What makes a name at the end of ``tokens``; empty where none is made."""
    last = tokens[-1].text
    if last in ("def", "class", "as"):
        return last
    if head == "def" and len(opened) == 1 and last in ("(", ",", "*", "**"):
        at = opened[0]
        if at >= 2 and tokens[at - 1].sort == "name" and tokens[at - 2].text == "def":
            return "parameter" if last in "(," or tokens[-2].text in ("(", ",") else ""
    since = tokens[opened[-1] + 1 :] if opened else tokens
    words = [token.text for token in since]
    if "lambda" in words:
        after = words[len(words) - words[::-1].index("lambda") :]
        if ":" not in after and (not after or after[-1] in (",", "*", "**")):
            return "lambda"
    everything = [token.text for token in tokens]
    for opener in ("for",):
        if opener in everything:
            after = everything[len(everything) - everything[::-1].index(opener) :]
            if "in" not in after and (not after or after[-1] in _TARGETS):
                return "for"
    return ""


def _may_comprehend(tokens: Sequence[Token], opened: Sequence[int]) -> bool:
    """Whether a comprehension may follow what is written in the innermost bracket: it has no comma and no ``for``."""
    if not opened:
        return False
    depth = 0
    for token in tokens[opened[-1] + 1 :]:
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth == 0 and token.text in ("for", ",", "="):
            return False
    return True


def _in_lambda(tokens: Sequence[Token]) -> bool:
    """Whether the colon at the end is a lambda's."""
    colons = lambdas = 0
    for token in reversed(tokens):
        colons += token.text == ":"
        lambdas += token.text == "lambda"
    return lambdas >= colons > 0


def _is_annotation(tokens: Sequence[Token], opened: Sequence[int], head: str) -> bool:
    if tokens[-1].text != ":":
        return False
    if not opened:
        return head not in _HEADERS and head != "lambda"
    return head == "def" and len(opened) == 1 and tokens[opened[0] - 1].sort == "name"


def _call(text: str, tokens: Sequence[Token], opened: Sequence[int], head: str) -> Call | None:
    """The call whose argument begins at the end."""
    if not opened or tokens[opened[-1]].text != "(":
        return None
    at = opened[-1]
    if head in ("def", "class") and at >= 2 and tokens[at - 2].text == head and len(opened) == 1:
        return None
    if not at or not _is_operand(tokens[at - 1]) or tokens[at - 1].sort not in ("name", "op"):
        return None
    callee = _operand(text, list(tokens[:at]), tokens[at].start)
    depth, given, n_before = 0, [], 0
    for i in range(at + 1, len(tokens)):
        token = tokens[i]
        if token.sort == "op":
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            n_before += token.text == "," and depth == 0
            if token.text == "=" and depth == 0 and tokens[i - 1].sort == "name":
                given.append(tokens[i - 1].text)
    return Call(callee=callee, given=tuple(given), n_before=n_before) if callee else None


def _operand(text: str, tokens: list[Token], end: int) -> str:
    """The text of the operand that ends at ``end`` with the last of ``tokens``: names, dots, calls, subscripts."""
    i = len(tokens)
    while i:
        token = tokens[i - 1]
        if token.text in _CLOSING:
            depth = 0
            while i:
                i -= 1
                depth += (tokens[i].text in _CLOSING) - (tokens[i].text in _OPENING)
                if depth == 0:
                    break
            if depth:
                return ""
            named = i and tokens[i].text in "([" and _is_operand(tokens[i - 1])
            if named and tokens[i - 1].sort in ("name", "op", "string"):
                continue
        elif token.sort == "name":
            if token.text in _KEYWORDS:
                return ""
            i -= 1
        elif token.sort == "string":
            i -= 1
        elif token.sort == "number":
            return ""
        else:
            return ""
        if i and tokens[i - 1].text == ".":
            i -= 1
            continue
        break
    else:
        return ""
    found = text[tokens[i].start : end]
    return "" if found.startswith(".") else found
