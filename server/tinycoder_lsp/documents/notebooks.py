"""Notebooks: the engine sees the code cells of a notebook as one document."""

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
    """The texts above and below the cell ``uri``, joined so that each cell begins on a line of its own.

    Notebook commands (``%time``, ``!ls``), which are no Python, become comments. For a cell that is not among ``cells``
    both texts are empty.
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
    """A cell's text with notebook commands as comments of the same length."""
    return _MAGIC.sub(r"\1#", text)
