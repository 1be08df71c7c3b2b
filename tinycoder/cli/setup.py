"""``tinycoder setup``: put the file for an editor where that editor looks for it, and say what else to do.

Never changes a configuration file of the user's own.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Literal
from zipfile import is_zipfile

import click

from tinycoder.editors.installation import (
    BUILT_EXTENSION,
    VSCODE_COMMANDS,
    Command,
    EditorFile,
    editor_file,
    install,
    own_command,
    own_lines,
    vscode_package,
)
from tinycoder.errors import TinyCoderError

INSTALL_S = 180  # seconds; an editor that has to start first takes some ten


@click.command()
@click.argument("editor", type=click.Choice(["neovim", "emacs", "helix", "vscode"]))
@click.option("--print", "print_only", is_flag=True, help="Write what would be installed to stdout; change nothing.")
@click.option("--force", is_flag=True, help="Replace a file that differs; the old one is kept, with .bak at its end.")
@click.option(
    "--vsix",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="vscode: the extension to install; without it the one that this installation carries.",
)
def setup(
    editor: Literal["neovim", "emacs", "helix", "vscode"], print_only: bool, force: bool, vsix: Path | None
) -> None:
    """Install the file for EDITOR where it looks for it, and say what else to do.

    Your own configuration files are never changed; the lines to add to them are printed.
    """
    command = own_command(os.environ)
    if editor == "vscode":
        _install_extension(command, _extension(vsix), print_only=print_only, force=force)
        return
    if vsix is not None:
        raise click.UsageError(f"--vsix is the extension for VS Code, and {editor} has none")
    file = editor_file(editor, os.environ, command)
    if print_only:
        if force:
            raise click.UsageError("--print changes nothing; it does not go with --force")
        click.echo(f"{file.path}:", err=True)
        click.echo(file.text, nl=False)
        return
    _install_file(file, editor, force=force)
    click.echo(_what_else(editor, file, command))


def _install_file(file: EditorFile, editor: str, *, force: bool) -> None:
    done, backup = install(file, replace=force)
    if done == "kept" and not file.shared:
        raise TinyCoderError(
            f"{file.path} is another version, or was changed manually, and is kept; "
            f"`tinycoder setup {editor} --force` replaces it and keeps it as {file.path.name}.bak"
        )
    says = {"written": "wrote {}", "same": "{} is up to date", "kept": "{} is your own and was left alone"}
    click.echo(says[done].format(file.path))
    if backup is not None:
        click.echo(f"what was there before is now {backup}")


def _what_else(editor: Literal["neovim", "emacs", "helix"], file: EditorFile, command: Command) -> str:
    """Two or three lines, and those to copy."""
    if editor == "helix":
        return (
            f"{_helix_lines(file)}Open a Python file and type: it completes at once. Ten minutes of "
            "`tinycoder train PATH` make it yours; `hx --health python` shows whether Helix finds the server."
        )
    old = Path.home() / ".emacs"  # where there is one, Emacs reads no init.el
    emacs = old if old.exists() else file.path.with_name("init.el")
    start = {"neovim": file.path.parents[1] / "init.lua", "emacs": emacs}[editor]
    return (
        f"Add to your own configuration, such as {start}:\n\n{_indented(own_lines(editor, command))}\n\n"
        "Then open a Python file and type: it completes at once. Ten minutes of `tinycoder train PATH` make it yours; "
        "`tinycoder doctor` checks the installation."
    )


def _helix_lines(file: EditorFile) -> str:
    """What is still to do in the person's own file, if anything."""
    stated = [line.strip() for line in file.path.read_text(encoding="utf-8", errors="replace").splitlines()]
    header, command = file.text.splitlines()[:2]
    if header not in stated:
        return f"Add these lines to it, and start Helix again:\n\n{file.text}\n"
    if command not in stated:
        return f"Its {header} starts another command; this one is\n\n{_indented(command)}\n\n"
    return ""


def _indented(lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines.splitlines())


def _extension(named: Path | None) -> Path:
    """The file to install; its full path, since editors are not started in this folder."""
    if named is None:
        return vscode_package()
    if not is_zipfile(named):  # nor a file that is not there
        what = "not an extension for VS Code" if named.exists() else "not there"
        raise TinyCoderError(f"{named} is {what}; `make client` in TinyCoder's sources builds {BUILT_EXTENSION}")
    return named.resolve()


def _install_extension(command: Command, package: Path, *, print_only: bool, force: bool) -> None:
    """Into every editor of that family that is on the path."""
    options = ["--install-extension", str(package), *(["--force"] if force else [])]
    editors = {name: path for name in VSCODE_COMMANDS if (path := shutil.which(name))}
    if not editors:
        raise TinyCoderError(
            f"none of {', '.join(VSCODE_COMMANDS)} is on the path; in the editor, choose 'Extensions: Install from "
            f"VSIX...' from the command palette and open {package}"
        )
    if print_only:
        for name in editors:
            click.echo(shlex.join([name, *options]))
        return
    failed: list[str] = []
    for name, path in editors.items():
        try:
            _run_editor(name, [path, *options], package)
            click.echo(f"{name}: the extension is installed")
        except TinyCoderError as error:
            failed.append(str(error))
    if len(failed) < len(editors):
        if lines := own_lines("vscode", command):
            click.echo(f"Add to its settings.json, so that it finds the server:\n\n{_indented(lines)}\n")
        click.echo(
            "Reload the window, open a Python file and type: it completes at once. Ten minutes of training make it "
            "yours: 'TinyCoder: Train on This Workspace'. `tinycoder doctor` checks the installation."
        )
    if failed:
        raise TinyCoderError("; ".join(failed))


def _run_editor(name: str, argv: list[str], package: Path) -> None:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=INSTALL_S, check=False, cwd=package.parent
        )
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        reason = f"exit code {done.returncode}: {said[-1] if said else 'it says nothing'}" if done.returncode else None
    except subprocess.TimeoutExpired:
        reason = f"no end after {INSTALL_S} s"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise TinyCoderError(
            f"`{name} --install-extension` failed ({reason}); in the editor, choose 'Extensions: Install from VSIX...' "
            f"and open {package}"
        )
