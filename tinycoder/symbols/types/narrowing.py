"""What the lines before a cursor say about the classes of names: ``if isinstance(x, C):``, ``assert``, ``case C():``.

Read from the lines alone; an ``if`` counts for its own block, an ``assert`` for the lines after it in its block.
"""

import re
from collections.abc import Sequence

from tinycoder.symbols.source.lines import width

MAX_LINES = 400  # that are looked at

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_CLASSES = rf"{_NAME}|\([\w., ]+\)"
_TEST = re.compile(rf"isinstance\(\s*({_NAME})\s*,\s*({_CLASSES})\s*\)")
_HEAD = re.compile(r"\s*(?:if|elif|while)\b(.*)")
_ASSERT = re.compile(r"\s*assert\b(.*)")
_UNLESS = re.compile(rf"\s*if\s+not\s+isinstance\(\s*({_NAME})\s*,\s*({_CLASSES})\s*\)\s*:")
_LEAVES = re.compile(r"\s*(?:return|raise|continue|break)\b")
_CASE = re.compile(rf"\s*case\s+({_NAME})\(.*\)(?:\s+if\b.*)?\s*:")
_CASES = re.compile(rf"\s*case\s+((?:{_NAME}\(\)\s*\|\s*)+{_NAME}\(\))\s*:")
_MATCH = re.compile(rf"\s*match\s+({_NAME})\s*:")
_SET = r"(?<![\w.])%s\s*(?::[^=]*)?=(?!=)"


def narrowed(lines: Sequence[str], row: int, column_indent: int) -> dict[str, str]:
    """Dotted names and the class, or the classes in brackets, that they are instances of in line ``row``.

    ``column_indent`` is where the code of the line begins; what the line itself says before is not looked at.
    """
    known: dict[str, str] = {}
    limit, subject_of = column_indent, ""
    set_since: list[str] = []
    for number in range(row - 1, max(row - MAX_LINES, -1), -1):
        line = lines[number]
        code = line.strip()
        if not code or code.startswith("#"):
            continue
        indent = _indent(line)
        if indent > limit:
            set_since.append(line)
            unless = _UNLESS.match(lines[number - 1]) if number and _LEAVES.match(line) else None
            if unless and _indent(lines[number - 1]) <= limit:
                _add(known, unless[1], unless[2], set_since)
            continue
        if test := _ASSERT.match(line):
            _add_all(known, test[1], set_since)
        if indent < limit:
            limit = indent
            if code.startswith(("def ", "class ", "async def ")):
                return known
            if head := _HEAD.match(line):
                _add_all(known, head[1], set_since)
            if cases := _CASES.match(line):
                subject_of = f"({', '.join(part.strip(' ()') for part in cases[1].split('|'))})"
            elif case := _CASE.match(line):
                subject_of = case[1]
            elif match := _MATCH.match(line):
                if subject_of:
                    _add(known, match[1], subject_of, set_since)
                subject_of = ""
        set_since.append(line)
    return known


def _indent(line: str) -> int:
    return width(line[: len(line) - len(line.lstrip())])


def _add_all(known: dict[str, str], condition: str, set_since: Sequence[str]) -> None:
    """What a condition says if it holds: nothing where it has an ``or`` or a ``not``."""
    if re.search(r"\b(?:or|not)\b", condition):
        return
    for test in _TEST.finditer(condition):
        _add(known, test[1], test[2], set_since)


def _add(known: dict[str, str], name: str, classes: str, set_since: Sequence[str]) -> None:
    """Unless a line since then gives the name, or what it is a member of, a value."""
    if name in known:
        return
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        anew = re.compile(_SET % re.escape(".".join(parts[:length])))
        if any(anew.search(line) for line in set_since):
            return
    known[name] = classes
