"""Text of files, models and paths on a terminal, which such text must not command."""

import sys

import click


def printable(text: str) -> str:
    """``text`` without what could command a terminal: it may be a stranger's. Line ends and tabs stay."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)


def one_line(text: str) -> str:
    """``printable`` text without line ends, such as a path in a list."""
    return printable(text.replace("\n", "⏎"))


def show(text: str, *, nl: bool = True) -> None:
    """Print text that is not ours on stdout: printable on a terminal, verbatim into a pipe or a file."""
    click.echo(printable(text) if sys.stdout.isatty() else text, nl=nl, color=True)
