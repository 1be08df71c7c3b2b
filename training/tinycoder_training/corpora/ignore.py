"""The ``.gitignore`` files that hold for a folder, and whether a path is ignored by them.

Works on text files alone: git need not be installed, and the folder need not be a repository. Knows nothing of
Python files, and does not read a person's global excludes file (``core.excludesFile``), which lies outside the
given paths.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec


@dataclass(frozen=True, kw_only=True)
class IgnoreFile:
    """Patterns that hold below ``folder``, an absolute path with forward slashes and one at its end."""

    folder: str
    spec: GitIgnoreSpec


Rules = tuple[IgnoreFile, ...]  # outermost first: a later one overrules an earlier one


def rules_above(folder: Path) -> Rules:
    """The rules that the folders above the absolute path ``folder`` set, up to the root of its repository.

    Without a repository there are none. When the rules ignore ``folder`` itself there are none either: whoever
    names an ignored folder means its contents. Raises ``OSError`` for a file that cannot be read.
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
    prefix = slashed(folder).rstrip("/") + "/"
    found = tuple(
        IgnoreFile(folder=prefix, spec=_spec(source.read_bytes())) for source in sources if os.path.isfile(source)
    )
    return above + found


def is_ignored(path: str, rules: Rules) -> bool:
    """Whether ``rules`` ignore the absolute, forward-slashed ``path`` (a folder's ends in ``/``)."""
    for rule in reversed(rules):
        ignored = rule.spec.check_file(path[len(rule.folder) :]).include
        if ignored is not None:
            return ignored
    return False


def slashed(path: Path) -> str:
    """The path with forward slashes on every platform."""
    return str(path).replace(os.sep, "/")


def _is_repository(folder: Path) -> bool:
    return os.path.exists(folder / ".git")  # a file in work trees and submodules


def _spec(raw: bytes) -> GitIgnoreSpec:
    lines = [line.removesuffix("\r") for line in raw.decode("utf-8-sig", "surrogateescape").split("\n")]
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec.from_lines([line for line in lines if _is_valid(line)])


def _is_valid(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:  # git, too, lets a malformed pattern match nothing
        return False
    return True
