"""Files of a tree that have another name outside it: a hard link lets a file of somewhere else look like one of these.

Knows device and file numbers, and nothing of what files say. On Windows, where the numbers cost an open file each,
nothing is looked for.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tinycoder.workspace.exclusions import is_installed

REASON = "hard link to outside the tree"

_Number = tuple[int, int]  # of a device, and of a file on it


def may_be_linked(folder: Path) -> bool:
    """Whether hard links are as good as files in ``folder``: installers link packages from a cache of theirs."""
    return is_installed(folder.parts) or folder.is_relative_to(os.path.realpath(sysconfig.get_path("stdlib")))


def names_outside(files: Iterable[Path], roots: Sequence[Path]) -> set[Path]:
    """Those of the ``files`` that have more names than lie under ``roots``, whatever these are called."""
    if sys.platform == "win32":
        return set()
    linked: dict[_Number, list[Path]] = {}
    n_names: dict[_Number, int] = {}
    for file in files:
        try:
            stat = file.lstat()
        except OSError:  # gone meanwhile
            continue
        if stat.st_nlink > 1:
            number = (stat.st_dev, stat.st_ino)
            linked.setdefault(number, []).append(file)
            n_names[number] = stat.st_nlink
    if not linked:
        return set()
    inside = Counter(_numbers(roots, frozenset(number for _, number in linked)))
    return {file for number, names in linked.items() if inside[number] < n_names[number] for file in names}


def _numbers(roots: Sequence[Path], wanted: frozenset[int]) -> Iterator[_Number]:
    """Device and number of each entry under ``roots`` whose number is ``wanted``; each entry once."""
    pending = [root for root in roots if not any(other in root.parents for other in roots)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    elif entry.inode() in wanted:
                        yield entry.stat(follow_symlinks=False).st_dev, entry.inode()
        except OSError:  # names that cannot be seen count as outside
            continue
