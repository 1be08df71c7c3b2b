"""The ``.gitignore`` files that hold for a folder, and whether they ignore an entry of it.

Works on text files alone: git need not be installed, and the folder need not be a repository. Knows nothing
of Python files, and does not read a person's global excludes file (``core.excludesFile``), which lies outside
the given paths.

``pathspec`` compiles the patterns. It is made for judging a path with its folders in one go, while here every
folder has been judged before its entries; each pattern therefore sees only what git would compare it with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.pattern import Pattern


@dataclass(frozen=True, kw_only=True)
class IgnoreRule:
    """One line of a ``.gitignore`` file.

    ``folder`` is where the file lies, an absolute path with forward slashes and one at its end. ``depth`` is
    how many levels below it the pattern matches: ``None`` for any, and 0 for any by the entry's name alone.
    """

    folder: str
    pattern: Pattern
    depth: int | None
    only_inside: bool  # "name/**": what lies in the folder, not the folder
    only_folders: bool  # "name/": pathspec would take it for what lies in the folder too


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
    name = path[path.rstrip("/").rfind("/") + 1 :]
    for rule in reversed(rules):
        if rule.only_folders and not path.endswith("/"):
            continue
        relative = path[len(rule.folder) :]
        if rule.depth and rule.depth != relative.rstrip("/").count("/") + 1:
            continue
        subject = name if rule.depth == 0 else relative
        if rule.pattern.match_file(subject.rstrip("/") if rule.only_inside else subject) is not None:
            return bool(rule.pattern.include)
    return False


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a relative, forward-slashed path, or a folder above it, matches one of a person's own patterns.

    A malformed pattern matches nothing, as in a ``.gitignore`` file.
    """
    sound = []
    for pattern in patterns:
        try:
            GitIgnoreSpec.from_lines([pattern])
        except ValueError:
            continue
        sound.append(pattern)
    spec = GitIgnoreSpec.from_lines(sound)
    return lambda path: bool(spec.match_file(path))


def slashed(path: Path) -> str:
    """The path with forward slashes on every platform."""
    return str(path).replace(os.sep, "/")


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists()  # a file in work trees and submodules


def _rules(folder: str, raw: bytes) -> Rules:
    rules = []
    for line in raw.decode("utf-8-sig", "surrogateescape").split("\n"):
        line = line.removesuffix("\r")
        if line.rstrip().endswith("/**/"):  # folders at any depth, and no file beside them
            line = f"{line.rstrip()}*/"
        try:
            (pattern,) = GitIgnoreSpec.from_lines([line]).patterns
        except ValueError:  # git, too, lets a malformed pattern match nothing
            continue
        if pattern.include is not None:  # neither blank nor a comment
            glob = line.rstrip().removeprefix("!").rstrip("/")
            rules.append(
                IgnoreRule(
                    folder=folder,
                    pattern=pattern,
                    depth=_depth(glob),
                    only_inside=glob.endswith("/**"),
                    only_folders=line.rstrip().endswith("/"),
                )
            )
    return tuple(rules)


def _depth(glob: str) -> int | None:
    if "/" not in glob.removeprefix("**/"):
        return 0
    return None if "**" in glob else glob.strip("/").count("/") + 1
