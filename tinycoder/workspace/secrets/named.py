"""Find secrets by the names that they are assigned to: a ``password``, an ``api_key``, an ``AUTH_TOKEN``.

Values are literals in quotes or, in shell-like settings, comments and docstrings, words without quotes. Takes time
linear in the text: every repeat is bounded.
"""

import re
from collections.abc import Iterator

from tinycoder.workspace.secrets.randomness import looks_generated, looks_like_password
from tinycoder.workspace.secrets.secret import Secret

KIND = "value of a secret's name"
MIN_UNQUOTED = 16  # characters without quotes, in running code
MIN_LIKE_NAME = 20  # where it could be the name of a variable
FAR = 200  # characters from the beginning of a comment

_WORD = re.compile("pass|pwd|secret|token|key|credential|authorization")  # in lower case; a match can begin here
_NAME = r"""
    (?P<name>
        (?: passw(?:or)?d | passphrase | passcode | pwd | (?<![a-z])pass(?![a-z])
          | secret(?!ar) | (?<!publickey)token(?!i[sz]) | credential | (?<![a-z])authorization
          | (?: (?<=api)|(?<=access)|(?<=private)|(?<=auth)|(?<=account)|(?<=encryption)|(?<=signing)
              | (?<=api[_\ -])|(?<=access[_\ -])|(?<=private[_-])|(?<=auth[_-])|(?<=account[_-])
              | (?<=encryption[_-])|(?<=signing[_-])|(?<=master[_-]) ) key )
        [a-z0-9_-]{0,40} )
"""
_QUOTED = re.compile(
    rf"""
    {_NAME}
    (?: \\?["']\]?[ \t]{{0,9}} (?: [=!]= | [=:] | (?P<comma>,) )  # a dict entry, a call's first argument
      | [ \t]{{0,9}} (?: :[ \t]{{0,9}}[a-z_][\w.\[\]|, \t]{{0,60}}= | [=!:]?= | : ) )  # annotated or not
    \s{{0,40}} (?: [\w.]{{0,40}}\(\s{{0,40}} )?  # a parenthesis or a wrapper
    [bfru]{{0,2}} (?P<quote>\\?(?:\"""|'''|"|'))
    (?P<secret> (?: (?!(?P=quote)) (?:[^\\\s]|\\\S) ){{6,4096}} ) (?: (?P=quote) | (?=[ \t]*\r?$) )  # or left open
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII | re.MULTILINE,
)
_UNQUOTED = re.compile(
    rf"""
    {_NAME} (?P<sign> [ \t]?[:=][ \t]? )
    (?P<secret> [A-Za-z0-9_+/.~!@%^&*$?-]{{6,200}} ={{0,2}} ) (?= [\s"'`,;)]|\\[nrt"']|\Z )
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SETTING = re.compile(
    r"""(?:^|["'\s]|\\n)(?:export[ ])?[A-Z0-9_]{0,40}\Z""", re.MULTILINE
)  # the text before a name in capitals
_LIKE_NAME = re.compile(r"[A-Za-z_]")
_NAME_MARKS = re.compile(r"[._]")
_IS_PASSWORD = re.compile(r"passw|passphrase|passcode|pwd|pass(?![a-z])", re.IGNORECASE)
_IS_NO_SECRET = re.compile(  # names of things around a secret
    r"[_-](?:ur[il]|path|file(?:name)?|dir|name|field|header|type|kind|label|re|regex|pattern|prefix|suffix|chars|"
    r"alphabet|format|endpoint|scope|class|module|help|message|msg|error|description|title|version|id)s?$",
    re.IGNORECASE,
)


def given_to_names(text: str) -> Iterator[Secret]:
    """Yield the values that are assigned to names of secrets.

    A match crosses the end of a line only after one of ``=:,(``.
    """
    lower = text.replace("\u0130", "I").lower()  # the one letter that is two in lower case
    end = 0
    for word in _WORD.finditer(lower):
        if word.start() < end:
            continue
        match = _QUOTED.match(text, word.start())
        if match is None or not _is_secret(match["name"], match["secret"], bool(match["comma"])):
            match = _UNQUOTED.match(text, word.start())
            if match is None or not _is_noted(text, match):
                continue
        yield Secret(KIND, (match.span("secret"),))
        end = match.end()


def _is_secret(name: str, value: str, after_comma: bool) -> bool:
    if _IS_NO_SECRET.search(name):
        return False
    if _IS_PASSWORD.search(name) and not after_comma:
        return looks_like_password(value)
    return looks_generated(value)


def _is_noted(text: str, match: re.Match[str]) -> bool:
    """Whether a value without quotes is a secret: in a setting, in a comment, or by its random look."""
    name, value = match["name"], match["secret"]
    if _IS_NO_SECRET.search(name):
        return False
    least = MIN_LIKE_NAME if _LIKE_NAME.match(value) else MIN_UNQUOTED
    if len(value) >= least and not _NAME_MARKS.search(value) and looks_generated(value):
        return True
    start = match.start()
    first = max(text.rfind("\n", max(0, start - FAR), start) + 1, start - FAR, 0)
    in_setting = name.isupper() and match["sign"] == "=" and _SETTING.search(text, max(0, start - 60), start)
    in_comment = "#" in text[first:start]
    return bool(in_setting or in_comment) and _is_secret(name, value, after_comma=False)
