"""Find files of a tree that have another name outside it: such a hard link brings a foreign file into the tree.

Device and file numbers are compared. Windows gives them only for an open file, so nothing is checked there.
"""

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tinycoder.workspace.exclusions import is_installed

REASON = "hard link to outside the tree"

_Number = tuple[int, int]  # of a device, and of a file on it


def are_allowed(folder: Path) -> bool:
    """Whether hard links count as files of ``folder``: installers link packages from their cache."""
    return is_installed(folder.parts) or folder.is_relative_to(os.path.realpath(sysconfig.get_path("stdlib")))


def linked_outside(files: Iterable[Path], roots: Sequence[Path]) -> set[Path]:
    """Return those of the ``files`` that have names outside ``roots``; names inside may be of any kind."""
    if sys.platform == "win32":
        return set()
    linked: dict[_Number, list[Path]] = {}
    missing: dict[_Number, int] = {}  # names that were not seen yet
    for file in files:
        try:
            stat = file.lstat()
        except OSError:  # gone meanwhile
            continue
        if stat.st_nlink > 1:
            number = (stat.st_dev, stat.st_ino)
            linked.setdefault(number, []).append(file)
            missing[number] = stat.st_nlink
    if linked:
        for number in _numbers(roots, frozenset(number for _, number in linked)):
            if number in missing:
                missing[number] -= 1
    return {file for number, names in linked.items() if missing[number] > 0 for file in names}


def _numbers(roots: Sequence[Path], wanted: frozenset[int]) -> Iterator[_Number]:
    """Device and file number of each entry under ``roots`` whose file number is ``wanted``, once for each entry."""
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
