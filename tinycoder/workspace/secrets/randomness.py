"""Judge by its characters whether a string looks like a generated key, or like a password."""

import itertools
import re

MIN_TOKEN = 12  # characters
MIN_PASSWORD = 6
MIN_DISTINCT = 6  # different characters
MIN_CHANGES = 1.5  # between small letters, capitals and digits: at least so many,
MIN_CHANGES_OF_NAME = 2.5  # where it could be the name of a variable
CHANGES_PER_CHARACTER = 0.1  # and so many for each character; random text has about 0.5

_TEMPLATE = re.compile(
    r"\{[\w.!]{0,60}\}|<[\w ,.-]{0,60}>|%\(\w{1,60}\)|\$\{|\$\(|^\$\w+$|\.\.\.|[*x#]{4}"  # to be filled in
    r"|^[\w.]{1,60}\(.*\)$"  # or a call
    r"|\[\^|\w-\w[\w-]{0,20}\]|\\[dswb]|\(\?"  # or a pattern
    r"|^[.~]{0,2}/[\w.-]{1,60}/|://|:[0-9]{2,5}$"  # or an address
    r"|\\(?:033|x1b|e)\[|^#[0-9a-f]{3,8}$|^[0-9.]+$",  # or a colour, or a number
    re.IGNORECASE,
)
_NAME_MARKS = re.compile(r"[._]")
_FORMAT = re.compile(r"%[sdr](?![\w!@#$^&*])")
_PLACEHOLDER = re.compile(
    r"pass|pwd|secret|token|change|example|dummy|sample|place|redacted|your|insert|fake|test|foo|bar|spam|"
    r"default|none|null|undefined|invalid|user|admin|abc|123|qwerty|letmein|latin|utf|ascii",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-z]*(?:[^A-Za-z0-9]+[A-Za-z]+)*[^A-Za-z0-9]*")


def looks_generated(value: str) -> bool:
    """Whether ``value`` looks like a key or token: long, with digits, and letters and digits in no order."""
    value = _FORMAT.sub("", value)
    if len(value) < MIN_TOKEN or len(set(value)) < MIN_DISTINCT or _TEMPLATE.search(value):
        return False
    return _is_mixed(value, MIN_CHANGES)


def looks_like_password(value: str) -> bool:
    """Whether ``value`` looks like a password in use: no words alone, no template, no usual stand-in."""
    if looks_generated(value):
        return True
    if len(value) < MIN_PASSWORD or len(set(value)) < MIN_DISTINCT - 1 or value.isdigit():
        return False
    if _FORMAT.search(value) or _TEMPLATE.search(value):
        return False
    return not (_PLACEHOLDER.search(value) or _WORDS.fullmatch(value))


def looks_random(value: str) -> bool:
    """Whether a ``value`` that may be short and have the form of a name looks like no name that a person gives."""
    return looks_like_password(value) and not _NAME_MARKS.search(value) and _is_mixed(value, MIN_CHANGES_OF_NAME)


def _is_mixed(value: str, least: float) -> bool:
    """Whether letters and digits are in no order: at least so many changes, and more for a longer value."""
    kinds = [_kind(character) for character in value]
    n_changes = sum(
        a != b and "-" not in (a, b) and (a, b) != ("A", "a")  # a capital at the start of a word is no change
        for a, b in itertools.pairwise(kinds)
    )
    return "0" in kinds and n_changes >= least + CHANGES_PER_CHARACTER * len(value)


def _kind(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isupper():
        return "A"
    return "a" if character.islower() else "-"
