"""Find secrets by the names that they are given to: a ``password``, an ``api_key``, an ``AUTH_TOKEN``.

Values are literals in quotes, one or several, or, within strings, settings and comments, words without quotes. Takes
time linear in the text: every repeat is bounded.
"""

import re
from collections.abc import Iterator

from tinycoder.workspace.secrets.context import enclosing, is_query, is_read, is_setting, stands_alone
from tinycoder.workspace.secrets.randomness import looks_generated, looks_like_password, looks_random
from tinycoder.workspace.secrets.secret import Secret, Span

KIND = "value of a secret's name"
MIN_UNQUOTED = 16  # characters without quotes, in running code
MIN_LIKE_NAME = 20  # where it could be the name of a variable
MAX_COMPARED = 200  # characters of a literal in front of a name
MAX_ITEMS = 1000  # of a collection

_WORD = re.compile("pass|pwd?|secret|token|key|credential|authorization")  # in lower case; a match can begin here
_FLAGS = re.VERBOSE | re.IGNORECASE | re.ASCII | re.MULTILINE
_NAME = re.compile(
    r"""
        (?: passw(?:or)?d | passphrase | passcode | pwd | (?<![a-z])(?:pass|pw)(?![a-z])
          | secret(?!ar) | (?<!publickey)token(?!i[sz]) | credential | (?<![a-z])authorization
          | (?: (?<=api)|(?<=access)|(?<=private)|(?<=auth)|(?<=account)|(?<=encryption)|(?<=signing)
              | (?<=api[_\ -])|(?<=access[_\ -])|(?<=private[_-])|(?<=auth[_-])|(?<=account[_-])
              | (?<=encryption[_-])|(?<=signing[_-])|(?<=master[_-]) ) key )
        [a-z0-9_-]{0,40}
    """,
    _FLAGS,
)
_OPTION = r"""(?: [a-z_]{1,20} [ ]?=[ ]? (?: [\w.]{1,40} | "[^"\n]{0,100}" | '[^'\n]{0,100}' ) | ["']-\w["'] ),"""
_SIGN = re.compile(
    rf"""
      \\?["']\]?[ \t]{{0,9}}  # a dict entry, a call's first argument
        (?: [=!]= | [=:] | (?P<comma>,) (?: \s{{0,40}} {_OPTION} ){{0,3}}
            \s{{0,40}} (?P<default> (?: default | fallback | value ) [ ]?=[ ]? )? )
    | ["']? (?: ,[ ]?(?: None | "" | '') )? [\])]{{0,2}}
        [ \t]{{1,3}} (?: or | else | (?:not[ ])?in ) [ \t]{{1,3}} (?=\S)
    | [ \t]{{0,9}} (?: :[ \t]{{0,9}}[a-z_][\w.\[\]|, \t]{{0,60}}= | [=!:]?= | : )  # annotated or not
    | \[ [^\]\n]{{1,60}} \] [ \t]{{0,9}} [=!]?=
    | (?: \. (?: append | add | extend | update | setdefault ) )? \(
    """,
    _FLAGS,
)
_WRAPPER = r"""\s{0,40}
               (?: (?: ["'][^"'\n]{0,40}["'] [ \t] if | [\w.] ) [^\n"'\#,=]{0,80}? [ \t] (?:or|else) [ \t]{1,3} )?
               (?: [\w.]{0,40}\(\s{0,40} )?
               (?: (?: default | value ) [ ]?=[ ]? )?"""
_LITERAL = r"""[bfru]{0,2} (?P<quote>\\?(?:\"""|'''|"|'))
               (?P<secret> (?: (?!(?P=quote)) (?:[^\\\s]|\\\S) ){6,4096} ) (?: (?P=quote) | (?=[ \t]*\r?$) )"""
_QUOTED = re.compile(_WRAPPER + _LITERAL, _FLAGS)  # a literal may be left open
_SPACED = re.compile(r"[ \t]{1,3} (?= \\?[\"'] (?![,)+%.:;\]}]) )" + _LITERAL, _FLAGS)  # PASSWORD 'x', in SQL
_OPENING = re.compile(r"\s{0,40} (?: [\w.]{0,40}\( \s{0,40} )? [\[({]? (?<=[\[({])", _FLAGS)
_ITEM = re.compile(
    r"""
    (?: [ \t]{0,80} (?:\#[^\n]{0,200})? \r?\n ){0,4} [ \t]{0,80}
    (?: [bru]?(?P<sort>["']) (?P<key> [^"'\\\s]{1,100} ) (?P=sort) [ \t]{0,5} : \s{0,40}
      | [\w.]{1,60} [ ]?[=:] \s{0,40} )?
    (?: [bfru]{0,2} (?P<quote>\"""|'''|"|') (?P<secret> (?: (?!(?P=quote)) (?:[^\\\n]|\\.) ){0,4096} ) (?P=quote)
      | [^,\[\](){}"'\n\#]{1,80} )
    [ \t]{0,9} (?P<more>,)?
    """,
    _FLAGS,
)
_AFTER = re.compile(r"""["']? [\])}]{1,2} [ \t]{1,3} (?:or|else) [ \t]{1,3} (?=\S)""", _FLAGS)
_UNQUOTED = re.compile(
    r"""
    (?P<sign> [ \t]{0,3}[:=][ \t]{0,3} | > | (?P<space>[ \t]) )
    (?P<secret> [^\s"'`;,\\<>()\[\]]{6,200} ) (?= [\s"'`;,)<]|\\[nrt"']|\Z )
    """,
    _FLAGS,
)
_COMPARED = re.compile(r"""[=!]=[ \t]{0,3}[\w.\["'(]{0,60}""", re.ASCII)
_LIKE_NAME = re.compile(r"[A-Za-z_]")
_NAME_MARKS = re.compile(r"[._]")
_CODE = re.compile(r"[\w.+/-]*|.*[{}:=|].*", re.ASCII)  # what could be an expression of Python
_PLAIN = re.compile(r"[A-Za-z0-9_+/.~!@%^&*$?-]{6,200}={0,2}")
_IS_PASSWORD = re.compile(r"passw|passphrase|passcode|pwd|pass(?![a-z])|pw(?![a-z])", re.IGNORECASE)
_IS_NO_SECRET = re.compile(  # names of things around a secret
    r"[_-](?:ur[il]|path|file(?:name)?|dir|name|field|header|type|kind|label|re|regex|pattern|prefix|suffix|chars|"
    r"alphabet|format|endpoint|scope|class|module|help|message|msg|error|description|title|version|id)s?$",
    re.IGNORECASE,
)


def given_to_names(text: str) -> Iterator[Secret]:
    """Yield the values that are given to names of secrets, or compared with them.

    They cross the end of a line only after one of ``=:,([{``, or after comments that follow one.
    """
    lower = text.replace("\u0130", "I").lower()  # the one letter that is two in lower case
    end = 0
    for word in _WORD.finditer(lower):
        name = _NAME.match(text, word.start()) if word.start() >= end else None
        if name is None or _IS_NO_SECRET.search(name[0]):
            continue
        for span in _values(text, name):
            yield Secret(KIND, (span,))
            end = max(end, span[1])
    yield from _compared(text)


def _values(text: str, name: re.Match[str]) -> Iterator[Span]:
    """The secrets that are given to a name: in quotes, in a collection, or without quotes."""
    found: list[Span] = []
    sign = _SIGN.match(text, name.end())
    if sign is not None:
        is_weak = bool(sign["comma"]) and not (sign["default"] or is_read(text, name.start()))
        value = _QUOTED.match(text, sign.end())
        if value is not None and _is_secret(name[0], value["secret"], is_weak):
            found.append(value.span("secret"))
        opening = _OPENING.match(text, sign.end())
        if opening is not None or sign[0].endswith("("):
            found += _items(text, (opening or sign).end(), name[0], is_weak)
    else:
        value = _SPACED.match(text, name.end())
        is_other = value is not None and not enclosing(text, name.start()).endswith(value["quote"][-1])
        if value is not None and is_other and _is_secret(name[0], value["secret"], False):
            found.append(value.span("secret"))
    return iter(found) if found else _without_quotes(text, name)


def _items(text: str, at: int, name: str, is_weak: bool) -> Iterator[Span]:
    """The secrets among the literals of a list, tuple, set or dict, or of a call, that was opened before ``at``."""
    for _ in range(MAX_ITEMS):
        item = _ITEM.match(text, at)
        if item is None:
            return
        if item["key"] and looks_generated(item["key"]):
            yield item.span("key")
        value = item["secret"]
        if value and not any(map(str.isspace, value)):
            is_login = "credential" in name.lower() and looks_like_password(value)
            if is_login or _is_secret(name, value, is_weak):
                yield item.span("secret")
        at = item.end()
        if not item["more"]:
            break
    after = _AFTER.match(text, at)
    value_after = _QUOTED.match(text, after.end()) if after else None
    if value_after is not None and _is_secret(name, value_after["secret"], is_weak):
        yield value_after.span("secret")


def _without_quotes(text: str, name: re.Match[str]) -> Iterator[Span]:
    match = _UNQUOTED.match(text, name.end())
    if match is None:
        return
    start, end = match.span("secret")
    if is_query(text, name.start()):
        end = min(at for mark in "&#" if (at := text.find(mark, start, end)) >= 0 or (at := end))
    if _is_noted(text, name, match, text[start:end]):
        yield start, end


def _compared(text: str) -> Iterator[Secret]:
    """Literals that stand before ``==`` and the name of a secret."""
    for sign in _COMPARED.finditer(text):
        end = sign.start() - 1
        while end > 0 and text[end] == " ":
            end -= 1
        if end < 0 or text[end] not in "\"'":
            continue
        start = (
            text.rfind(text[end], max(0, end - MAX_COMPARED, text.rfind("\n", max(0, end - MAX_COMPARED), end)), end)
            + 1
        )
        name = _NAME.search(text, sign.start(), sign.end() + 1)
        value = text[start:end]
        if start and name and not any(map(str.isspace, value)) and _is_secret(name[0], value, False):
            yield Secret(KIND, ((start, end),))


def _is_secret(name: str, value: str, is_weak: bool) -> bool:
    if _IS_PASSWORD.search(name) and not is_weak:
        return looks_like_password(value)
    return looks_generated(value)


def _is_noted(text: str, name: re.Match[str], match: re.Match[str], value: str) -> bool:
    """Whether a value without quotes is a secret: in a string, a setting or a comment, or by its random look."""
    least = MIN_LIKE_NAME if _LIKE_NAME.match(value) else MIN_UNQUOTED
    start = name.start()
    inside = enclosing(text, start)
    if match["space"] or match["sign"] == ">":
        is_option = match["sign"] == ">" or text[max(0, start - 40) : start].rpartition("--")[1]
        return bool(inside and is_option) and _is_secret(name[0], value, False)
    if len(value) >= least and not _NAME_MARKS.search(value) and _PLAIN.fullmatch(value) and looks_generated(value):
        return True
    in_setting = name[0].isupper() and match["sign"] == "=" and is_setting(text, start)
    if inside or in_setting or is_query(text, start):
        return _is_secret(name[0], value, False)
    if not stands_alone(text, start, match.end()) or not _is_secret(name[0], value, False):
        return False
    return looks_random(value) or not _CODE.fullmatch(value)
