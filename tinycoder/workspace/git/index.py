"""Read which files a repository tracks from git's index (gitformat-index(5), versions 2 to 4).

Of a split index only the part that changes is read: the rest counts as untracked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tinycoder.workspace.git.files import read_own

MAX_BYTES = 200_000_000  # about two million files
SHA1, SHA256 = 20, 32  # bytes of a digest
_STAT = 40  # bytes in front of the digest
_MODE = 24
_GITLINK = 0o160000 >> 12
_FOLDER = 0o040000 >> 12
_KINDS = frozenset({_GITLINK, _FOLDER, 0o100000 >> 12, 0o120000 >> 12})  # also files and links
_EXTENDED = 0x40  # of the first byte of the flags


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """Paths from the root of a work tree: tracked ``files``, and ``folders`` that hold some or are submodules."""

    files: frozenset[str]
    folders: frozenset[str]

    def holds(self, path: str) -> bool:
        """Whether a file, or a folder if ``path`` ends in a slash, is tracked or holds what is."""
        return path[:-1] in self.folders if path.endswith("/") else path in self.files


NOTHING_TRACKED = Tracked(files=frozenset(), folders=frozenset())


def read_index(file: Path, digest: int) -> Tracked:
    """The paths that an index ``file`` lists, with digests of so many bytes.

    Nothing if it is missing, damaged or of another version.
    """
    try:
        return _parse(read_own(file, MAX_BYTES) or b"", digest)
    except (IndexError, ValueError):
        return NOTHING_TRACKED


def _parse(raw: bytes, digest: int) -> Tracked:
    """Raises ``ValueError`` or ``IndexError`` where ``raw`` is no index with digests of this size."""
    version, n_entries = int.from_bytes(raw[4:8]), int.from_bytes(raw[8:12])
    if raw[:4] != b"DIRC" or version not in (2, 3, 4):
        raise ValueError(version)
    files: set[str] = set()
    folders: set[str] = set()
    at, name = 12, b""
    for _ in range(n_entries):
        kind = raw[at + _MODE + 2] >> 4
        flags = at + _STAT + digest
        start = flags + (4 if raw[flags] & _EXTENDED else 2)
        if version == 4:
            n_dropped, start = _varint(raw, start)
            end = raw.index(0, start)
            name = name[: len(name) - n_dropped] + raw[start:end]
            at = end + 1
        else:
            end = raw.index(0, start)
            name = raw[start:end]
            at += (end - at) // 8 * 8 + 8  # padded with one to eight zeros
        if kind not in _KINDS:
            raise ValueError(kind)
        path = os.fsdecode(name)
        if kind == _GITLINK:
            folders.add(path)
        elif kind != _FOLDER:  # of a sparse index: nothing of it is on the disk
            files.add(path)
        slash = path.rfind("/")
        while slash > 0 and (folder := path[:slash]) not in folders:
            folders.add(folder)
            slash = path.rfind("/", 0, slash)
    if len(raw) - at < digest:
        raise ValueError("cut short")
    return Tracked(files=frozenset(files), folders=frozenset(folders))


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number as pack files have it (gitformat-pack(5), offset encoding), and its end."""
    value = raw[at] & 0x7F
    while raw[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (raw[at] & 0x7F)
    return value, at + 1
