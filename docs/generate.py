"""Write what comes from the code: docs/cli.md, docs/settings.md, and the settings in the VS Code extension's manifest.

With --check, only compare.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tinycoder.cli import cli
from tinycoder_lsp.manifest import manifest_properties, settings_page

DOCS = Path(__file__).parent
MANIFEST = DOCS.parent / "vscode-client" / "package.json"
OF_THE_EXTENSION = ("tinycoder.server.", "tinycoder.trace.")  # settings that the server does not know
SETTINGS_INTRODUCTION = """Made from the code by `make docs`; do not edit.

Editors send these under the section `tinycoder`: in `initializationOptions`, through `workspace/configuration`, or with
`workspace/didChangeConfiguration`. A wrong value is named once in the log, and its default is used."""


def cli_page() -> str:
    """The help of every command."""
    parts = ["# The command line\n\nMade from `tinycoder --help` by `make docs`; do not edit.\n"]
    for name, text in _helps("tinycoder", cli, None):
        parts.append(f"## `{name}`\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def manifest() -> str:
    """The extension's manifest with the server's settings; its own settings stay."""
    values = json.loads(MANIFEST.read_text(encoding="utf-8"))
    configuration = values["contributes"]["configuration"]
    own = {name: value for name, value in configuration["properties"].items() if name.startswith(OF_THE_EXTENSION)}
    configuration["properties"] = {**own, **manifest_properties()}
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _helps(name: str, command: click.Command, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    context = command.make_context(name, [], parent, resilient_parsing=True, terminal_width=100, max_content_width=100)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            yield from _helps(child, command.commands[child], context)


def main() -> None:
    """Write, or compare and say what differs."""
    settings = f"# Settings of the language server\n\n{SETTINGS_INTRODUCTION}\n\n{settings_page()}"
    pages = {DOCS / "cli.md": cli_page(), DOCS / "settings.md": settings, MANIFEST: manifest()}
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if sys.argv[1:] == ["--check"]:
        if stale:
            sys.exit(f"out of date: {', '.join(path.name for path in stale)}; run `make docs`")
        return
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")


if __name__ == "__main__":
    main()
