"""The files and folders that are to be forgotten: a list under the home folder that whatever reads code keeps to.

Knows paths and no contents. The list is small, written all at once, and read by its owner alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from tinycoder.errors import ConfigError
from tinycoder.storage.atomic import make_folder, replace_text

FORMAT_VERSION = 1
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
PATIENCE_S = 10.0  # for another process that changes the list


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """Places as ``true_path`` gives them, sorted. A folder stands for all that is below it."""

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


def forgotten_file(home: Path) -> Path:
    """Where the list is kept."""
    return home / "forgotten.json"


def load_forgotten(home: Path) -> Forgotten:
    """The list; nothing where there is none. Raises ``ConfigError`` for a damaged one: nobody knows what it held."""
    file = forgotten_file(home)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return Forgotten(paths=tuple(sorted(map(Path, _paths(data)))))
    except FileNotFoundError:
        return NOTHING_FORGOTTEN
    except OSError as error:
        raise ConfigError(f"{file}, the list of what to forget, cannot be read ({error.strerror}); {_REMEDY}") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigError(f"{file}, the list of what to forget, is damaged; {_REMEDY}") from None


def stamp_of(home: Path) -> tuple[int, int, int] | None:
    """What changes whenever the list does, at the cost of one look at the file; None where there is none."""
    try:
        stat = forgotten_file(home).stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def add_forgotten(home: Path, paths: Iterable[Path]) -> Forgotten:
    """Put true paths on the list; the list as it is then. Raises ``ConfigError``, and leaves a damaged list alone."""
    with _writing(home):
        known = load_forgotten(home)
        return _save(home, {*known.paths, *paths})


def drop_forgotten(home: Path, paths: Iterable[Path]) -> Forgotten:
    """Take true paths off the list; the list as it is then. Raises ``ConfigError`` for one that is not on it."""
    with _writing(home):
        known = load_forgotten(home)
        gone = set(paths)
        for path in sorted(gone - set(known.paths)):
            above = next((folder for folder in path.parents if folder in known.paths), None)
            way = f"it lies in {above}, undo that" if above else "`tinycoder forget --list` shows what is"
            raise ConfigError(f"{path} is not on the list of what to forget; {way}")
        return _save(home, set(known.paths) - gone)


def true_path(path: Path) -> Path:
    """The absolute path without links, spelt as the file system has it, also of what is not there any more."""
    place = Path(os.path.realpath(path))
    found = Path(place.anchor)
    for part in place.parts[1:]:
        found /= _spelt(found, part)
    return found


def digest_of(path: Path) -> str:
    """A name for a true path that does not tell it to others, as training.json keeps it."""
    return hashlib.sha256(os.fsencode(path.as_posix())).hexdigest()[:16]


def printable(path: str) -> str:
    """A path with what is no Unicode (a Linux name is any bytes) and what would break a line spelt out."""
    path = path.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), path)


_REMEDY = "put it right, or remove it to let everything be learnt again"


def _paths(data: Any) -> list[str]:
    paths = data["paths"]
    if data["format"] != FORMAT_VERSION or not all(
        isinstance(path, str) and Path(path).is_absolute() for path in paths
    ):
        raise ValueError("not a list of absolute paths")
    return list(paths)


def _names(paths: Iterable[Path], labels: Mapping[Path, str]) -> Iterator[str]:
    """How the paths begin in an index of these folders; "" stands for all."""
    for path in paths:
        for folder, label in labels.items():
            if folder == path or path in folder.parents:
                yield label.rstrip("/")
            elif folder in path.parents:
                yield label + printable(path.relative_to(folder).as_posix())


def _save(home: Path, paths: set[Path]) -> Forgotten:
    kept = Forgotten(paths=tuple(sorted(paths)))
    data = {"format": FORMAT_VERSION, "paths": list(map(str, kept.paths))}
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
    """The name as it stands in the folder, where case or accents may be written in several ways."""
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
