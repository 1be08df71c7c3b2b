"""``tinycoder stats``: the outcomes of suggestions in editors, as counted on this machine."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder.cli import options, terminal

if TYPE_CHECKING:
    from tinycoder_lsp.stats.counts import Days


@click.command()
@options.as_json
@options.html_to
@click.option("--clear", "forget", is_flag=True, help="Forget everything that was counted.")
@click.option("--yes", is_flag=True, help="With --clear: do not ask.")
@click.pass_context
def stats(context: click.Context, as_json: bool, html_to: Path | None, forget: bool, yes: bool) -> None:
    """Show how many suggestions were accepted in editors, how many characters that is, and how fast they came.

    The language server counts them by day, on this machine only: numbers, no names and no code. The setting
    `statistics.enable` switches that off.
    """
    from tinycoder_lsp.stats.counts import to_json
    from tinycoder_lsp.stats.figures import figures, page
    from tinycoder_lsp.stats.statistics import clear, load, statistics_file

    home, today = options.home_folder(context), datetime.date.today()
    if yes and not forget:
        raise click.UsageError("--yes goes with --clear")
    if forget and (as_json or html_to):
        raise click.UsageError("--clear shows nothing; it goes with neither --json nor --html")
    if forget:
        if not yes:
            options.ask(f"Forget all statistics in {statistics_file(home)}?", "nothing was forgotten")
        click.echo("Forgotten." if clear(home) else "There was nothing to forget.")
        return
    days = load(home)
    if html_to:
        options.write_text(html_to, page(days, today))
    if as_json:
        click.echo(json.dumps({**figures(days, today), "days": to_json(days)}))
    else:
        _print(days, today)


def _print(days: Days, today: datetime.date) -> None:
    """A table and bars in a terminal; the same as plain text elsewhere."""
    from rich.console import Console
    from rich.text import Text

    from tinycoder_lsp.stats.figures import BARS_TITLE, bars, table, text

    console = Console(highlight=False)
    if not days or not console.is_terminal:
        click.echo(text(days, today))
        return
    head, *rows = table(days, today)
    console.print(terminal.rich_table(head, rows))
    console.print(Text(BARS_TITLE, style="italic"))
    full, rest = ("#", ".") if console.options.ascii_only else ("█", "░")
    for line in bars(days, today, full=full, rest=rest):
        console.print(Text(line))
