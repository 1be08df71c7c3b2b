"""Which editors are on the path, and whether TinyCoder's file for them is installed and up to date.

An editor that is not there, or not set up, is no warning: nobody uses them all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Literal

import tinycoder
from tinycoder.doctor.check import Check, guarded

EDITOR_S = 30.0  # seconds; how long an editor may take to say its version
NEOVIM, EMACS = (0, 11), (28, 2)  # the oldest that the test suite runs


def editor_checks(environ: Mapping[str, str]) -> Iterator[Check]:
    """One check an editor."""
    yield guarded("Neovim", lambda: check_neovim(environ))
    yield guarded("Visual Studio Code", lambda: check_vscode(environ))
    yield guarded("Emacs", lambda: check_emacs(environ))
    yield guarded("Helix", lambda: check_helix(environ))


def check_neovim(environ: Mapping[str, str]) -> Check:
    """Its version, and its file."""
    return _check_file("Neovim", "nvim", "neovim", NEOVIM, environ)


def check_emacs(environ: Mapping[str, str]) -> Check:
    """Its version, and its file."""
    return _check_file("Emacs", "emacs", "emacs", EMACS, environ)


def check_helix(environ: Mapping[str, str]) -> Check:
    """Its version, and whether its configuration names the server."""
    from tinycoder.editors.installation import helix_folder

    said = next((text for name in ("hx", "helix") if (text := _output([name, "--version"], environ)) is not None), None)
    if said is None:
        return _absent("Helix", "hx")
    configuration = helix_folder(environ) / "languages.toml"
    version = _first_line(said)
    try:
        named = "[language-server.tinycoder]" in configuration.read_text(encoding="utf-8", errors="replace")
    except OSError:
        named = False
    if not named:
        says = f"{version}; {configuration} does not name TinyCoder"
        return Check(name="Helix", state="absent", says=says, advice="`tinycoder setup helix` shows what to add")
    return Check(name="Helix", state="fine", says=f"{version}; {configuration} names TinyCoder")


def check_vscode(environ: Mapping[str, str]) -> Check:
    """The editors of that family, and the version of the extension in each."""
    from tinycoder.editors.installation import VSCODE_COMMANDS

    name, without, others, says = "Visual Studio Code", False, False, []
    for command in VSCODE_COMMANDS:
        listed = _output([command, "--list-extensions", "--show-versions"], environ)
        if listed is None:
            continue
        found = re.search(r"^\S+\.tinycoder@(\S+)$", listed, re.MULTILINE | re.IGNORECASE)
        without |= found is None
        others |= found is not None and found.group(1) != tinycoder.__version__
        says.append(f"{command}: {f'extension {found.group(1)}' if found else 'the extension is not installed'}")
    if not says:
        return _absent(name, " or ".join(VSCODE_COMMANDS))
    if without or others:
        advice = f"`tinycoder setup vscode` installs version {tinycoder.__version__}"
        return Check(name=name, state="warning" if others else "absent", says="; ".join(says), advice=advice)
    return Check(name=name, state="fine", says="; ".join(says))


def _check_file(
    name: str, program: str, editor: Literal["neovim", "emacs"], oldest: tuple[int, int], environ: Mapping[str, str]
) -> Check:
    from tinycoder.editors.installation import compared, editor_file, own_command

    said = _output([program, "--version"], environ)
    if said is None:
        return _absent(name, program)
    version = _first_line(said)
    if (numbers := _numbers(version)) and numbers < oldest:
        needed = ".".join(map(str, oldest))
        advice = f"Older than {needed}, which is what TinyCoder's file for it needs."
        return Check(name=name, state="absent", says=version, advice=advice)
    file = editor_file(editor, environ, own_command(environ))
    state = compared(file)
    if state == "absent":
        advice = f"`tinycoder setup {editor}` installs it"
        return Check(name=name, state="absent", says=f"{version}; not set up: no {file.path}", advice=advice)
    if state == "other":
        advice = f"`tinycoder setup {editor} --force` replaces it and keeps it as {file.path.name}.bak"
        says = f"{version}; {file.path} is another version, or was changed manually"
        return Check(name=name, state="warning", says=says, advice=advice)
    return Check(name=name, state="fine", says=f"{version}; {file.path} is up to date")


def _absent(name: str, program: str) -> Check:
    return Check(name=name, state="absent", says=f"not on the path ({program})")


def _output(argv: list[str], environ: Mapping[str, str]) -> str | None:
    """What a program prints; None if it is not on the path, or gives no answer."""
    program = shutil.which(argv[0], path=environ.get("PATH", os.defpath))
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=EDITOR_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "it does not say its version").strip()


def _numbers(version: str) -> tuple[int, int] | None:
    found = re.search(r"(\d+)\.(\d+)", version)
    return (int(found.group(1)), int(found.group(2))) if found else None
