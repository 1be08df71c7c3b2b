"""Lines of Python text: their ends, their indentation, and the string literals that continue on the next line."""

import re

TAB = 8  # columns, as Python counts them

_REST_OF_STRING = {
    "'''": r"(?:[^'\\]|\\.?|'(?!''))*(''')?",
    '"""': r'(?:[^"\\]|\\.?|"(?!""))*(""")?',
    "'": r"(?:[^'\\]|\\.?)*(')?",
    '"': r'(?:[^"\\]|\\.?)*(")?',
}
REST_OF_STRING = {quote: re.compile(rest) for quote, rest in _REST_OF_STRING.items()}
"""What follows an opening quote on its line; group 1 is the closing quote."""

STRING = "|".join(quote + rest for quote, rest in _REST_OF_STRING.items())
"""A literal without prefix up to its end or that of the line; one of four groups is the closing quote."""


def opening_quote(literal: str) -> str:
    """The quote that a literal without prefix begins with."""
    return literal[:3] if literal[:3] in REST_OF_STRING else literal[0]


def continued(quote: str, text: str) -> str:
    """The quote, if a literal that ``text`` does not close continues on the next line; else ``""``."""
    return quote if len(quote) == 3 or text.endswith("\\") else ""


def width(space: str) -> int:
    """Columns of white space at the start of a line."""
    return len(space.rpartition("\f")[2].expandtabs(TAB))
