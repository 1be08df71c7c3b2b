"""What a terminal shows: text and tables as wide as that, and text of strangers, which must not command it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

MIN_WIDTH = 40  # columns of text
GAP, HEAD = 2, 8  # columns between those of a table, and of the head of one, if it has as many


def printable(text: str) -> str:
    """``text`` without what could command a terminal: it may be a stranger's. Line ends and tabs stay."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)


def one_line(text: str) -> str:
    """``printable`` text without line ends, such as a path in a list."""
    return printable(text.replace("\n", "⏎"))


def show(text: str, *, nl: bool = True) -> None:
    """Print text that is not ours on stdout: printable on a terminal, verbatim into a pipe or a file."""
    click.echo(printable(text) if sys.stdout.isatty() else text, nl=nl, color=True)


def rich_table(head: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> Table:
    """A table for a terminal, whose cells are not wrapped; the first column is aligned to the left."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for i, column in enumerate(head):
        drawn.add_column(column, justify="right" if i else "left", min_width=max(len(row[i]) for row in rows))
    for row in rows:
        drawn.add_row(*row)
    return drawn


def width() -> int:
    """Columns of the terminal; COLUMNS if that is set, 80 where there is neither."""
    return shutil.get_terminal_size().columns


def wrapped(text: str, indent: str = "", *, first: str = "") -> str:
    """``text`` in lines as wide as the terminal, the first after ``first``, others after ``indent``; no word is cut."""
    folded = (
        textwrap.wrap(
            line,
            max(width(), MIN_WIDTH),
            initial_indent=first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )
    return "\n".join("\n".join(lines) for lines in folded)


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as wide as the terminal: in several parts, each with the first column, where it has too many columns.

    No cell is wrapped; heads are, between words. A cell that is wider than the terminal stays as it is.
    """
    widths = [
        max([*(len(row[i]) for row in rows), *map(len, column.split(" ")), min(len(column), HEAD)])
        for i, column in enumerate(head)
    ]
    parts: list[list[int]] = [[]]
    for i, wide in enumerate(widths[1:], 1):
        taken = widths[0] + sum(GAP + widths[j] for j in parts[-1])
        if parts[-1] and taken + GAP + wide > width():
            parts.append([])
        parts[-1].append(i)
    drawn = []
    for part in parts:
        columns = [0, *part]
        heads = [textwrap.wrap(head[i], widths[i]) or [""] for i in columns]
        tallest = max(map(len, heads))
        lines = [[""] * (tallest - len(lines)) + lines for lines in heads]
        cells = [*zip(*lines, strict=True), *([row[i] for i in columns] for row in rows)]
        drawn.append("\n".join(_row(row, [widths[i] for i in columns]) for row in cells))
    return "\n\n".join(drawn)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first cell to the left, the others to the right."""
    first, *others = zip(cells, widths, strict=True)
    return (" " * GAP).join([f"{first[0]:{first[1]}}", *(f"{cell:>{wide}}" for cell, wide in others)]).rstrip()
