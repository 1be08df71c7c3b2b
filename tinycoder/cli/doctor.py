"""``tinycoder doctor``: check the installation, and say what to do about each fault."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli import options, terminal
from tinycoder.cli.terminal import printable
from tinycoder.words import plural

if TYPE_CHECKING:
    from tinycoder.doctor.check import Check

MARKS = {"fine": ("✓", "green"), "warning": ("!", "yellow"), "broken": ("✗", "red"), "absent": ("-", None)}
NAME_WIDTH = 18


@click.command()
@options.as_json
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check this installation: numpy, the home folder, models, the language server, and editors.

    The exit code is 1 if something is broken, and 0 if there are only warnings.
    """
    from tinycoder.doctor.check import guarded
    from tinycoder.doctor.editors import editor_checks
    from tinycoder.doctor.machine import machine_checks

    checks = {}
    planned = machine_checks(options.home_folder(context), Path.cwd(), os.environ) | editor_checks(os.environ)
    for name, check in planned.items():
        checks[name] = guarded(check)
        if not as_json:
            click.echo(_described(name, checks[name]))
    broken, warnings = (sum(check.state == state for check in checks.values()) for state in ("broken", "warning"))
    if as_json:
        click.echo(json.dumps([{"name": name, **dataclasses.asdict(check)} for name, check in checks.items()]))
    else:
        click.echo(f"\n{broken or 'nothing'} broken, {warnings or 'no'} {plural(warnings, 'warning')}")
    context.exit(1 if broken else 0)


def _described(name: str, check: Check) -> str:
    mark, colour = MARKS[check.state]
    word = f"{check.state}: " if check.state in ("warning", "broken") else ""
    indent = " " * (NAME_WIDTH + 4)
    advice = f"\n{terminal.wrapped(printable(check.advice), indent, first=indent)}" if check.advice else ""
    said = terminal.wrapped(f"{word}{printable(check.says)}", indent, first=indent)[len(indent) :]
    return f"{click.style(mark, fg=colour)} {name:{NAME_WIDTH}}  {said}{advice}"
