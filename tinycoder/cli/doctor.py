"""``tinycoder doctor``: check the installation, and say what to do about each fault."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli import options

if TYPE_CHECKING:
    from tinycoder.doctor.check import Check

MARKS = {"fine": ("✓", "green"), "warning": ("!", "yellow"), "broken": ("✗", "red"), "absent": ("-", None)}
WORDS = {"fine": "", "warning": "warning: ", "broken": "broken: ", "absent": ""}
NAME_WIDTH = 18


@click.command()
@options.as_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check this installation: numpy, the home folder, models, the language server, and editors.

    The exit code is 1 if something is broken, and 0 if there are only warnings.
    """
    checks = []
    for check in _checks(options.home_folder(context)):
        checks.append(check)
        if not as_json:
            click.echo(_described(check))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(check) for check in checks]))
    broken, warnings = (sum(check.state == state for check in checks) for state in ("broken", "warning"))
    if not as_json:
        click.echo(f"\n{broken or 'nothing'} broken, {warnings or 'no'} warning{'' if warnings == 1 else 's'}")
    context.exit(1 if broken else 0)


def _checks(home: Path) -> Iterator[Check]:
    from tinycoder.doctor.editors import editor_checks
    from tinycoder.doctor.machine import machine_checks
    from tinycoder.errors import TinyCoderError

    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise TinyCoderError("the current folder has been removed; go to another one and try again") from None
    yield from machine_checks(home, folder, os.environ)
    yield from editor_checks(os.environ)


def _described(check: Check) -> str:
    mark, colour = MARKS[check.state]
    advice = f"\n{'':{NAME_WIDTH + 4}}{check.advice}" if check.advice else ""
    return f"{click.style(mark, fg=colour)} {check.name:{NAME_WIDTH}}  {WORDS[check.state]}{check.says}{advice}"
