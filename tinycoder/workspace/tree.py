"""The Python files under the given paths that git would track, and what was left out on the way.

Walks and judges names; opens nothing but ``.gitignore`` files, and knows nothing of what the files say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder.errors import CorpusError
from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten, printable, true_path
from tinycoder.workspace import exclusions, hard_links, ignore
from tinycoder.workspace.text import Skipped

SUFFIXES = (".py", ".pyi")
FORGOTTEN = "forgotten (tinycoder forget)"  # a reason to leave a file out
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT: Windows' other kind of link to a folder


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A regular Python file: ``location`` on disk, ``path`` in the corpus, size on disk."""

    location: Path
    path: str
    n_bytes: int


@dataclass(frozen=True, kw_only=True)
class _Start:
    """A folder to begin at; with ``only``, that one file of it."""

    folder: Path
    only: str | None


@dataclass(frozen=True, kw_only=True)
class _Folder:
    location: Path
    path: str  # "" or with a slash at its end
    rules: ignore.Rules
    is_start: bool


def walk(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    forgotten: Forgotten = NOTHING_FORGOTTEN,
    importable: bool = False,
) -> tuple[list[SourceFile], list[Skipped]]:
    """Source files and left-out entries under ``paths`` (folders and Python files), both sorted by path.

    Paths are relative to the given folder (to its parent for a given file), after the folder's own name where
    there are several folders. What lies under two of the given paths is reported once, under the first. A
    left-out folder is not descended, so its size is given as 0. ``exclude`` are patterns as in ``.gitignore`` for
    files to leave out, relative to the given folder. What is ``forgotten`` is left out too. ``importable`` asks for
    what code imports rather than what is learnt from: vendored code and large files count too.

    Raises ``CorpusError`` for a path that does not exist or is not Python, and for one above which a
    ``.gitignore`` file cannot be read.
    """
    is_excluded = ignore.matcher(exclude)
    starts = list(dict.fromkeys(_start(path) for path in paths))
    labels = labels_of([start.folder for start in starts])
    files: dict[Path, SourceFile] = {}
    skipped: dict[Path, Skipped] = {}
    folders = [start.folder for start in starts]
    unknown_names: list[Path] = []
    for start in starts:
        label = labels[start.folder]
        trusts_links = start.only is not None or hard_links.may_be_linked(start.folder)
        for location, entry in _walk(start, label, folders, importable):
            if isinstance(entry, SourceFile) and is_excluded(entry.path.removeprefix(label)):
                entry = Skipped(path=entry.path, reason="excluded", n_bytes=entry.n_bytes)
            if isinstance(entry, SourceFile) and forgotten.holds(location):
                entry = Skipped(path=entry.path, reason=FORGOTTEN, n_bytes=entry.n_bytes)
            if isinstance(entry, SourceFile):
                if location not in files and not trusts_links:
                    unknown_names.append(location)
                files.setdefault(location, entry)
            else:
                skipped.setdefault(location, entry)
    for location in hard_links.names_outside(unknown_names, folders):
        file = files.pop(location)
        skipped[location] = Skipped(path=file.path, reason=hard_links.REASON, n_bytes=file.n_bytes)
    left_out = [entry for location, entry in skipped.items() if location not in files]
    return sorted(files.values(), key=lambda file: file.path), sorted(left_out, key=lambda entry: entry.path)


def _start(path: Path) -> _Start:
    location = true_path(path)
    try:
        location.stat()
    except OSError as error:
        raise CorpusError(f"{path}: {_why(error)}; give a folder or a Python file that exists") from None
    if location.is_dir():
        return _Start(folder=location, only=None)
    if not location.is_file() or not location.name.lower().endswith(SUFFIXES):
        raise CorpusError(f"{path} is not a Python file; give {' or '.join(SUFFIXES)} files, or folders")
    return _Start(folder=location.parent, only=location.name)


def labels_of(folders: Sequence[Path]) -> dict[Path, str]:
    """What the paths of each folder begin with: as much of the folder's end as tells it from the others.

    Folders are given by their true paths.
    """
    folders = list(dict.fromkeys(folders))
    if len(folders) == 1:
        return {folders[0]: ""}
    labels = {}
    for folder in folders:
        others = [other.parts for other in folders if other != folder]
        ends = [folder.parts[-n:] for n in range(1, len(folder.parts) + 1)]
        end = next(end for end in ends if all(other[-len(end) :] != end for other in others))
        label = ignore.slashed(Path(*end)).strip("/")
        labels[folder] = f"{label}/" if label else ""
    return labels


def _walk(
    start: _Start, label: str, roots: Sequence[Path], importable: bool
) -> Iterator[tuple[Path, SourceFile | Skipped]]:
    most_bytes = exclusions.MAX_IMPORTED_BYTES if importable else exclusions.MAX_BYTES
    try:
        rules = ignore.rules_above(start.folder)
    except OSError as error:
        raise CorpusError(f"{error.filename}: {_why(error)}; make it readable") from None
    pending = [_Folder(location=start.folder, path=label, rules=rules, is_start=True)]
    while pending:
        folder = pending.pop()
        try:
            entries = _entries(folder.location)
            inner = ignore.rules_in(folder.location, folder.rules)
        except OSError as error:
            what = "its .gitignore: " if str(error.filename).endswith((".gitignore", "exclude")) else ""
            reason = what + _why(error)
            yield folder.location, Skipped(path=folder.path or "./", reason=reason, n_bytes=0)
            continue
        if not folder.is_start:
            excluded = exclusions.folder_reason(folder.location.name, {entry.name for entry in entries})
            if excluded and not (importable and exclusions.is_vendored(folder.location.name, excluded)):
                yield folder.location, Skipped(path=folder.path, reason=excluded, n_bytes=0)
                continue
        for entry in entries:
            if start.only is None or _is_same(entry, start.folder / start.only):
                found = _judge(entry, folder, inner, roots, most_bytes)
                if isinstance(found, _Folder):
                    pending.append(found)
                elif found is not None:
                    yield Path(entry.path), found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_same(entry: os.DirEntry[str], file: Path) -> bool:
    """Whether the entry is ``file``, which may be spelt in other case where that makes no difference."""
    if entry.name == file.name:
        return True
    return entry.name.casefold() == file.name.casefold() and file.samefile(entry.path)


def _judge(
    entry: os.DirEntry[str], folder: _Folder, rules: ignore.Rules, roots: Sequence[Path], most_bytes: int
) -> _Folder | SourceFile | Skipped | None:
    path = folder.path + printable(entry.name)
    is_python = entry.name.lower().endswith(SUFFIXES)
    try:
        if _is_link(entry):
            is_folder = entry.is_dir()
            if not is_python and not is_folder:
                return None
            return Skipped(path=path + "/" * is_folder, reason=_link_reason(entry, roots), n_bytes=0)
        is_folder = entry.is_dir(follow_symlinks=False)
        n_bytes = 0 if is_folder else entry.stat(follow_symlinks=False).st_size
    except OSError as error:
        return Skipped(path=path, reason=_why(error), n_bytes=0) if is_python else None

    location = ignore.slashed(Path(entry.path)) + "/" * is_folder
    if is_folder:
        if ignore.is_ignored(location, rules):
            return Skipped(path=path + "/", reason="ignored by .gitignore", n_bytes=0)
        return _Folder(location=Path(entry.path), path=path + "/", rules=rules, is_start=False)
    reason = exclusions.name_reason(entry.name)
    if reason is None and not is_python:
        return None
    if reason is None and ignore.is_ignored(location, rules):
        reason = "ignored by .gitignore"
    if reason is None and not entry.is_file(follow_symlinks=False):
        reason = "not a regular file"
    if reason is None and n_bytes > most_bytes:
        reason = f"larger than {most_bytes / 1e6:.0f} MB"
    if reason is not None:
        return Skipped(path=path, reason=reason, n_bytes=n_bytes)
    return SourceFile(location=Path(entry.path), path=path, n_bytes=n_bytes)


def _is_link(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() or getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) == _JUNCTION


def _link_reason(entry: os.DirEntry[str], roots: Sequence[Path]) -> str:
    target = Path(os.path.realpath(entry.path))
    if not target.exists():
        return "dangling symlink"
    if any(target == root or root in target.parents for root in roots):
        return "symlink within the tree"
    return "symlink that leaves the tree"


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    return f"cannot be read ({error.strerror or type(error).__name__})"
