"""Which editors are on the path, and whether TinyCoder's file for them is installed and up to date.

An editor that is not there, or not set up, is no warning: nobody uses them all.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Literal

import tinycoder
from tinycoder.doctor.check import Check
from tinycoder.editors.installation import VSCODE_COMMANDS, compared, editor_file, helix_folder, own_command

EDITOR_S = 30.0  # seconds; how long an editor may take to say its version
OLDEST = {"neovim": ("nvim", (0, 11)), "emacs": ("emacs", (28, 2))}  # programs, and the versions that the tests run


def editor_checks(environ: Mapping[str, str]) -> dict[str, Callable[[], Check]]:
    """One check an editor."""
    return {
        "Neovim": lambda: check_file("neovim", environ),
        "Visual Studio Code": lambda: check_vscode(environ),
        "Emacs": lambda: check_file("emacs", environ),
        "Helix": lambda: check_helix(environ),
    }


def check_file(editor: Literal["neovim", "emacs"], environ: Mapping[str, str]) -> Check:
    """The editor's version, and whether TinyCoder's file for it is installed."""
    program, oldest = OLDEST[editor]
    said = _output([program, "--version"], environ)
    if said is None:
        return _absent(program)
    version = _first_line(said)
    numbers = re.search(r"(\d+)\.(\d+)", version)
    if numbers and tuple(map(int, numbers.groups())) < oldest:
        advice = f"Older than {'.'.join(map(str, oldest))}, which is what TinyCoder's file for it needs."
        return Check("absent", version, advice)
    file = editor_file(editor, environ, own_command(environ))
    state = compared(file)
    if state == "absent":
        return Check("absent", f"{version}; not set up: no {file.path}", f"`tinycoder setup {editor}` installs it")
    if state == "other":
        advice = f"`tinycoder setup {editor} --force` replaces it and keeps it as {file.path.name}.bak"
        return Check("warning", f"{version}; {file.path} is another version, or was changed manually", advice)
    return Check("fine", f"{version}; {file.path} is up to date")


def check_helix(environ: Mapping[str, str]) -> Check:
    """Its version, and whether its configuration names the server."""
    said = next((text for name in ("hx", "helix") if (text := _output([name, "--version"], environ)) is not None), None)
    if said is None:
        return _absent("hx")
    configuration = helix_folder(environ) / "languages.toml"
    version = _first_line(said)
    try:
        named = "[language-server.tinycoder]" in configuration.read_text(encoding="utf-8", errors="replace")
    except OSError:
        named = False
    if not named:
        advice = "`tinycoder setup helix` shows what to add"
        return Check("absent", f"{version}; {configuration} does not name TinyCoder", advice)
    return Check("fine", f"{version}; {configuration} names TinyCoder")


def check_vscode(environ: Mapping[str, str]) -> Check:
    """The editors of that family, and the version of the extension in each."""
    versions: dict[str, str | None] = {}
    for command in VSCODE_COMMANDS:
        listed = _output([command, "--list-extensions", "--show-versions"], environ)
        if listed is not None:
            installed = re.search(r"^\S+\.tinycoder@(\S+)$", listed, re.MULTILINE | re.IGNORECASE)
            versions[command] = installed and installed.group(1)
    if not versions:
        return _absent(" or ".join(VSCODE_COMMANDS))
    says = "; ".join(
        f"{command}: {f'extension {version}' if version else 'the extension is not installed'}"
        for command, version in versions.items()
    )
    others = set(versions.values()) - {tinycoder.__version__}
    if others:
        advice = f"`tinycoder setup vscode` installs version {tinycoder.__version__}"
        return Check("absent" if others == {None} else "warning", says, advice)
    return Check("fine", says)


def _absent(program: str) -> Check:
    return Check("absent", f"not on the path ({program})")


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
