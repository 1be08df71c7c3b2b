"""Completions of real code on screen, next to what the author wrote."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tinycoder.stop import never

if TYPE_CHECKING:
    from tinycoder.complete.candidate import Completer, Document

N_LINES, N_LISTS, N_WORDS = 6, 2, 4  # shown: completed lines, lists of words, and words of each
KINDS = ("attribute", "name")  # of words
MIN_LENGTH, MIN_CONFIDENCE = 6, 0.5  # of a line that is shown: characters and probability
MAX_QUERIES = 200  # cursors, at most, to find them
MAX_OF_FILE = 2  # lines that are shown
MARGIN = 14  # columns before the code


def show_lines(engine: Completer, documents: Sequence[Document], *, seed: int) -> None:
    """Print the first completions that are likely and long enough, chosen without a look at the author's text."""
    from tinycoder.evaluate.cursors import opened, survey
    from tinycoder.evaluate.measures import continues, ghost_text

    n_asked = n_right = 0
    shown: list[tuple[str, str]] = []  # path and text
    cursors = [(each, cursor) for each in documents for cursor in survey(each, first=opened(each.text)).cursors]
    for document, cursor in random.Random(seed).sample(cursors, len(cursors)):
        if len(shown) == N_LINES or n_asked == MAX_QUERIES:
            break
        if [path for path, _ in shown].count(document.path) == MAX_OF_FILE:
            continue
        n_asked, offset = n_asked + 1, cursor.offset
        candidates = engine.inline(_opened(engine, document, offset), offset, stop=never)
        engine.forget(document.path)
        ghost = ghost_text(candidates[0], document.text, offset).rstrip() if candidates else ""
        confident = bool(candidates) and candidates[0].probability >= MIN_CONFIDENCE
        if not confident or len(ghost) < MIN_LENGTH or ghost in [text for _, text in shown]:
            continue
        shown.append((document.path, ghost))
        right = continues(document.text, offset, ghost)
        n_right += right
        verdict = click.style("right", fg="green") if right else click.style("wrong", fg="red")
        click.echo(_side_by_side(document, offset, ghost))
        source = _start_of(str(candidates[0].provenance), _room(25))
        click.echo(f"    {verdict}, {candidates[0].probability:.0%} likely, {source}\n")
    click.echo(
        f"{n_right} of these {len(shown)} are right. They are the first of at least {MIN_LENGTH} characters and\n"
        f"a probability of {MIN_CONFIDENCE:.0%}, at {n_asked} cursors drawn by chance.\n"
    )


def show_lists(engine: Completer, documents: Sequence[Document], *, seed: int) -> None:
    """Print the first words of some lists, a letter into a name."""
    from tinycoder.evaluate.cursors import survey

    click.echo("The completion list after one letter (* is what the author wrote):\n")
    n_shown = 0
    names = [(each, name) for each in documents for name in survey(each).identifiers if name.kind in KINDS]
    for document, name in random.Random(seed).sample(names, len(names)):
        if n_shown == N_LISTS:
            break
        offset, truth = name.start + 1, document.text[name.start : name.end]
        candidates = engine.popup(_opened(engine, document, offset), offset, stop=never)[:N_WORDS]
        engine.forget(document.path)
        if len(candidates) < N_WORDS:
            continue
        n_shown += 1
        click.echo(f"{_where(document, offset)}\n    {_end_of(_line(document, offset).lstrip(), _room(5))}")
        width = max(len(each.text) for each in candidates)
        for each in candidates:
            mark = "*" if each.text == truth else " "
            row = f"  {mark} {each.text:{width}} {each.probability:6.1%}  {each.provenance}"
            click.echo(click.style(_start_of(row, _room(0)), bold=each.text == truth))
        click.echo()


def _opened(engine: Completer, document: Document, offset: int) -> Document:
    """The document while it is written from the top: up to ``offset``, and open in an editor."""
    from tinycoder.complete.candidate import Document

    shown = Document(path=document.path, text=document.text[:offset])
    engine.observe(shown)
    return shown


def _side_by_side(document: Document, offset: int, ghost: str) -> str:
    """The line before, what is typed, what is offered behind it, and what the author wrote there."""
    text = document.text
    before, typed = _line_before(document, offset), _line(document, offset)
    indent = min(len(row) - len(row.lstrip()) for row in (before or typed, typed))
    typed = _end_of(typed[indent:], _room(MARGIN) // 2)
    rows = [_where(document, offset)]
    if before:
        rows.append(f"{'':{MARGIN}}{click.style(_start_of(before[indent:], _room(MARGIN)), dim=True)}")
    rows.append(f"    {'typed':{MARGIN - 4}}{typed}")
    for who, rest in (("tinycoder", ghost), ("author", text[offset:].partition("\n")[0].rstrip())):
        cut = _start_of(rest, _room(MARGIN + len(typed)))
        rows.append(f"    {who:{MARGIN - 4}}{' ' * len(typed)}{click.style(cut, bold=True)}")
    return "\n".join(rows)


def _where(document: Document, offset: int) -> str:
    return f"  {document.path}:{1 + document.text.count(chr(10), 0, offset)}"


def _line(document: Document, offset: int) -> str:
    """The line up to ``offset``."""
    return document.text[:offset].rpartition("\n")[2]


def _line_before(document: Document, offset: int) -> str:
    """The last line before that of ``offset`` with something in it."""
    return next((row for row in document.text[:offset].split("\n")[-2::-1] if row.strip()), "")


def _room(n_taken: int) -> int:
    return max(20, shutil.get_terminal_size().columns - n_taken)


def _start_of(text: str, n: int) -> str:
    return text if len(text) <= n else f"{text[: n - 1]}…"


def _end_of(text: str, n: int) -> str:
    return text if len(text) <= n else f"…{text[1 - n :]}"
