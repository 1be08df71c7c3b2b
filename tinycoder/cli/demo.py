"""``tinycoder demo``: the main job in about a minute."""

from __future__ import annotations

import click


@click.command()
def demo() -> None:
    """Demo."""
