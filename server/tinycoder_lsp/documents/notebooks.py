"""Notebooks: the code cells of one are one document to the engine. Knows no protocol but its names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lsprotocol import types as lsp

SYNC = lsp.NotebookDocumentSyncOptions(
    notebook_selector=[
        lsp.NotebookDocumentFilterWithCells(notebook="*", cells=[lsp.NotebookCellLanguage(language="python")])
    ]
)
_MAGIC = re.compile(r"^(\s*)[%!?]", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A code cell: its URI and its text."""

    uri: str
    text: str


def around(cells: Sequence[Cell], uri: str) -> tuple[str, str]:
    """The text of the cells above and below the cell ``uri``, joined so that each begins on a line of its own.

    Commands to the notebook (``%time``, ``!ls``), which are no Python, stand there as comments. Around a cell that is
    not among ``cells`` there is nothing.
    """
    names = [unquote(cell.uri) for cell in cells]
    if unquote(uri) not in names:
        return "", ""
    at = names.index(unquote(uri))
    above = "".join(plain(cell.text) + "\n\n" for cell in cells[:at])
    below = "".join("\n\n" + plain(cell.text) for cell in cells[at + 1 :])
    return above, below


def whole(cells: Sequence[Cell]) -> str:
    """The text of all cells."""
    return "\n\n".join(plain(cell.text) for cell in cells)


def plain(text: str) -> str:
    """A cell's text without commands to the notebook, every character in its place."""
    return _MAGIC.sub(r"\1#", text)
