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
from tinycoder_lsp.manifest import manifest_properties, project_page, settings_page

DOCS = Path(__file__).parent
MANIFEST = DOCS.parent / "vscode-client" / "package.json"
OF_THE_EXTENSION = ("tinycoder.server.", "tinycoder.trace.")  # settings that the server does not know
SETTINGS_INTRODUCTION = """Made from the code by `make docs`; do not edit.

Editors send these under the section `tinycoder`: in `initializationOptions`, through `workspace/configuration`, or with
`workspace/didChangeConfiguration`. A wrong value is named once in the log, and its default is used.

`tinycoder.remote` says which server gets code, so it is a person's own: in VS Code it is set in the user settings.
What another editor sends of it may come from the workspace and is refused; there the table `remote` of `settings.toml`
counts, in the user's configuration folder (Linux `~/.config/tinycoder`, macOS `~/Library/Application
Support/tinycoder`, Windows `%LOCALAPPDATA%\\tinycoder`):

```toml
[remote]
url = "https://completions.example.org"
allowHost = "completions.example.org"
kind = "openai"
model = "Qwen/Qwen2.5-Coder-1.5B"
keyEnv = "TEAM_KEY"
```"""

PROJECT_INTRODUCTION = """A team keeps what all of it should use in the `pyproject.toml` of the project:

```toml
[tool.tinycoder]
exclude = ["/src/generated/", "*_data.py"]
inline.block = "automatic"

[tool.tinycoder.training]
minutes = 20
```

The command line and the language server read the same table: that of the folder, or the nearest one above it in the
same git repository. The server reads it again when it changes, and not at all where the workspace is not trusted.

What counts is the command line, then the editor's setting, then the project's, then the default. A setting that has
its default in the editor counts as not set, since some editors send every default. `exclude` adds up: its patterns are
relative to the file, and no option takes one back. With `--recent` the project's `minutes` and `preset` do not hold,
with `--from` its `preset` does not, and a run that is resumed keeps its own.

What concerns one person's machine is not taken from a project: `model`, `python`, `trusted`, `logLevel`, `memory`,
`statistics`, `remote`, the home folder, servers and hosts. Each such key, each unknown key and each wrong value is
named in a sentence, and the rest holds. If the file is no TOML, or `exclude` is no list of texts, the server says so
and goes on, and `tinycoder train`, `evaluate` and `complete` stop: it is not known what not to read."""


def cli_page() -> str:
    """The help of every command."""
    parts = [
        "# The command line\n\nMade from `tinycoder --help` by `make docs`; do not edit.\n\n"
        "[settings.md](settings.md#what-a-project-shares) says what a project's `pyproject.toml` may set.\n"
    ]
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
    settings += f"\n## What a project shares\n\n{PROJECT_INTRODUCTION}\n\n{project_page()}"
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
