"""The kind of word that can come at a cursor in Python code, as the last tokens before it tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tinycoder.complete.names.line import DOTTED, NAME
from tinycoder.complete.names.statement import (
    KEYWORDS,
    Token,
    is_operand,
    nesting,
    open_brackets,
    operand,
    statement_before,
    tokens_of,
)

# What can come at a cursor.
NO_NAME = "nothing"  # in prose, in a number, behind a full stop
MODULE = "module"  # in `import …` and `from …`
IMPORTED = "imported"  # in `from module import …`
WORD = "word"  # one of a few words of the language
ATTRIBUTE = "attribute"  # behind the dot of a receiver
BINDING = "binding"  # a name that is bound here
STATEMENT = "statement"  # the first word of a statement
EXPRESSION = "expression"  # an operand
OPERATOR = "operator"  # behind an operand: a word such as `in`

SELF = ("self", "cls")

_IMPORT = re.compile(r"\s*import\s+(?:[^#]*,\s*)?(?P<package>(?:[^\W\d]\w*\.)*)\Z")
_FROM = re.compile(r"\s*from\s+(?P<package>\.*(?:[^\W\d]\w*\.)*)\Z")
_FROM_IMPORT = re.compile(r"\s*from\s+(?P<module>[\w.]+)\s+import\b\s*\(?(?P<given>[^#]*,)?\s*\Z", re.DOTALL)
_FROM_IMPORT_AS = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\b[^#;]*\bas\s+\Z", re.DOTALL)
_AFTER_MODULE = re.compile(r"\s*from\s+(?:\.*" + DOTTED + r"|\.+)\s+\Z")
_AFTER_IMPORTED = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\b[^#;]*\w\s+\Z", re.DOTALL)

_SOFT = frozenset({"match", "case", "type"})
_HEADERS = frozenset(
    {"if", "elif", "else", "for", "while", "with", "try", "except", "finally", "def", "class", "match", "case", "async"}
)
_TARGETS = frozenset({",", "(", "[", "*"})


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
    package before the last dot. ``may_bind``: an assignment may bind a new name here too. ``words`` are the only words
    that can come.
    """

    kind: str
    statement: str = ""
    receiver: str = ""
    module: str = ""
    bound_by: str = ""  # "def", "class", "as", "for", "lambda", "parameter"
    may_bind: bool = False
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
    if importing and re.search(r"\bas\s+\Z", before):
        return Position(kind=BINDING, bound_by="as")
    if importing:
        return _in_brackets(before, importing, above)
    statement = statement_before(before, above).replace("\\\n", " ")
    return _in_import(statement) or _at(statement, tokens_of(statement), in_braces=braces)


def _in_brackets(before: str, module: str, above: Sequence[str]) -> Position:
    imported = [before]
    for line in reversed(above):
        start, opens, rest = line.partition("#")[0].rpartition("(")
        imported.append(rest if opens else start or rest)
        if opens:
            break
    given = tuple(re.findall(NAME, " ".join(imported)))
    if re.search(r"\w\s+\Z", before):
        return Position(kind=WORD, words=("as",), statement="from")
    return Position(kind=IMPORTED, module=module, given=given, statement="from")


def _in_import(statement: str) -> Position | None:
    """In an import statement."""
    if match := _FROM_IMPORT.match(statement):
        given = tuple(re.findall(NAME, match["given"] or ""))
        return Position(kind=IMPORTED, module=match["module"], given=given, statement="from")
    if match := _IMPORT.match(statement):
        return Position(kind=MODULE, module=match["package"][:-1], statement="import")
    if match := _FROM.match(statement):
        package = match["package"]
        module = package if not package.strip(".") else package[:-1]
        return Position(kind=MODULE, module=module, statement="from")
    if _AFTER_MODULE.match(statement):
        return Position(kind=WORD, words=("import",), statement="from")
    if _FROM_IMPORT_AS.match(statement):
        return Position(kind=BINDING, bound_by="as", statement="import")
    if _AFTER_IMPORTED.match(statement):
        return Position(kind=WORD, words=("as",), statement="import")
    return None


def _at(text: str, tokens: list[Token], *, in_braces: bool) -> Position:
    if not tokens:
        return Position(kind=EXPRESSION if in_braces else STATEMENT, may_bind=not in_braces, before=text)
    last = tokens[-1]
    opened = open_brackets(tokens)
    head = _head(tokens)
    if last.text in (".", "..."):
        receiver = operand(text, tokens[:-1], last.start) if last.text == "." else ""
        if not receiver:
            return Position(kind=NO_NAME, statement=head)
        may_bind = len(tokens) == 2 and receiver in SELF
        return Position(kind=ATTRIBUTE, receiver=receiver, statement=head, may_bind=may_bind, before=text)
    if last.sort in ("number", "string") and last.end == len(text):
        return Position(kind=NO_NAME, statement=head)
    bound_by = _bound_by(tokens, opened, head)
    if bound_by:
        return Position(kind=BINDING, bound_by=bound_by, statement=head, before=text)
    if last.text == ":" and not opened and head in _HEADERS and not _in_lambda(tokens):
        return Position(kind=STATEMENT, may_bind=True, before=text)
    if last.text == "type" and len(tokens) == 1 and last.end < len(text) and not in_braces:
        return Position(kind=BINDING, bound_by="class", statement=head, before=text)
    if last.text == "not" and len(tokens) > 1 and is_operand(tokens[-2]) and not _is_soft(tokens[:-1]):
        return Position(kind=WORD, words=("in",), statement=head)
    if last.text == "async":
        return Position(kind=WORD, words=("def", "for", "with") if len(tokens) == 1 else ("for",), statement=head)
    if is_operand(last) and not _is_soft(tokens):
        return Position(kind=OPERATOR, statement=head, before=text)
    may_bind = last.text == "," and not opened and all(each.sort == "name" or each.text in ",.*" for each in tokens)
    return Position(
        kind=EXPRESSION,
        statement=head,
        may_bind=may_bind and tokens[0].text not in KEYWORDS,
        call=_call(text, tokens, opened, head) if last.text in ("(", ",") else None,
        annotation=last.text == "->" or _is_annotation(tokens, opened, head),
        target=tokens[-2].text if last.text == "=" and len(tokens) > 1 and tokens[-2].sort == "name" else "",
        bracket=_may_comprehend(tokens, opened),
        before=text,
    )


def _is_soft(tokens: Sequence[Token]) -> bool:
    """Whether the tokens are one word that may be a keyword."""
    return len(tokens) == 1 and tokens[0].text in _SOFT


def _head(tokens: Sequence[Token]) -> str:
    """The first word of the statement; of ``async def`` the second."""
    first = tokens[0]
    if first.text == "async" and len(tokens) > 1:
        first = tokens[1]
    return first.text if first.sort == "name" else ""


def _bound_by(tokens: Sequence[Token], opened: Sequence[int], head: str) -> str:
    """What binds a name at the end of ``tokens``; empty where none is bound."""
    last = tokens[-1].text
    if last in ("def", "class", "as"):
        return last
    if head in ("def", "class") and len(opened) == 1 and last in ("(", "[", ",", "*", "**"):
        bracket = tokens[opened[0]].text
        if _defines(tokens, opened[0], head) and (bracket == "[" or head == "def"):
            return "parameter" if last in "([," or tokens[-2].text in ("(", "[", ",") else ""
    words = [token.text for token in tokens]
    after = _after_last(words[opened[-1] + 1 :] if opened else words, "lambda")
    if after is not None and ":" not in after and (not after or after[-1] in (",", "*", "**")):
        return "lambda"
    after = _after_last(words, "for")
    return "for" if after is not None and "in" not in after and (not after or after[-1] in _TARGETS) else ""


def _defines(tokens: Sequence[Token], at: int, head: str) -> bool:
    """Whether the bracket at ``at`` follows the name that ``head`` defines, or the type parameters after that."""
    i = at - 1
    if i >= 0 and tokens[i].text == "]":
        depth = 0
        while i >= 0:
            depth += nesting(tokens[i])
            i -= 1
            if not depth:
                break
    return i >= 1 and tokens[i].sort == "name" and tokens[i - 1].text == head


def _after_last(words: list[str], word: str) -> list[str] | None:
    """The words after the last ``word``; None where it is not among them."""
    return words[len(words) - words[::-1].index(word) :] if word in words else None


def _may_comprehend(tokens: Sequence[Token], opened: Sequence[int]) -> bool:
    """Whether a comprehension may follow what is written in the innermost bracket: it has no comma and no ``for``."""
    if not opened:
        return False
    depth = 0
    for token in tokens[opened[-1] + 1 :]:
        depth += nesting(token)
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
    at = opened[0]
    return head == "def" and len(opened) == 1 and (tokens[at - 1].sort == "name" or _defines(tokens, at, "def"))


def _call(text: str, tokens: Sequence[Token], opened: Sequence[int], head: str) -> Call | None:
    """The call whose argument begins at the end."""
    if not opened or tokens[opened[-1]].text != "(":
        return None
    at = opened[-1]
    if head in ("def", "class") and len(opened) == 1 and _defines(tokens, at, head):
        return None
    if not at or not is_operand(tokens[at - 1]) or tokens[at - 1].sort not in ("name", "op"):
        return None
    callee = operand(text, list(tokens[:at]), tokens[at].start)
    depth, given, n_before = 0, [], 0
    for i in range(at + 1, len(tokens)):
        token = tokens[i]
        depth += nesting(token)
        n_before += token.text == "," and depth == 0
        if token.text == "=" and depth == 0 and tokens[i - 1].sort == "name":
            given.append(tokens[i - 1].text)
    return Call(callee=callee, given=tuple(given), n_before=n_before) if callee else None
