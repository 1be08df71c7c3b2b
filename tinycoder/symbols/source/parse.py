"""Statements of Python source, whatever it holds."""

from __future__ import annotations

import ast
import threading
import warnings

LARGEST = 5_000_000  # characters or bytes: a longer file is data
REFUSALS = (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError, SystemError)  # of Python's parser

_warnings_lock = threading.Lock()  # a filter of warnings holds for all threads


def parse(text: str | bytes) -> list[ast.stmt]:
    """Parse a text into statements. Raises one of ``REFUSALS``."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as for an unknown escape in a string
        return ast.parse(text).body
