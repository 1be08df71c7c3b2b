"""The ``.gitignore`` files that hold for a folder, and whether they ignore an entry of it.

Works on text files alone: git need not be installed, and the folder need not be a repository. Knows nothing
of Python files, and does not read a person's global excludes file (``core.excludesFile``), which lies outside
the given paths.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder.workspace.glob import Glob, encoded, parse

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class IgnoreRule:
    """One line of a ``.gitignore`` file in ``folder``, an absolute path with forward slashes and one at its end."""

    folder: str
    glob: Glob


Rules = tuple[IgnoreRule, ...]  # the last one that matches decides


def rules_above(folder: Path) -> Rules:
    """The rules that the folders above the absolute path ``folder`` set, up to the root of its repository.

    Without a repository there are none. When the rules ignore ``folder`` itself there are none either:
    whoever names an ignored folder means its contents. Raises ``OSError`` for a file that cannot be read.
    """
    if _is_repository(folder):
        return ()
    repository = next((upper for upper in folder.parents if _is_repository(upper)), None)
    if repository is None:
        return ()
    rules: Rules = ()
    upper = repository
    for part in folder.relative_to(repository).parts:
        rules = rules_in(upper, rules)
        upper = upper / part
        if is_ignored(slashed(upper) + "/", rules):
            return ()
    return rules


def rules_in(folder: Path, above: Rules) -> Rules:
    """The rules for the entries of ``folder``, where ``above`` holds for the folder itself.

    The root of a repository, also of one within another, starts afresh. Raises ``OSError`` for a file that
    cannot be read.
    """
    sources = [folder / ".gitignore"]
    if _is_repository(folder):
        above = ()
        sources.insert(0, folder / ".git" / "info" / "exclude")
    for source in sources:
        if source.is_file():
            above += _rules(slashed(folder).rstrip("/") + "/", source.read_bytes())
    return above


def is_ignored(path: str, rules: Rules) -> bool:
    """Whether ``rules`` ignore the absolute, forward-slashed ``path`` (a folder's ends in ``/``).

    The folders above ``path`` must not be ignored.
    """
    bare = path.rstrip("/")
    for rule in reversed(rules):
        if rule.glob.only_folders and bare == path:
            continue
        if rule.glob.matches(encoded(bare[len(rule.folder) :])):
            return not rule.glob.includes
    return False


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a relative, forward-slashed path, or a folder above it, matches one of a person's own patterns.

    A malformed pattern matches nothing, as in a ``.gitignore`` file.
    """
    globs = [parse(encoded(pattern)) for pattern in patterns]
    rules = tuple(IgnoreRule(folder="", glob=glob) for glob in globs if glob)

    def matches(path: str) -> bool:
        ends = [i + 1 for i, character in enumerate(path) if character == "/"]
        return any(is_ignored(path[:end], rules) for end in (*ends, len(path)))

    return matches


def slashed(path: Path) -> str:
    """The path with forward slashes on every platform."""
    return str(path).replace(os.sep, "/")


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists()  # a file in work trees and submodules


def _rules(folder: str, raw: bytes) -> Rules:
    lines = raw.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    globs = [parse(line.removesuffix(b"\r")) for line in lines]
    return tuple(IgnoreRule(folder=folder, glob=glob) for glob in globs if glob)
