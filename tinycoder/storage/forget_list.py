"""The list of files and folders to forget, kept under the home folder. Whatever reads code leaves them out."""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import filelock

from tinycoder.errors import ConfigError
from tinycoder.storage.atomic import make_folder, replace_text
from tinycoder.validate import DataError, parse

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
PATIENCE_S = 10.0  # for another process that changes the list


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """Sorted paths as ``true_path`` gives them. A folder means all that is below it."""

    paths: tuple[Path, ...] = ()

    def holds(self, location: Path) -> bool:
        """Whether the file or folder at this true path is one of them, or lies in one."""
        return bool(self.paths) and not {location, *location.parents}.isdisjoint(self.paths)

    def names(self, labels: Mapping[Path, str]) -> Callable[[str], bool]:
        """Whether a path of an index is forgotten; ``labels`` say how paths in each folder of it begin.

        Folders are given by their true paths.
        """
        starts = tuple(_names(self.paths, labels))
        return lambda path: any(path == start or path.startswith(start and f"{start}/") for start in starts)


NOTHING_FORGOTTEN = Forgotten()


@dataclass(frozen=True, kw_only=True)
class _File:
    format: Literal[1]
    paths: tuple[str, ...]

    def __post_init__(self) -> None:
        if not all(Path(path).is_absolute() for path in self.paths):
            raise ValueError("a path is not absolute")


def forgotten_file(home: Path) -> Path:
    """Where the list is kept."""
    return home / "forgotten.json"


def load_forgotten(home: Path) -> Forgotten:
    """The list, empty where there is no file. Raises ``ConfigError`` for a damaged one, since any path may be on it."""
    file = forgotten_file(home)
    try:
        return Forgotten(paths=tuple(sorted(map(Path, parse(_File, file.read_bytes()).paths))))
    except FileNotFoundError:
        return NOTHING_FORGOTTEN
    except OSError as error:
        raise ConfigError(f"{file}, the list of what to forget, cannot be read ({error.strerror}); {_REMEDY}") from None
    except DataError as error:
        raise ConfigError(f"{file}, the list of what to forget, is damaged; {_REMEDY} ({error})") from None


def stamp_of(home: Path) -> tuple[int, int, int] | None:
    """A cheap value that changes whenever the list does; None where there is no file."""
    try:
        stat = forgotten_file(home).stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def add_forgotten(home: Path, paths: Iterable[Path]) -> Forgotten:
    """Put true paths on the list and return it. Raises ``ConfigError``, and leaves a damaged list alone."""
    with _writing(home):
        known = load_forgotten(home)
        return _save(home, {*known.paths, *paths})


def drop_forgotten(home: Path, paths: Iterable[Path]) -> Forgotten:
    """Take true paths off the list and return it. Raises ``ConfigError`` for one that is not on it."""
    with _writing(home):
        known = load_forgotten(home)
        gone = set(paths)
        for path in sorted(gone - set(known.paths)):
            above = next((folder for folder in path.parents if folder in known.paths), None)
            way = f"it lies in {above}, undo that" if above else "`tinycoder forget --list` shows what is"
            raise ConfigError(f"{path} is not on the list of what to forget; {way}")
        return _save(home, set(known.paths) - gone)


def true_path(path: Path) -> Path:
    """The absolute path without links, spelt as the file system has it. The file need not exist any more."""
    real = Path(os.path.realpath(path))
    spelt = Path(real.anchor)
    for part in real.parts[1:]:
        spelt /= _spelt(spelt, part)
    return spelt


def digest_of(path: Path) -> str:
    """The digest of a true path, as training.json keeps it: it does not tell the path to others."""
    return hashlib.sha256(os.fsencode(path.as_posix())).hexdigest()[:16]


def printable(path: str) -> str:
    """A path on one line of valid Unicode: other bytes, which Linux allows, and control characters are escaped."""
    path = path.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), path)


_REMEDY = "put it right, or remove it to let everything be learnt again"


def _names(paths: Iterable[Path], labels: Mapping[Path, str]) -> Iterator[str]:
    """How the paths begin in an index of these folders; "" means all."""
    for path in paths:
        for folder, label in labels.items():
            if folder == path or path in folder.parents:
                yield label.rstrip("/")
            elif folder in path.parents:
                yield label + printable(path.relative_to(folder).as_posix())


def _save(home: Path, paths: set[Path]) -> Forgotten:
    kept = Forgotten(paths=tuple(sorted(paths)))
    data = {"format": 1, "paths": list(map(str, kept.paths))}
    try:
        replace_text(forgotten_file(home), json.dumps(data, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(f"cannot write {forgotten_file(home)} ({error.strerror}); nothing was changed") from None
    return kept


@contextmanager
def _writing(home: Path) -> Iterator[None]:
    """Hold the list's lock, so that no entry of another process is lost."""
    lock = filelock.FileLock(home / ".forgotten~lock", timeout=PATIENCE_S, mode=0o600)
    try:
        make_folder(home)
        lock.acquire()
    except filelock.Timeout:
        raise ConfigError(f"another process is changing {forgotten_file(home)}; try again") from None
    except OSError as error:
        raise ConfigError(f"cannot write to {home} ({error.strerror}); check who owns it") from None
    try:
        yield
    finally:
        lock.release()


def _spelt(folder: Path, name: str) -> str:
    """The name as the folder has it, where case or accents may be written in several ways."""
    if name.isascii() and not (name.swapcase() != name and os.path.lexists(folder / name.swapcase())):
        return name
    try:
        there = {entry.name for entry in folder.iterdir()}
        alike = [other for other in there if name not in there and _plain(other) == _plain(name)]
        return next((other for other in alike if (folder / other).samefile(folder / name)), name)
    except OSError:  # not there, or not to be looked at
        return name


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
