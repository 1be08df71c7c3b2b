"""What an installation holds for editors: its command, and the files that are copied to where an editor looks.

Files in the package name no folder of this machine: what depends on it, such as the path of the command, is filled in
here, or is part of the lines that a person adds to their own configuration.
"""

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinycoder.errors import TinyCoderError
from tinycoder.storage.home import expanded

PACKAGED = Path(__file__).parent / "files"
VSCODE_COMMANDS = ("code", "code-insiders", "codium", "code-server", "cursor")
BUILT_EXTENSION = "vscode-client/dist/tinycoder.vsix"  # in the sources
NEOVIM_LINES = """\
require('tinycoder').setup({
  keys = {
    accept = '<Tab>', accept_word = '<M-Right>', accept_line = '<M-Down>',
    next = '<M-]>', previous = '<M-[>', request = '<M-Bslash>', dismiss = '<C-]>',
  },
})
vim.o.completeopt = 'menuone,noselect,popup' -- take nothing that was not chosen
"""
HELIX_COMMAND = 'command = "tinycoder"\nargs = ["serve"]\n'


@dataclass(frozen=True, kw_only=True)
class Command:
    """How to start this installation.

    ``argv`` is what belongs into an editor's configuration; ``on_path`` is the `tinycoder` that a shell would start,
    and ``ours`` whether that is this one.
    """

    argv: tuple[str, ...]
    on_path: str | None
    ours: bool


@dataclass(frozen=True, kw_only=True)
class EditorFile:
    """A file for an editor: what it says and where it belongs; ``shared`` if it is the user's own configuration."""

    path: Path
    text: str
    shared: bool = False


def own_command(environ: Mapping[str, str]) -> Command:
    """Find this installation's command.

    The bare name is only good enough where every program finds it: not if it is on the path of a shell in which a
    virtual environment was activated.
    """
    script = _own_script()
    on_path = shutil.which("tinycoder", path=environ.get("PATH", os.defpath))
    ours = on_path is not None and script is not None and _same_file(Path(on_path), script)
    if on_path is not None and ours and not _inside_environment(Path(on_path)):
        return Command(argv=("tinycoder",), on_path=on_path, ours=True)
    argv = (str(script),) if script else (sys.executable, "-P", "-m", "tinycoder")  # -P: not from the editor's folder
    return Command(argv=argv, on_path=on_path, ours=ours)


def editor_file(
    editor: Literal["neovim", "emacs", "helix"],
    environ: Mapping[str, str],
    command: Command,
    *,
    windows: bool = os.name == "nt",
) -> EditorFile:
    """The file for an editor, ready to be installed. Raises ``TinyCoderError`` if this installation lacks it."""
    if editor == "neovim":
        path = neovim_folder(environ, windows=windows) / "lua" / "tinycoder.lua"
        return EditorFile(path=path, text=_packaged("tinycoder.lua"))
    if editor == "emacs":
        return EditorFile(path=emacs_folder(environ, windows=windows) / "tinycoder.el", text=_packaged("tinycoder.el"))
    program, *arguments = *command.argv, "serve"
    lines = f"command = {_quoted(program)}\nargs = [{', '.join(map(_quoted, arguments))}]\n"
    text = _packaged("helix.toml").replace(HELIX_COMMAND, lines)
    return EditorFile(path=helix_folder(environ, windows=windows) / "languages.toml", text=text, shared=True)


def own_lines(editor: Literal["neovim", "emacs", "vscode"], command: Command) -> str:
    """What a person adds to their own configuration; empty if nothing is needed."""
    argv = [_quoted(word) for word in (*command.argv, "serve")]
    bare = command.argv == ("tinycoder",)
    if editor == "neovim":
        return NEOVIM_LINES if bare else NEOVIM_LINES.replace("{\n", f"{{\n  cmd = {{ {', '.join(argv)} }},\n", 1)
    if editor == "emacs":
        load = '(load (locate-user-emacs-file "tinycoder"))'
        return load if bare else f"(setq tinycoder-command '({' '.join(argv)}))\n{load}"
    return "" if bare else f'"tinycoder.server.command": [{", ".join(argv)}]'


def vscode_package() -> Path:
    """The extension's file. Raises ``TinyCoderError`` if this installation was made without it."""
    package = PACKAGED / "tinycoder.vsix"
    if not package.is_file():
        raise TinyCoderError(
            "this installation carries no extension for VS Code; run `make client` in TinyCoder's sources "
            f"(it needs Node.js 20 or newer), then `tinycoder setup vscode --vsix {BUILT_EXTENSION}`"
        )
    return package


def compared(file: EditorFile) -> Literal["absent", "same", "other"]:
    """How the file that is installed compares with it. Raises ``TinyCoderError`` if that cannot be read."""
    try:
        installed = file.path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "absent"
    except OSError as error:
        raise TinyCoderError(f"cannot read {file.path} ({error.strerror}); check what it is and who owns it") from None
    return "same" if installed == file.text else "other"


def install(file: EditorFile, *, replace: bool) -> tuple[Literal["written", "same", "kept"], Path | None]:
    """Write the file where it belongs, all at once; say what was done, and where the one that was there before is now.

    Another file there is kept, unless ``replace`` says otherwise and the file is not the user's own.
    Raises ``TinyCoderError`` if the disk refuses.
    """
    state = compared(file)
    if state == "same":
        return "same", None
    if state == "other" and (file.shared or not replace):
        return "kept", None
    from tinycoder.storage.atomic import replace_text

    target = Path(os.path.realpath(file.path))  # a link into a collection of configuration files stays a link
    try:
        backup = _backed_up(target) if state == "other" else None
        replace_text(target, file.text, mode=0o644)
    except OSError as error:
        raise TinyCoderError(
            f"cannot write {file.path} ({error.strerror}); check who owns its folder, or copy what --print shows"
        ) from None
    return "written", backup


def neovim_folder(environ: Mapping[str, str], *, windows: bool = os.name == "nt") -> Path:
    """Where Neovim looks for `init.lua`: `stdpath('config')`."""
    name = environ.get("NVIM_APPNAME") or "nvim"
    if windows and not environ.get("XDG_CONFIG_HOME"):
        local = environ.get("LOCALAPPDATA")
        return (Path(local) if local else _home(environ, windows) / "AppData" / "Local") / name
    return _xdg(environ, windows) / name


def emacs_folder(environ: Mapping[str, str], *, windows: bool = os.name == "nt") -> Path:
    """Emacs' `user-emacs-directory`: the old folder if it is used, else the new one if that exists."""
    appdata = environ.get("APPDATA")
    home = Path(appdata) if windows and appdata and not environ.get("HOME") else _home(environ, False)
    old, new = home / ".emacs.d", _xdg(environ, windows) / "emacs"
    if old.exists() or (home / ".emacs").exists():
        return old
    return new if new.is_dir() else old


def helix_folder(environ: Mapping[str, str], *, windows: bool = os.name == "nt") -> Path:
    """Where Helix looks for `languages.toml`."""
    if windows:
        roaming = environ.get("APPDATA")
        return (Path(roaming) if roaming else _home(environ, windows) / "AppData" / "Roaming") / "helix"
    return _xdg(environ, windows) / "helix"


def _home(environ: Mapping[str, str], windows: bool) -> Path:
    chosen = environ.get("USERPROFILE" if windows else "HOME")
    return Path(chosen) if chosen else expanded(Path("~"))


def _xdg(environ: Mapping[str, str], windows: bool) -> Path:
    chosen = environ.get("XDG_CONFIG_HOME")
    return Path(chosen) if chosen else _home(environ, windows) / ".config"


def _packaged(name: str) -> str:
    try:
        return (PACKAGED / name).read_text(encoding="utf-8")
    except OSError as error:
        raise TinyCoderError(f"this installation lacks {name} ({error.strerror}); install TinyCoder again") from None


def _quoted(word: str) -> str:
    """A string for Lua, Emacs Lisp, TOML and JSON alike."""
    return json.dumps(word, ensure_ascii=False)


def _own_script() -> Path | None:
    """The `tinycoder` that was installed with this package."""
    name = "tinycoder.exe" if os.name == "nt" else "tinycoder"
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    with suppress(KeyError):  # a platform without a scheme for a single user
        folders.append(sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")))
    return next((file for folder in folders if (file := Path(folder) / name).is_file()), None)


def _inside_environment(path: Path) -> bool:
    """Whether this is a file of a virtual environment's own, not a link to it from a folder on everybody's path."""
    return sys.prefix != sys.base_prefix and _same_file(path.parent, Path(sysconfig.get_path("scripts")))


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _backed_up(path: Path) -> Path:
    """Copy a file to the first free name: NAME.bak, NAME.bak2, ..."""
    n = 1
    while (copy := path.with_name(f"{path.name}.bak{n if n > 1 else ''}")).exists():
        n += 1
    shutil.copy2(path, copy)
    return copy
