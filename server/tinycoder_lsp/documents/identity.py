"""Which document a URI means to the engine: one for each file, however it is reached, and one for each other text.

Editors also open texts that are no files of their own, such as ``git:/project/a.py``, an older text of ``a.py``.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

from tinycoder.storage.forget_list import true_path
from tinycoder_lsp.documents.positions import file_path, labels, place

_FILES = ("", "file", "untitled")
_CELL = "vscode-notebook-cell"  # of a notebook that the editor does not send as one


def is_view(uri: str) -> bool:
    """Whether a document shows a text that has its place elsewhere, or had it once.

    Those of another machine, as in ``vscode-vfs://github/x/a.py``, are documents in their own right.
    """
    scheme, host = _scheme_and_host(uri)
    return scheme not in (*_FILES, _CELL) and not host


def _scheme_and_host(uri: str) -> tuple[str, str]:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "", ""
    return ("" if len(parts.scheme) == 1 else parts.scheme), parts.netloc  # one letter is a drive of Windows


class Paths:
    """The path of each document, by which the engine knows it.

    Within the workspace it is that of the file there. Outside it is the file's name, with as many of the folders above
    as it takes to tell it from other documents. ``uris`` gives the open documents that have a path.
    """

    def __init__(self, uris: Callable[[str], Sequence[str]]) -> None:
        self._uris = uris
        self._outside: dict[str, str] = {}  # by file, or by URI where there is none

    def path(self, uri: str, folders: Sequence[Path]) -> str:
        """The path of a document, the same one until it is closed."""
        if is_view(uri) or _scheme_and_host(uri)[0] == _CELL:
            return unquote(uri)
        inside = place(uri, tuple(folders))
        if inside is not None:
            return "".join(inside)
        key = _key(uri)
        known = self._outside.get(key)
        if known is None or self._is_taken(known, key):
            parts = PurePath(key).parts if file_path(uri).is_absolute() else (file_path(uri).name,)
            names = (PurePath(*parts[-n:]).as_posix() for n in range(1, len(parts) + 1))
            free = (name for name in names if not self._is_taken(name, key) and not _is_file(name, folders))
            known = self._outside[key] = next(free, key)
        return known

    def closed(self, uri: str) -> None:
        """The document has no path any more."""
        self._outside.pop(_key(uri), None)

    def _is_taken(self, path: str, key: str) -> bool:
        return any(_key(uri) != key for uri in self._uris(path))


@lru_cache(maxsize=1024)
def _key(uri: str) -> str:
    """The same for all URIs of one file. URIs are told apart as the workspace of the editor does, without quotes."""
    path = file_path(uri)
    return str(true_path(path)) if path.is_absolute() else unquote(uri)


def _is_file(path: str, folders: Sequence[Path]) -> bool:
    """Whether a file of the workspace has this path."""
    by_label = labels(tuple(folders)).items()
    return any(path.startswith(label) and (folder / path.removeprefix(label)).exists() for folder, label in by_label)
