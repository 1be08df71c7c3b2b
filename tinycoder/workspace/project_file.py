"""The table ``[tool.tinycoder]`` of a ``pyproject.toml``: what the people who work on a project share.

It is read as text, each time it has changed. What its keys mean is said elsewhere, but for ``exclude``.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from tinycoder.validate import DataError, read
from tinycoder.workspace import ignore

NAME = "pyproject.toml"
TABLE = "tool.tinycoder"
MAX_BYTES = 1_000_000
_last: dict[Path, Mapping[str, Any]] = {}  # by file: the table as it was last read


@dataclass(frozen=True, kw_only=True)
class ProjectFile:
    """A ``file`` that has the table.

    ``problem`` is a sentence where it cannot be read. The table is then the last that this process has read: people
    save a file that they are in the middle of, and what it excludes stays out.
    """

    file: Path
    table: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @cached_property
    def exclude(self) -> tuple[str, ...]:
        """Patterns as in ``.gitignore``, relative to the file's folder; none where they are not a list of texts."""
        try:
            return read(tuple[str, ...], self.table.get("exclude", ()))
        except DataError:
            return ()

    def excludes(self, location: Path) -> bool:
        """Whether the project leaves out the file at this true path, which may lie elsewhere."""
        folder = self.file.parent
        if not self.exclude or not location.is_relative_to(folder):
            return False
        return self._matches(location.relative_to(folder).as_posix())

    @cached_property
    def _matches(self) -> Callable[[str], bool]:
        return ignore.matcher(self.exclude)


def project_file(folder: Path) -> ProjectFile | None:
    """The nearest file with the table, for the true path of a folder: its own, or one above in its repository."""
    above = [folder]
    for upper in (folder, *folder.parents):
        above += [upper] if upper != folder else []
        if (upper / ".git").exists():
            break
    else:
        above = [folder]  # without a repository, folders above belong to others
    return next((found for each in above if (found := _file_in(each)) is not None), None)


def project_files(folders: Sequence[Path]) -> tuple[ProjectFile, ...]:
    """Those of several folders, each once."""
    found = {file.file: file for folder in folders if (file := project_file(folder)) is not None}
    return tuple(found.values())


def _file_in(folder: Path) -> ProjectFile | None:
    file = folder / NAME
    try:
        stat = file.stat()
        return _parsed(file, (stat.st_mtime_ns, stat.st_size, stat.st_ino)) if file.is_file() else None
    except OSError:  # there is none, or none that could be read
        return None


@lru_cache(maxsize=64)
def _parsed(file: Path, stamp: tuple[int, int, int]) -> ProjectFile | None:
    """The file as it is at the time of ``stamp``; None if it says nothing of us."""
    if stamp[1] > MAX_BYTES:
        return None
    raw = file.read_bytes()
    if b"tinycoder" not in raw:  # also where it is no TOML: that is not ours to say
        return None
    try:
        tool = tomllib.loads(raw.decode("utf-8-sig")).get("tool")
    except (ValueError, RecursionError) as error:
        return ProjectFile(file=file, table=_last.get(file, {}), problem=f"it is not TOML ({error})")
    table = tool.get("tinycoder") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        return ProjectFile(file=file, table=_last.get(file, {}), problem=f"{TABLE} is not a table")
    _last[file] = table or {}
    return None if table is None else ProjectFile(file=file, table=table)
