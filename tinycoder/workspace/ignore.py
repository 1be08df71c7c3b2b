"""Collect the rules by which git ignores the entries of a folder, and say which entries they are.

The rules lie in ``.gitignore`` files, in the repository's ``info/exclude``, and in the file that the person's own
configuration of git names (``core.excludesFile``). What the repository tracks is not ignored. git need not be
installed and is never started; where there is no repository, the ``.gitignore`` files count.
"""

import codecs
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinycoder.workspace.git.config import Config, settings_folder
from tinycoder.workspace.git.files import read_rules
from tinycoder.workspace.git.repository import GIT, Repository, is_marked, repository_at
from tinycoder.workspace.glob import Glob, parse


@dataclass(frozen=True, kw_only=True)
class IgnoreRule:
    """One pattern that holds below ``folder``, an absolute path with forward slashes and one at its end."""

    folder: str
    glob: Glob


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What holds in a folder: the last of the ``lines`` that matches decides.

    ``everything`` is ignored inside of an ignored folder, whatever the lines there say. What ``repository`` tracks is
    not ignored.
    """

    lines: tuple[IgnoreRule, ...] = ()
    repository: Repository | None = None
    everything: bool = False


NO_RULES = Rules()


def rules_above(folder: Path, environ: Mapping[str, str]) -> Rules:
    """Return the rules of the folders above the absolute path ``folder``, up to the root of its repository.

    ``environ`` says where git's own configuration lies. There are none without a repository, nor when they ignore
    ``folder`` itself: whoever names an ignored folder means its contents. A ``.git`` that git would not accept is the
    root only where there is no other. Raises ``OSError`` for a file that cannot be read.
    """
    chain = (folder, *folder.parents)
    root = next((each for each in chain if repository_at(each)), None) or next(filter(is_marked, chain), folder)
    rules, upper = NO_RULES, root
    for part in folder.relative_to(root).parts:
        rules = rules_in(upper, rules, environ)
        upper = upper / part
        if _is_matched(f"{slashed(upper)}/", rules):
            return NO_RULES
    return rules


def rules_in(folder: Path, above: Rules, environ: Mapping[str, str]) -> Rules:
    """Return the rules for the entries of ``folder``, given the rules ``above`` it.

    The root of a repository, even within another, drops the rules above. Raises ``OSError`` for a file that cannot
    be read.
    """
    texts: list[bytes] = []
    if is_marked(folder):
        if repository := repository_at(folder):
            above = Rules(repository=repository)
            texts = [_of_person(repository, environ), read_rules(repository.common / "info" / "exclude", follow=True)]
        elif above.repository is None:  # damaged, or left over
            texts = [read_rules(folder / GIT / "info" / "exclude", follow=True)]
    texts.append(read_rules(folder / ".gitignore"))
    base = slashed(folder).rstrip("/") + "/"
    lines = [rule for text in texts if text for rule in _rules(base, _lines(text))]
    return replace(above, lines=(*above.lines, *lines)) if lines else above


def is_ignored(path: str, rules: Rules) -> bool:
    """Whether ``rules`` ignore the absolute, forward-slashed ``path`` of a file.

    The caller has checked the folders above ``path``.
    """
    return (rules.everything or _is_matched(path, rules)) and not _is_tracked(path, rules)


def rules_below(folder: str, rules: Rules) -> Rules | None:
    """The ``rules`` for a folder's own files; ``None`` if they ignore the absolute ``folder``, which ends in ``/``.

    Of an ignored folder that holds tracked files only those count. The caller has checked the folders above.
    """
    if not (rules.everything or _is_matched(folder, rules)):
        return rules
    return replace(rules, everything=True) if _is_tracked(folder, rules) else None


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a test of whether a relative, forward-slashed path, or a folder above it, matches one of ``patterns``.

    A malformed pattern matches nothing, as in a ``.gitignore`` file.
    """
    rules = Rules(lines=_rules("", map(os.fsencode, patterns)))

    def matches(path: str) -> bool:
        ends = [i + 1 for i, character in enumerate(path) if character == "/"]
        return any(_is_matched(path[:end], rules) for end in (*ends, len(path)))

    return matches


def slashed(path: Path) -> str:
    """The path with forward slashes on every platform."""
    return str(path).replace(os.sep, "/")


def _is_matched(path: str, rules: Rules) -> bool:
    bare = path.rstrip("/")
    for rule in reversed(rules.lines):
        if rule.glob.only_folders and bare == path:
            continue
        if rule.glob.matches(os.fsencode(bare[len(rule.folder) :])):
            return not rule.glob.includes
    return False


def _is_tracked(path: str, rules: Rules) -> bool:
    if rules.repository is None:
        return False
    return rules.repository.tracked.holds(path[len(slashed(rules.repository.root).rstrip("/")) + 1 :])


def _of_person(repository: Repository, environ: Mapping[str, str]) -> bytes:
    """What is in the file that ``core.excludesFile`` names, or in git's own folder for it."""
    config = Config(repository, environ)
    named = config.last("core", "excludesfile")
    if named is not None:
        file = config.path(named, repository.root)
    else:
        folder = settings_folder(environ)
        file = folder / "ignore" if folder else None
    try:
        return read_rules(file, follow=True) if file else b""
    except (PermissionError, ValueError):  # another user's home; no path at all
        return b""


def _lines(text: bytes) -> Iterable[bytes]:
    return (line.removesuffix(b"\r") for line in text.removeprefix(codecs.BOM_UTF8).split(b"\n"))


def _rules(folder: str, lines: Iterable[bytes]) -> tuple[IgnoreRule, ...]:
    return tuple(IgnoreRule(folder=folder, glob=glob) for line in lines if (glob := parse(line)))
