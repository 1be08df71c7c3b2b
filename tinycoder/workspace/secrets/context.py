"""Tell from the line around a name whether it stands in a string, a comment, a setting or running code."""

import re

FAR = 300  # characters that are looked at before a name

_MARK = re.compile(r"\\.|\"\"\"|'''|[\"'#]")
_SETTING = re.compile(
    r"""(?:^|["'\s]|\\n)(?:export[ ])?[A-Z0-9_]{0,40}\Z""", re.MULTILINE
)  # the text before a name in capitals
_READ = re.compile(
    r"""(?: (?: get | env | config | set )\w{0,20} \( \s{0,9} [bfru]?["'] | -- ) [\w.-]{0,60}\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_QUERY = re.compile(r"[?&][\w-]{0,40}\Z", re.ASCII)
_PAIRS = re.compile(r"[ \t]*(?:-[ ])?(?:[\w. -]{1,30}=[^\s;\"'()]{0,100}[ ;][ \t]*){0,9}[\w.-]{0,40}", re.ASCII)
_REST = re.compile(r"[ \t;]*(?:[\w. -]{1,30}=[^\s;\"'()]{0,100}[ ;]?[ \t]*){0,9}(?:[#;][^\n]*)?\r?(?=\n|\Z)", re.ASCII)


def enclosing(text: str, at: int) -> str:
    """The quotes of the string that is open at ``at`` in its line, ``#`` in a comment, and nothing in running code.

    Of a string that was opened in a line above nothing is known, nor of the beginning of a very long line.
    """
    start = max(text.rfind("\n", max(0, at - FAR), at) + 1, at - FAR, 0)
    quote = ""
    for mark in _MARK.findall(text, start, at):
        if not quote and mark[0] != "\\":
            quote = mark
        elif mark == quote:
            quote = ""
        if quote == "#":
            break
    return quote


def is_setting(text: str, at: int) -> bool:
    """Whether a name in capitals at ``at`` stands where shells and configuration files have one."""
    return _SETTING.search(text, max(0, at - 60), at) is not None


def is_read(text: str, at: int) -> bool:
    """Whether the quoted name at ``at`` is looked up in a configuration, with a default, or is an option's."""
    return _READ.search(text, max(0, at - 100), at) is not None


def is_query(text: str, at: int) -> bool:
    """Whether the name at ``at`` is a parameter of an address."""
    return _QUERY.search(text, max(0, at - 50), at) is not None


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a name from ``start`` and its value up to ``end`` are all of a line, but for other such pairs."""
    line = text.rfind("\n", max(0, start - FAR), start) + 1
    return (
        start - line <= FAR and _PAIRS.fullmatch(text, line, start) is not None and _REST.match(text, end) is not None
    )
