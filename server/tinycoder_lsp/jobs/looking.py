"""Find out which Python files have changed on the disk, for clients that do not say it.

A look compares times: of the folders, and of the files in them. Only a folder with another time is listed again.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tinycoder.workspace.exclusions import folder_reason
from tinycoder_lsp.jobs.background import Background

MAX_FOLDERS = 20_000  # that are looked at
_SUFFIXES = (".py", ".pyi")


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """A folder as it was listed at a time: the paths of the folders and Python files in it."""

    time_ns: int
    folders: tuple[str, ...]
    files: tuple[str, ...]


@dataclass
class Times:
    """The times of the folders and Python files under some folders. Links are not followed."""

    roots: tuple[str, ...]
    _folders: dict[str, _Folder] = field(default_factory=dict)
    _files: dict[str, tuple[int, int]] | None = None

    def changed(self) -> list[Path]:
        """The Python files that were changed, made or removed since the last look; at the first look none."""
        folders: dict[str, _Folder] = {}
        files: dict[str, tuple[int, int]] = {}
        pending = list(self.roots)
        while pending and len(folders) < MAX_FOLDERS:
            path = pending.pop()
            try:
                folders[path] = folder = self._listed(path)
            except OSError:  # removed, or not to be looked at
                continue
            pending += folder.folders
            for file in folder.files:
                try:
                    status = os.stat(file)  # noqa: PTH116 - a Path for each file would take longer than this
                except OSError:
                    continue
                files[file] = status.st_mtime_ns, status.st_size
        before, self._folders, self._files = self._files, folders, files
        if before is None:
            return []
        return [Path(path) for path in sorted(before.keys() | files.keys()) if before.get(path) != files.get(path)]

    def _listed(self, path: str) -> _Folder:
        time_ns = os.stat(path).st_mtime_ns  # noqa: PTH116 - as above
        known = self._folders.get(path)
        if known is not None and known.time_ns == time_ns:
            return known
        with os.scandir(path) as listing:
            entries = list(listing)
        names = {entry.name for entry in entries}
        if path not in self.roots and folder_reason(os.path.basename(path), names):  # noqa: PTH119
            return _Folder(time_ns=time_ns, folders=(), files=())
        folders = tuple(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        files = tuple(entry.path for entry in entries if entry.name.lower().endswith(_SUFFIXES))
        return _Folder(time_ns=time_ns, folders=folders, files=files)


class Looking:
    """Looks for changed files in the background, one look at a time. ``on_change`` gets them.

    All methods are called from the event loop's thread.
    """

    def __init__(self, background: Background, on_change: Callable[[list[Path]], object]) -> None:
        self.is_needed = True  # unless the client says which files change
        self._background = background
        self._on_change = on_change
        self._times = Times(())
        self._looks = False

    def want(self, folders: Sequence[Path]) -> None:
        """Look at these folders from now on, and remember how they are now."""
        roots = tuple(map(str, folders))
        if roots != self._times.roots:
            self._times = Times(roots)
            self.look()

    def look(self) -> None:
        """Look whether anything has changed, unless that is under way or not needed."""
        if self.is_needed and self._times.roots and not self._looks:
            self._looks = True
            self._background.start("looking for changed files", self._look())

    async def _look(self) -> None:
        times = self._times
        try:
            changed = await asyncio.to_thread(times.changed)
        finally:
            self._looks = False
        if times is not self._times:
            self.look()  # at the folders that are wanted by now
        elif changed:
            self._on_change(changed)
