"""Parse git's configuration files (git-config(1), "Syntax") and follow what they include. Nothing is ever run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tinycoder.workspace.git.files import read_own
from tinycoder.workspace.git.repository import Repository
from tinycoder.workspace.glob import fits

MAX_INCLUDED = 100  # files; where they include each other git itself would stop
SYSTEM_FILES = {
    "darwin": ("/etc/gitconfig", "/usr/local/etc/gitconfig", "/opt/homebrew/etc/gitconfig"),
    "win32": (r"C:\Program Files\Git\etc\gitconfig",),
}

_BETWEEN = re.compile(r"(?:\s|[#;][^\n]*)*")
_SECTION = re.compile(r'\[([\w.-]+)(?:[ \t]+"((?:[^"\\\n]|\\.)*)")?\]')
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*(=?)[ \t]*")
_VALUE = re.compile(r'((?:[^\n"\\#;]|\\.|"(?:[^"\\\n]|\\.)*")*)(?:[#;][^\n]*)?(?=\n|\Z)', re.DOTALL)
_PIECE = re.compile(r'\\.|"|[^\\"]+', re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "\n": ""}
_TRUE = ("1", "true", "yes", "on")
_HEAD = re.compile(rb"ref:\s*refs/heads/([^\r\n]+)")


class Setting(NamedTuple):
    """A line: ``section`` and ``key`` in lower case; ``value`` is ``None`` for a key without an equals sign."""

    section: str
    subsection: str
    key: str
    value: str | None


class Config:
    """The settings of git that hold in a repository; ``environ`` says where the person's files lie."""

    def __init__(self, repository: Repository, environ: Mapping[str, str]) -> None:
        self._repository = repository
        self._home = home_of(environ)
        self._urls: list[str] = []  # which conditions ask for, so they are collected first
        files = list(_files(repository, environ, self._home))
        found = [each for each in self._all(files) if (each.section, each.key) == ("remote", "url")]
        self._urls = [each.value for each in found if each.value]
        self._settings = [*self._all(files), *_of_environment(environ)]

    def last(self, section: str, key: str) -> str | None:
        """The value that holds for a key without a subsection."""
        found = [each for each in self._settings if (each.section, each.subsection, each.key) == (section, "", key)]
        return found[-1].value if found else None

    def path(self, value: str, folder: Path) -> Path | None:
        """The path that a ``value`` names from ``folder``; ``None`` where it is of git's own installation."""
        if value.startswith("~"):
            name, _, rest = value.partition("/")
            home = self._home if name == "~" else _home_of_user(name)
            return home / rest.lstrip("/") if home is not None and home.is_absolute() else None
        return None if value.startswith("%(prefix)") else folder / value

    def _all(self, files: Sequence[Path]) -> Iterator[Setting]:
        n_included = 0
        pending = [(file, _settings_of(file)) for file in reversed(files)]
        while pending:
            file, settings = pending[-1]
            setting = next(settings, None)
            if setting is None:
                pending.pop()
                continue
            yield setting
            if n_included < MAX_INCLUDED and setting.value and self._includes(setting, file.parent):
                n_included += 1
                if included := self.path(setting.value, file.parent):
                    pending.append((included, _settings_of(included)))

    def _includes(self, setting: Setting, folder: Path) -> bool:
        if setting.key != "path":
            return False
        if setting.section == "include":
            return not setting.subsection
        kind, _, pattern = setting.subsection.partition(":")
        holds: dict[str, Callable[[str, Path], bool]] = {
            "gitdir": self._is_git_dir,
            "gitdir/i": partial(self._is_git_dir, ignores_case=True),
            "onbranch": self._is_branch,
            "hasconfig": self._has_url,
        }
        return setting.section == "includeif" and kind in holds and holds[kind](pattern, folder)

    def _is_git_dir(self, pattern: str, folder: Path, *, ignores_case: bool = False) -> bool:
        end = "**" if pattern.endswith("/") else ""
        if pattern.startswith("./"):
            pattern = _slashed(Path(os.path.realpath(folder))) + pattern[1:]
        elif pattern.startswith("~"):
            home = self.path(pattern, folder)
            pattern = _slashed(home) + "/" * pattern.endswith("/") if home else ""
        elif not Path(pattern).is_absolute():
            pattern = f"**/{pattern}"
        own = self._repository.own
        names = {_slashed(Path(os.path.abspath(own))), _slashed(Path(os.path.realpath(own)))}  # noqa: PTH100
        pattern += end
        if ignores_case:
            pattern, names = pattern.lower(), {name.lower() for name in names}
        return any(_fits(pattern, name) for name in names)

    def _is_branch(self, pattern: str, folder: Path) -> bool:
        head = _HEAD.match(read_own(self._repository.own / "HEAD") or b"")
        return head is not None and _fits(pattern + "**" * pattern.endswith("/"), os.fsdecode(head[1]))

    def _has_url(self, pattern: str, folder: Path) -> bool:
        key, _, pattern = pattern.partition(":")
        return key == "remote.*.url" and any(_fits(pattern, url) for url in self._urls)


def home_of(environ: Mapping[str, str]) -> Path | None:
    """The person's home folder as git knows it."""
    home = environ.get("HOME") or (environ.get("USERPROFILE") if sys.platform == "win32" else None)
    return Path(home) if home else None


def settings_folder(environ: Mapping[str, str]) -> Path | None:
    """The person's folder for git's ``config`` and ``ignore`` (XDG base directories)."""
    home = home_of(environ)
    if given := environ.get("XDG_CONFIG_HOME"):
        return Path(given, "git")
    return home / ".config" / "git" if home else None


def parse(text: str) -> Iterator[Setting]:
    """Yield the settings up to the first error, where git would stop altogether."""
    section = subsection = ""
    at = 0
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    while True:
        at = _end(_BETWEEN.match(text, at))
        if header := _SECTION.match(text, at):
            section, dot, subsection = header[1].lower().partition(".")
            if header[2] is not None:
                section, subsection = section + dot + subsection, re.sub(r"\\(.)", r"\1", header[2])
            at = header.end()
            continue
        key = _KEY.match(text, at)
        if key is None or not section:
            return
        at = key.end()
        value = _VALUE.match(text, at)
        if value is None or (value[1] and not key[2]):
            return
        yield Setting(section, subsection, key[1].lower(), _unquoted(value[1]) if key[2] else None)
        at = value.end()


def _settings_of(file: Path) -> Iterator[Setting]:
    return parse(os.fsdecode(read_own(file) or b""))


def _home_of_user(name: str) -> Path | None:
    """The home folder that ``~name`` stands for."""
    try:
        return Path(os.path.expanduser(name))  # noqa: PTH111 - the other way raises for an unknown user
    except ValueError:  # a null character
        return None


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # it matches nothing as well
    return match.end()


def _unquoted(raw: str) -> str:
    """A value without its quotes and escapes, and without blanks at its end that are not in quotes."""
    value, kept, in_quotes = "", 0, False
    for piece in _PIECE.findall(raw):
        if piece == '"':
            in_quotes = not in_quotes
        elif piece[0] == "\\":
            value += _ESCAPED.get(piece[1], piece[1])
        else:
            value += piece
        if in_quotes or piece == '"':
            kept = len(value)
    return value[: max(kept, len(value.rstrip(" \t")))]


def _files(repository: Repository, environ: Mapping[str, str], home: Path | None) -> Iterator[Path]:
    """The files that git reads, later ones over earlier ones."""
    if environ.get("GIT_CONFIG_NOSYSTEM", "").lower() not in _TRUE:
        given = environ.get("GIT_CONFIG_SYSTEM")
        yield from map(Path, [given] if given else SYSTEM_FILES.get(sys.platform, ("/etc/gitconfig",)))
    if given := environ.get("GIT_CONFIG_GLOBAL"):
        yield Path(given)
    else:
        if folder := settings_folder(environ):
            yield folder / "config"
        if home:
            yield home / ".gitconfig"
    shared = repository.common / "config"
    yield shared
    of_worktree = [each.value for each in _settings_of(shared) if each.key == "worktreeconfig"]
    if of_worktree and (of_worktree[-1] is None or of_worktree[-1].lower() in _TRUE):
        yield repository.own / "config.worktree"


def _of_environment(environ: Mapping[str, str]) -> Iterator[Setting]:
    """The settings in ``GIT_CONFIG_KEY_0`` and so on."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    for n in range(int(count) if re.fullmatch("[0-9]{1,4}", count) else 0):
        section, _, key = environ.get(f"GIT_CONFIG_KEY_{n}", "").lower().rpartition(".")
        yield Setting(section, "", key, environ.get(f"GIT_CONFIG_VALUE_{n}"))


def _fits(pattern: str, text: str) -> bool:
    return fits(os.fsencode(pattern), os.fsencode(text))


def _slashed(path: Path) -> str:
    return str(path).replace(os.sep, "/")
