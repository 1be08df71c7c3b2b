"""The sorted texts of a workspace as one file, so that they need not be read again. Knows no folders and no secrets.

The file is a cache: whatever is wrong with it, it is made anew. It holds the ids of the texts and their order as
safetensors, and what is known of each source file as JSON in the header.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tinycoder import __version__
from tinycoder.errors import ConfigError
from tinycoder.memory.suffix_index import MAX_MATCH, NO_ID, TokenCorpus, Workspace, token_corpus
from tinycoder.storage.atomic import make_folder
from tinycoder.storage.forget_list import Forgotten
from tinycoder.symbols.symbol_file import SUFFIX as SYMBOLS
from tinycoder.symbols.symbol_file import SymbolFile
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer

FORMAT_VERSION = 2
STALE = 3600  # seconds after which a file that was being written is taken for what a crash left
_DTYPES = {"ids": ("U16", "I32"), "order": ("I32",)}


@dataclass(frozen=True, kw_only=True)
class IndexedFile:
    """A source file as it was read: ``start`` is where it begins on the shelf, None where it was left out.

    ``digest`` is that of its text (hexadecimal), empty where there was no text to use.
    """

    path: str
    n_bytes: int
    mtime_ns: int
    digest: str
    start: int | None


@dataclass(frozen=True, kw_only=True)
class Index:
    """Texts with the order of their places (see ``Workspace``), and the files they came from, sorted by path.

    ``folders`` are true paths, each with what the paths of its files begin with.
    """

    tokenizer_digest: str
    vocab_size: int
    files: tuple[IndexedFile, ...]
    corpus: TokenCorpus
    order: Array
    folders: tuple[tuple[str, str], ...] = ()


def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """What tells one tokenizer from another: SHA-256 of its JSON, hexadecimal."""
    return hashlib.sha256(tokenizer.to_json().encode("utf-8")).hexdigest()


def save_index(file: Path, index: Index) -> None:
    """Write ``file`` all at once: whoever reads it finds the old index or this one.

    Raises ``OSError`` if the disk refuses; what was there is kept.
    """
    ids = index.corpus.ids[MAX_MATCH:].astype(np.uint16 if index.vocab_size <= 2**16 else np.int32)
    arrays: dict[str, Array] = {"ids": ids, "order": index.order.astype(np.int32, copy=False)}
    metadata = json.dumps(
        {
            "format": FORMAT_VERSION,
            "made_by": __version__,  # another version may read files, and hide secrets, in another way
            "tokenizer": index.tokenizer_digest,
            "vocab_size": index.vocab_size,
            "folders": index.folders,
            "files": [[f.path, f.n_bytes, f.mtime_ns, f.digest, f.start] for f in index.files],
        }
    )
    make_folder(file.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}~", dir=file.parent)  # readable by its owner alone
    os.close(descriptor)
    new = Path(name)
    try:
        save_file(arrays, new, metadata={"facts": metadata, "checksum": _checksum(metadata, arrays)})
        with new.open("rb+") as written:
            os.fsync(written.fileno())
        _remove_left(file, new)
        new.replace(file)
    except SafetensorError as error:
        raise OSError(str(error)) from None
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def load_index(file: Path, *, tokenizer_digest: str | None = None, vocab_size: int | None = None) -> Index | None:
    """What ``save_index`` wrote; None where there is nothing, or nothing that can be trusted and used.

    ``vocab_size`` bounds the ids; an index of any tokenizer is taken where none is given. Nothing is allocated before
    the header was found to fit the size of the file.
    """
    try:
        with safe_open(file, framework="numpy") as stored:
            header = stored.metadata() or {}
            metadata = json.loads(header["facts"])
            wanted = {"format": FORMAT_VERSION, "made_by": __version__}
            tokenizer_digest, vocab_size = (
                tokenizer_digest or metadata["tokenizer"],
                vocab_size or metadata["vocab_size"],
            )
            if not (isinstance(tokenizer_digest, str) and isinstance(vocab_size, int)):
                return None
            wanted |= {"tokenizer": tokenizer_digest, "vocab_size": vocab_size}
            if {name: metadata[name] for name in wanted} != wanted:
                return None
            files = tuple(map(_file, metadata["files"]))
            folders = tuple(map(_folder, metadata["folders"]))
            arrays = {name: _array(stored, name) for name in _DTYPES}
        if header["checksum"] != _checksum(header["facts"], arrays):
            return None
        ids, order = arrays["ids"], arrays["order"]
        starts = _starts(files, len(ids))
        _check_range(ids, len(ids), vocab_size)
        _check_range(order, len(ids), len(ids))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError):
        return None
    padded = np.concatenate([np.full(MAX_MATCH, NO_ID, np.int32), ids], dtype=np.int32)
    paths = tuple(file.path for file in files if file.start is not None)
    return Index(
        tokenizer_digest=tokenizer_digest,
        vocab_size=vocab_size,
        files=files,
        corpus=TokenCorpus(padded, padded.copy(), paths, starts),
        order=order,
        folders=folders,
    )


def purge_indexes(folder: Path, forgotten: Forgotten) -> dict[Path, list[str]]:
    """Take what is forgotten out of every index in ``folder``; the paths that went, by index.

    What cannot be read, and what a crash or a running process has half written, is removed: it is made anew. So are
    the files of symbols, which cost little. Raises ``ConfigError`` if the disk refuses.
    """
    gone: dict[Path, list[str]] = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        half_written = file.name.startswith(".") and ".safetensors~" in file.name
        try:
            if file.name.endswith(SYMBOLS):
                _empty(file)
            elif half_written or SYMBOLS in file.name:
                file.unlink(missing_ok=True)
            elif file.suffix == ".safetensors":
                gone[file] = _purge(file, forgotten)
        except OSError as error:
            raise ConfigError(f"cannot take out of {file} what is forgotten ({error.strerror}); remove it") from None
    return {file: paths for file, paths in gone.items() if paths}


def _empty(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except PermissionError:  # Windows, while a server has it open
        symbols = SymbolFile(file)
        symbols.remove(symbols.load())
        symbols.close()


def _purge(file: Path, forgotten: Forgotten) -> list[str]:
    """The index's paths that are forgotten; it is written again without them."""
    index = load_index(file)
    if index is None:
        file.unlink()
        return []
    is_gone = forgotten.names({Path(path): label for path, label in index.folders})
    gone = [known.path for known in index.files if is_gone(known.path)]
    if not any(Path(path).is_dir() for path, _ in index.folders):
        file.unlink()  # the workspace is gone, or has another name now, by which the path may be named
    elif gone:
        old = index.corpus
        ends = (*old.starts, len(old.ids) - 1)[1:]
        texts = zip(old.paths, old.starts, ends, strict=True)
        kept = [(path, old.ids[start + 1 : end]) for path, start, end in texts if not is_gone(path)]
        corpus = token_corpus(kept, separator=int(old.ids[-1]))
        starts = dict(zip(corpus.paths, corpus.starts, strict=True))
        files = tuple(replace(known, start=starts.get(known.path)) for known in index.files if not is_gone(known.path))
        save_index(file, replace(index, files=files, corpus=corpus, order=Workspace(corpus).order))
    return gone


def _checksum(metadata: str, arrays: dict[str, Array]) -> str:
    checksum = hashlib.blake2b(metadata.encode(), digest_size=16)
    for name in sorted(arrays):
        checksum.update(np.ascontiguousarray(arrays[name]).data)
    return checksum.hexdigest()


def _array(stored: Any, name: str) -> Array:
    part = stored.get_slice(name)
    if part.get_dtype() not in _DTYPES[name] or len(part.get_shape()) != 1:
        raise ValueError(f"{name} is {part.get_dtype()} {part.get_shape()}")
    array: Array = stored.get_tensor(name)
    return array


def _file(row: Any) -> IndexedFile:
    path, n_bytes, mtime_ns, digest, start = row
    if not (isinstance(path, str) and isinstance(digest, str) and type(n_bytes) is type(mtime_ns) is int):
        raise ValueError(f"{row!r} does not describe a file")
    if start is not None and type(start) is not int:
        raise ValueError(f"{path} starts at {start!r}")
    return IndexedFile(path=path, n_bytes=n_bytes, mtime_ns=mtime_ns, digest=digest, start=start)


def _folder(row: Any) -> tuple[str, str]:
    path, label = row
    if not (isinstance(path, str) and isinstance(label, str)):
        raise ValueError(f"{row!r} does not describe a folder")
    return path, label


def _starts(files: Sequence[IndexedFile], n_ids: int) -> tuple[int, ...]:
    """Where the texts begin: one after the other, each with its separator, and one more at the end."""
    starts = tuple(file.start for file in files if file.start is not None)
    edges = (*starts, MAX_MATCH + n_ids - 1)
    if edges[0] != MAX_MATCH or any(a >= b for a, b in itertools.pairwise(edges)):
        raise ValueError("the texts do not lie one after the other")
    return starts


def _check_range(values: Array, n: int, end: int) -> None:
    if len(values) != n or (n and not 0 <= int(values.min()) <= int(values.max()) < end):
        raise ValueError(f"{len(values)} values, not {n} from 0 to {end}")


def _remove_left(file: Path, new: Path) -> None:
    """Remove what a crash left beside ``file``; another process may be writing right now."""
    now = new.stat().st_mtime
    for left in file.parent.iterdir():
        if left.name.startswith(f".{file.name}~") and left != new:
            with suppress(OSError):
                if now - left.stat().st_mtime > STALE:
                    left.unlink()
