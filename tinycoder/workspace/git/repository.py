"""Tell a repository from a leftover ``.git``, and find where its data lies.

git need not be installed and is never started: a repository's configuration can name programs to run.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tinycoder.workspace.git.files import read_own
from tinycoder.workspace.git.index import SHA1, SHA256, Tracked, read_index

GIT = ".git"
_HEAD = re.compile(rb"ref:\s*refs/|[0-9a-f]{40}")
_SHA256 = re.compile(rb"^[ \t]*objectformat[ \t]*=[ \t]*sha256", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The work tree at ``root``: the folder of its own data, and the one that it shares with linked work trees."""

    root: Path
    own: Path
    common: Path

    @cached_property
    def tracked(self) -> Tracked:
        """The files that are tracked; nothing if the index cannot be read."""
        settings = read_own(self.common / "config") or b""
        return read_index(self.own / "index", SHA256 if _SHA256.search(settings) else SHA1)


def repository_at(folder: Path) -> Repository | None:
    """The repository whose root is ``folder``; ``None`` also for a ``.git`` that git itself would not accept."""
    mark = folder / GIT
    own = _linked(mark) if os.path.isfile(mark) else mark  # noqa: PTH113 - does not raise
    if own is None or not _is_head(own / "HEAD"):
        return None
    shared = read_own(own / "commondir")
    common = own if shared is None else own / os.fsdecode(shared.rstrip(b"\r\n"))
    if not all(os.path.isdir(common / part) for part in ("objects", "refs")):  # noqa: PTH112
        return None
    return Repository(root=folder, own=own, common=common)


def is_marked(folder: Path) -> bool:
    """Whether ``folder`` has a ``.git`` of any kind."""
    return os.path.lexists(folder / GIT)


def _linked(mark: Path) -> Path | None:
    """The folder that a ``.git`` file names, as in linked work trees and submodules."""
    said = read_own(mark) or b""
    if not said.startswith(b"gitdir: "):
        return None
    return mark.parent / os.fsdecode(said.removeprefix(b"gitdir: ").rstrip(b"\r\n"))


def _is_head(file: Path) -> bool:
    if os.path.islink(file):  # noqa: PTH114 - does not raise; as old versions of git made it
        return os.fspath(file.readlink()).startswith("refs/")
    return _HEAD.match(read_own(file) or b"") is not None
