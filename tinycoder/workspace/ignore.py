"""Collect the rules of the ``.gitignore`` files that hold for a folder, and say which entries they ignore.

git need not be installed, and the folder need not be a repository. The global excludes file
(``core.excludesFile``) is not read, since it is outside the given paths.
"""

import codecs
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder.workspace.glob import Glob, parse


@dataclass(frozen=True, kw_only=True)
class IgnoreRule:
    """One line of the ``.gitignore`` file of ``folder``, an absolute path with forward slashes and one at its end."""

    folder: str
    glob: Glob


Rules = tuple[IgnoreRule, ...]  # the last one that matches decides


def rules_above(folder: Path) -> Rules:
    """Return the rules of the folders above the absolute path ``folder``, up to the root of its repository.

    There are none without a repository, nor when they ignore ``folder`` itself: whoever names an ignored folder
    means its contents. Raises ``OSError`` for a file that cannot be read.
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
    """Return the rules for the entries of ``folder``, given the rules ``above`` it.

    The root of a repository, even within another, drops the rules above. Raises ``OSError`` for a file that cannot
    be read.
    """
    sources = [folder / ".gitignore"]
    if _is_repository(folder):
        above = ()
        sources.insert(0, folder / ".git" / "info" / "exclude")
    for source in sources:
        if source.is_file():
            lines = source.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
            above += _rules(slashed(folder).rstrip("/") + "/", (line.removesuffix(b"\r") for line in lines))
    return above


def is_ignored(path: str, rules: Rules) -> bool:
    """Whether ``rules`` ignore the absolute, forward-slashed ``path`` (a folder's ends in ``/``).

    The caller has checked the folders above ``path``.
    """
    bare = path.rstrip("/")
    for rule in reversed(rules):
        if rule.glob.only_folders and bare == path:
            continue
        if rule.glob.matches(os.fsencode(bare[len(rule.folder) :])):
            return not rule.glob.includes
    return False


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a test of whether a relative, forward-slashed path, or a folder above it, matches one of ``patterns``.

    A malformed pattern matches nothing, as in a ``.gitignore`` file.
    """
    rules = _rules("", map(os.fsencode, patterns))

    def matches(path: str) -> bool:
        ends = [i + 1 for i, character in enumerate(path) if character == "/"]
        return any(is_ignored(path[:end], rules) for end in (*ends, len(path)))

    return matches


def slashed(path: Path) -> str:
    """The path with forward slashes on every platform."""
    return str(path).replace(os.sep, "/")


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists()  # a file in work trees and submodules


def _rules(folder: str, lines: Iterable[bytes]) -> Rules:
    return tuple(IgnoreRule(folder=folder, glob=glob) for line in lines if (glob := parse(line)))
