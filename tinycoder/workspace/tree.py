"""Find the Python files under given paths that git would track, and say what is left out and why.

Only git's own files and ``pyproject.toml`` are opened; everything else is judged by its name, kind and size.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tinycoder.errors import CorpusError
from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten, printable, true_path
from tinycoder.workspace import exclusions, hard_links, ignore
from tinycoder.workspace.project_file import project_file
from tinycoder.workspace.text import Skipped, unreadable

SUFFIXES = (".py", ".pyi")
FORGOTTEN = "forgotten (tinycoder forget)"  # reasons to leave a file out
IGNORED = "ignored by git"
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT: Windows' other kind of link to a folder


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A regular Python file: its ``location`` on disk, its forward-slashed ``path`` in the corpus, its size."""

    location: Path
    path: str
    n_bytes: int

    def skipped(self, reason: str) -> Skipped:
        """The record that leaves this file out."""
        return Skipped(path=self.path, reason=reason, n_bytes=self.n_bytes)


class _Start(NamedTuple):
    """A folder to walk; with ``only``, that one file in it or below it."""

    folder: Path
    only: Path | None


class _Folder(NamedTuple):
    location: Path
    path: str  # "" or with a slash at its end
    rules: ignore.Rules  # those of the folders above


def walk(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    forgotten: Forgotten = NOTHING_FORGOTTEN,
    importable: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> tuple[list[SourceFile], list[Skipped]]:
    """Return the source files and the left-out entries under ``paths`` (folders and Python files), sorted by path.

    Paths are relative to the given folder (to its parent for a given file), after a label where there are several
    folders (``labels_of``). An entry under two of the given paths is reported once, under the first. A left-out
    folder is not descended, and its size is 0. Files that match ``exclude``, patterns as in ``.gitignore`` relative
    to the given folder, those that the project's ``pyproject.toml`` excludes, and ``forgotten`` files are left out.
    ``importable`` also takes what code can import but is not learnt from: vendored code and larger files. The variables
    ``environ`` say where git's configuration lies.

    Raises ``CorpusError`` for a path that does not exist or is not Python, and if a ``.gitignore`` file above a
    path cannot be read.
    """
    starts = list(dict.fromkeys(_start(path) for path in paths))
    return _walk_all(starts, exclude, forgotten, importable, environ)


def walk_to(
    file: Path,
    folder: Path,
    *,
    exclude: Sequence[str] = (),
    forgotten: Forgotten = NOTHING_FORGOTTEN,
    environ: Mapping[str, str] = os.environ,
) -> SourceFile | Skipped | None:
    """Return what a walk of ``folder`` says of one ``file`` below it, or of the folder with which it is left out.

    ``None`` for a file that is not below it, is not there, or is not Python. Raises as ``walk`` does.
    """
    root, location = true_path(folder), true_path(file)
    if root not in location.parents:
        return None
    files, left_out = _walk_all([_Start(root, location)], exclude, forgotten, False, environ)
    found: list[SourceFile | Skipped] = [*files, *left_out]
    return found[0] if found else None


def _walk_all(
    starts: Sequence[_Start],
    exclude: Sequence[str],
    forgotten: Forgotten,
    importable: bool,
    environ: Mapping[str, str],
) -> tuple[list[SourceFile], list[Skipped]]:
    is_excluded = ignore.matcher(exclude)
    labels = labels_of([start.folder for start in starts])
    files: dict[Path, SourceFile] = {}
    skipped: dict[Path, Skipped] = {}
    folders = [start.folder for start in starts]
    to_check: list[Path] = []
    for start in starts:
        label, project = labels[start.folder], project_file(start.folder)
        allows_links = start.only is not None or hard_links.are_allowed(start.folder)
        for location, entry in _walk(start, label, folders, importable, environ):
            if isinstance(entry, SourceFile) and is_excluded(entry.path.removeprefix(label)):
                entry = entry.skipped("excluded")
            if isinstance(entry, SourceFile) and project is not None and project.excludes(location):
                entry = entry.skipped(f"excluded by {project.file.name}")
            if isinstance(entry, SourceFile) and forgotten.holds(location):
                entry = entry.skipped(FORGOTTEN)
            if isinstance(entry, Skipped):
                skipped.setdefault(location, entry)
            elif location not in files:
                files[location] = entry
                if not allows_links:
                    to_check.append(location)
    for location in hard_links.linked_outside(to_check, folders):
        skipped[location] = files.pop(location).skipped(hard_links.REASON)
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
    return _Start(folder=location.parent, only=location)


def labels_of(folders: Sequence[Path]) -> dict[Path, str]:
    """Return the prefix of each folder's paths: the shortest end of its true path that no other folder shares."""
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
    start: _Start, label: str, roots: Sequence[Path], importable: bool, environ: Mapping[str, str]
) -> Iterator[tuple[Path, SourceFile | Skipped]]:
    max_bytes = exclusions.MAX_IMPORTED_BYTES if importable else exclusions.MAX_BYTES
    try:
        rules = ignore.rules_above(start.folder, environ)
    except OSError as error:
        raise CorpusError(f"{error.filename}: {_why(error)}; make it readable") from None
    pending = [_Folder(location=start.folder, path=label, rules=rules)]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(folder.location), key=lambda entry: entry.name)
            inner = ignore.rules_in(folder.location, folder.rules, environ)
        except OSError as error:
            file = Path(error.filename)
            what = "" if file == folder.location else f"its {printable(file.name)}: "
            yield folder.location, Skipped(path=folder.path or "./", reason=what + _why(error), n_bytes=0)
            continue
        if folder.location != start.folder:
            reason = exclusions.folder_reason(folder.location.name, {entry.name for entry in entries})
            if reason and not (importable and exclusions.is_vendored(folder.location.name, reason)):
                yield folder.location, Skipped(path=folder.path, reason=reason, n_bytes=0)
                continue
        for entry in entries:
            if start.only is None or Path(entry.path) in start.only.parents or _is_same(entry, start.only):
                judged = _judge(entry, folder.path, inner, roots, max_bytes)
                if isinstance(judged, _Folder):
                    pending.append(judged)
                elif judged is not None:
                    yield Path(entry.path), judged


def _is_same(entry: os.DirEntry[str], file: Path) -> bool:
    """Whether the entry is ``file``, perhaps in other case on a file system that ignores case."""
    return entry.name == file.name or (entry.name.casefold() == file.name.casefold() and file.samefile(entry.path))


def _judge(
    entry: os.DirEntry[str], parent: str, rules: ignore.Rules, roots: Sequence[Path], max_bytes: int
) -> _Folder | SourceFile | Skipped | None:
    """A folder to walk, a source file, or a left-out entry; ``None`` for other files, which are not reported."""
    path = parent + printable(entry.name)
    try:
        if _is_link(entry):
            return _link(entry, path, roots)
        if entry.is_dir(follow_symlinks=False):
            below = ignore.rules_below(f"{ignore.slashed(Path(entry.path))}/", rules)
            if below is None:
                return Skipped(path=f"{path}/", reason=IGNORED, n_bytes=0)
            return _Folder(location=Path(entry.path), path=f"{path}/", rules=below)
        n_bytes = entry.stat(follow_symlinks=False).st_size
    except OSError as error:
        return Skipped(path=path, reason=_why(error), n_bytes=0) if _is_python(entry) else None
    if reason := _file_reason(entry, n_bytes, rules, max_bytes):
        return Skipped(path=path, reason=reason, n_bytes=n_bytes)
    return SourceFile(location=Path(entry.path), path=path, n_bytes=n_bytes) if _is_python(entry) else None


def _file_reason(entry: os.DirEntry[str], n_bytes: int, rules: ignore.Rules, max_bytes: int) -> str | None:
    """Why a file is left out. Of files other than Python only keys and credentials have a reason."""
    reason = exclusions.name_reason(entry.name)
    if reason or not _is_python(entry):
        return reason
    if ignore.is_ignored(ignore.slashed(Path(entry.path)), rules):
        return IGNORED
    if not entry.is_file(follow_symlinks=False):
        return "not a regular file"
    return f"larger than {max_bytes / 1e6:.0f} MB" if n_bytes > max_bytes else None


def _is_python(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(SUFFIXES)


def _is_link(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() or getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) == _JUNCTION


def _link(entry: os.DirEntry[str], path: str, roots: Sequence[Path]) -> Skipped | None:
    """The reason why a link is left out; ``None`` for one to a file that is not Python."""
    is_folder = entry.is_dir()
    if not is_folder and not _is_python(entry):
        return None
    target = Path(os.path.realpath(entry.path))
    if not target.exists():
        reason = "dangling symlink"
    elif any(target.is_relative_to(root) for root in roots):
        reason = "symlink within the tree"
    else:
        reason = "symlink that leaves the tree"
    return Skipped(path=path + "/" * is_folder, reason=reason, n_bytes=0)


def _why(error: OSError) -> str:
    return "does not exist" if isinstance(error, FileNotFoundError) else unreadable(error)
