"""The import statements of a document, which may be half typed: those at the beginning of a line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tinycoder.symbols.imports.forms import ImportForm

_TOKENS = re.compile(
    r"""
      \#[^\n\r]*
    | [rbuft]{0,2}(?: \"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z) | '''(?:[^\\]|\\.)*?(?:'''|\Z)
                   | "(?:[^"\\\n]|\\.)*["\n] | '(?:[^'\\\n]|\\.)*['\n] )
    | ^(?P<statement>(?:from|import)\b(?=[ \t.]))
    | ^(?P<definition>(?:def|class|async[ ]def)\b|@)
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_PLAIN = re.compile(r"import[ \t]+([\w. \t,]+?)[ \t]*(?:[#;][^\n\r]*)?(?=\r?\n|\Z)")
_FROM = re.compile(
    r"from[ \t]*(\.*[ \t]*[\w.]*)[ \t]+import[ \t]*"
    r"(?:\((?P<inner>(?:[^()#]|#[^\n]*)*)\)|(?P<flat>(?:[\w \t,*]|\\\r?\n)*?))[ \t]*(?:[#;][^\n\r]*)?(?=\r?\n|\Z)"
)
NAME = re.compile(r"(\w+|\*)(?:\s+as\s+(\w+))?")
COMMENT = re.compile(r"#[^\n\r]*")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """An import at the beginning of a line: ``start`` to ``end``, the end of its last line without the line break.

    ``names`` are (name, alias), for ``import`` the modules; ``names_at`` is where they stand.
    """

    start: int
    end: int
    module: str
    names: tuple[tuple[str, str], ...]
    names_at: tuple[int, int]
    is_from: bool
    in_parentheses: bool
    in_block: bool

    def binds(self, form: ImportForm, written: str) -> bool:
        """Whether the statement already imports the form, whose module is ``written`` so."""
        if form.attribute:
            pair = form.attribute, form.alias
            is_same = self.is_from and self.module in (form.module, written)
            return is_same and (pair in self.names or ("*", "") in self.names)
        if self.is_from:
            return False
        return any(
            (name, alias) == (form.module, form.alias)
            or (not form.alias and not alias and name.startswith(f"{form.module}."))
            for name, alias in self.names
        )


def read_statements(text: str) -> list[Statement]:
    """The import statements of a document that stand at the beginning of a line, in order."""
    statements: list[Statement] = []
    in_block = True
    last = max(text.rfind("\nimport"), text.rfind("\nfrom")) + 1
    for token in _TOKENS.finditer(text):
        if token.start() > last:
            break  # most documents have no more of them below their beginning
        if token["definition"]:
            in_block = False
        elif token["statement"] and (statement := _statement(text, token.start(), in_block)):
            statements.append(statement)
    return statements


def _statement(text: str, start: int, in_block: bool) -> Statement | None:
    if match := _PLAIN.match(text, start):
        part: str | int = 1
        names = tuple(_pairs(match[part], r"([\w.]+)(?:\s+as\s+(\w+))?"))
        module = names[0][0] if names else ""
    elif match := _FROM.match(text, start):
        part = "inner" if match["inner"] is not None else "flat"
        names = tuple(_pairs(COMMENT.sub("", match[part]), NAME.pattern))
        module = "".join(match[1].split())
    else:
        return None
    return Statement(
        start=start,
        end=match.end(),
        module=module,
        names=names,
        names_at=match.span(part),
        is_from=part != 1,
        in_parentheses=part == "inner",
        in_block=in_block,
    )


def _pairs(text: str, pattern: str) -> Iterator[tuple[str, str]]:
    for part in text.replace("\\", " ").split(","):
        if match := re.fullmatch(pattern, part.strip()):
            yield match[1], match[2] or ""
