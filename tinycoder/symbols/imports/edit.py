"""Where an import line goes in a document: into the block, the group and the order that are there.

Works on lines, so that a document may be half typed. Only imports at the beginning of a line count as the block.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tinycoder.symbols.imports.forms import ImportForm, n_dots
from tinycoder.symbols.imports.statements import COMMENT, NAME, Statement, read_statements
from tinycoder.symbols.module_names import n_shared
from tinycoder.symbols.modules import LIBRARY, WORKSPACE

WIDTH = 88  # characters of a line, unless the document's imports have longer ones
Edit = tuple[int, int, str]
"""Start, end (in characters) and new text."""

_FUTURE, _LIBRARY, _THIRD_PARTY, _LOCAL, _RELATIVE = range(5)
_DOCSTRING = re.compile(
    r"[rRuU]?(\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|\"[^\"\n\\]*\"|'[^'\n\\]*')[^\n]*", re.DOTALL
)


def edit_for(
    text: str,
    form: ImportForm,
    *,
    cursor: int,
    package: str = "",
    max_dots: int = 0,
    origin: Callable[[str], str] = lambda module: "",
    statements: Sequence[Statement] | None = None,
) -> Edit | None:
    """The edit that imports ``form`` into a document; None if that is imported already.

    The line of ``cursor`` stays as it is, unless it is the first one: then the import comes before it. Imports inside
    ``package``, the document's own, are written with up to ``max_dots`` dots, or absolutely. ``origin`` tells of a
    top-level module where it comes from. ``statements`` are those of ``read_statements``, if they are at hand.
    """
    statements = read_statements(text) if statements is None else statements
    written = written_module(form, package, max_dots)
    if any(statement.binds(form, written) for statement in statements):
        return None
    line_start = text.rfind("\n", 0, cursor) + 1
    block = [each for each in statements if each.in_block and each.end < line_start]
    if form.attribute:
        for statement in block:
            can_join = statement.is_from and statement.module in (written, form.module)
            if can_join and statement.names and statement.names_at[1] > statement.names_at[0]:
                return _joined(text, statement, form)
    line = str(replace(form, module=written))
    rank = _rank(written, origin)
    ranked = [(each, _rank(each.module, origin)) for each in block]
    if not block:
        return _first(text, line, line_start)
    groups = list(_groups(text, ranked))
    chosen = _group(groups, rank)
    if chosen is None:
        return _new_group(text, groups, line, rank)
    before = _before(chosen, form, written)
    if before is None:
        at = chosen[-1][0].end
        return at, at, f"\n{line}"
    following = chosen[before][0].start
    return following, following, f"{line}\n"


def written_module(form: ImportForm, package: str, max_dots: int) -> str:
    """How an import names its module in a file of ``package``: with at most ``max_dots`` dots, if with any."""
    if not form.attribute or not package or not max_dots:
        return form.module
    own, target = package.split("."), form.module.split(".")
    shared = n_shared(own, target)
    dots = len(own) - shared + 1
    if not shared or dots > max_dots:
        return form.module
    return "." * dots + ".".join(target[shared:])


def _rank(module: str, origin: Callable[[str], str]) -> int:
    if module == "__future__":
        return _FUTURE
    if module.startswith("."):
        return _RELATIVE
    return {LIBRARY: _LIBRARY, WORKSPACE: _LOCAL}.get(origin(module.partition(".")[0]), _THIRD_PARTY)


Ranked = tuple[Statement, int]
Key = tuple[Any, ...]


def _groups(text: str, ranked: Sequence[Ranked]) -> Iterator[list[Ranked]]:
    """Statements with nothing between them but comments right above one."""
    group: list[Ranked] = []
    for each in ranked:
        if group:
            between = text[group[-1][0].end : each[0].start]
            lines = between.split("\n")[1:-1]
            if any(not line.lstrip().startswith("#") for line in lines):
                yield group
                group = []
        group.append(each)
    if group:
        yield group


def _group(groups: Sequence[list[Ranked]], rank: int) -> list[Ranked] | None:
    """The group for a statement of ``rank``: one with others of it, or one that is mixed anyhow."""
    alike = [sum(other == rank for _, other in group) for group in groups]
    if max(alike):
        return groups[max(range(len(groups)), key=lambda n: (alike[n] * 2 > len(groups[n]), alike[n]))]
    mixed = [group for group in groups if len({other for _, other in group} - {_FUTURE}) > 1]
    close = [group for group in mixed if min(other for _, other in group) < rank < max(other for _, other in group)]
    if close or (mixed and len(groups) == 1):
        return (close or mixed)[0]
    return None


def _new_group(text: str, groups: Sequence[list[Ranked]], line: str, rank: int) -> Edit:
    """A group of its own, before the first one that comes later."""
    for n, group in enumerate(groups):
        if min(other for _, other in group) > rank:
            if n == 0:
                start = _above(text, group[0][0].start)
                return start, start, f"{line}\n\n"
            end = groups[n - 1][-1][0].end
            return end, end, f"\n\n{line}"
    end = groups[-1][-1][0].end
    return end, end, f"\n\n{line}" + ("\n" if _next_line(text, text.find("\n", end) + 1 or len(text)) else "")


def _next_line(text: str, at: int) -> str:
    """The line that begins at an offset, stripped."""
    return text[at : text.find("\n", at) if "\n" in text[at:] else len(text)].strip()


def _above(text: str, start: int) -> int:
    """The start of the comment lines right above a line, if they are about it: not those that begin the document."""
    at = start
    while at > 0:
        previous = text.rfind("\n", 0, at - 1) + 1
        if not text[previous:at].startswith("#"):
            return at
        at = previous
    return start


def _before(group: Sequence[Ranked], form: ImportForm, written: str) -> int | None:
    """The statement of a sorted group that the new one comes before; None for its end, or where nothing is sorted."""

    def plain_first(is_from: bool, module: str) -> Key:
        return is_from, not module.startswith("."), -n_dots(module), module.lstrip(".").casefold()

    def by_module(is_from: bool, module: str) -> Key:
        return not module.startswith("."), -n_dots(module), module.lstrip(".").casefold(), is_from

    for style in (plain_first, by_module):
        index = _index([style(each.is_from, each.module) for each, _ in group], style(bool(form.attribute), written))
        if index is not None:
            return index if index < len(group) else None
    return None


def _index(keys: list[Key], new: Key) -> int | None:
    """Where a key goes among others; None where these are not sorted."""
    return bisect_right(keys, new) if keys == sorted(keys) else None


def _index_of(names: Sequence[str], new: str) -> int:
    """Where a name goes among others: by their order, else at the end."""

    def by_type(name: str) -> Key:
        """The order of isort and Ruff: constants, classes, the rest."""
        kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
        return kind, name.casefold()

    styles: tuple[Callable[[str], Key], ...] = (by_type, lambda name: (name.casefold(),), lambda name: (name,))
    indices = (_index([style(name) for name in names], style(new)) for style in styles)
    return next((index for index in indices if index is not None), len(names))


def _joined(text: str, statement: Statement, form: ImportForm) -> Edit | None:
    """The edit that adds a name to a statement that imports others of its module."""
    addition = f"{form.attribute} as {form.alias}" if form.alias else form.attribute
    start, end = statement.names_at
    spans = [found.span() for found in NAME.finditer(_blanked(text[start:end]))]
    if not spans:
        return None
    index = _index_of([name for name, _ in statement.names], form.attribute)
    index = min(index, len(spans))
    if not statement.in_parentheses:
        line_start = text.rfind("\n", 0, statement.end) + 1
        longest = max([WIDTH, *(len(line) for line in text[: statement.start].splitlines())])
        if "\\" not in text[start:end] and statement.end - line_start + len(addition) + 2 > longest:
            return _wrapped(text, statement, addition, index)
    if index < len(spans):
        at = start + spans[index][0]
        line_start = text.rfind("\n", 0, at) + 1
        if statement.in_parentheses and line_start > start and not text[line_start:at].strip():
            return at, at, f"{addition},\n{text[line_start:at]}"
        return at, at, f"{addition}, "
    name_start, at = start + spans[-1][0], start + spans[-1][1]
    if statement.in_parentheses and "\n" in text[start:at]:
        return _appended(text, name_start, at, end, addition)
    return at, at, f", {addition}"


def _appended(text: str, name_start: int, name_end: int, end: int, addition: str) -> Edit:
    """The edit that adds a name after the last one of several lines in parentheses, which close at ``end``."""
    at, rest = name_end, _blanked(text[name_end:end])
    has_comma = rest.lstrip().startswith(",")
    if has_comma:
        at += rest.index(",") + 1
    indent = text[text.rfind("\n", 0, name_start) + 1 : name_start]
    if indent.strip():  # several names on its line
        return at, at, f" {addition}," if has_comma else f", {addition}"
    line = f"\n{indent}{addition}"
    comment = re.match(r"[ \t]*#[^\n\r]*", text[at:end])
    if comment and not has_comma:
        return at, at + comment.end(), f",{comment[0]}{line}"
    at += comment.end() if comment else 0
    return at, at, f"{line}," if has_comma else f",{line}"


def _wrapped(text: str, statement: Statement, addition: str, index: int) -> Edit:
    """A line that would be too long, in parentheses with a name on each line."""
    start, end = statement.names_at
    names = [f"{name} as {alias}" if alias else name for name, alias in statement.names]
    names.insert(index, addition)
    return start, end, "(\n" + "".join(f"    {name},\n" for name in names) + ")"


def _blanked(text: str) -> str:
    """The text with spaces instead of comments."""
    return COMMENT.sub(lambda found: " " * len(found[0]), text)


def _first(text: str, line: str, line_start: int) -> Edit:
    """The edit for a document that has no imports before the cursor: after its comments, docstring included."""
    at = _header_end(text, line_start)
    if at == 0:
        blank = "\n" if text[:1] != "\n" and text.strip() else ""
        return 0, 0, f"{line}\n{blank}"
    is_blank = not _next_line(text, at)
    end = at - (text[at - 1] == "\n")
    return end, end, f"\n\n{line}" + ("" if is_blank or at == len(text) else "\n")


def _header_end(text: str, limit: int) -> int:
    """The end of the docstring's last line, or of the comments above that are not about the code below; or 0."""
    at = end = comments_end = 0
    while at < limit:
        newline = text.find("\n", at)
        following = newline + 1 if newline >= 0 else len(text)
        line = text[at:following].strip().lstrip("\ufeff")
        if not line:
            end = comments_end
        elif line.startswith("#"):
            comments_end = following
            if line.startswith("#!") or "coding" in line:
                end = following
        else:
            docstring = _DOCSTRING.match(text, at)
            if docstring and docstring.end() < limit:
                newline = text.find("\n", docstring.end())
                end = newline + 1 if newline >= 0 else len(text)
            break
        at = following
    return min(end, limit)
