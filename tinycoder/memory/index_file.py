"""The sorted texts of a workspace as one file, so that they need not be read again.

The file is a cache: a damaged one is written again. It holds the ids of the texts, their order and their identifiers as
arrays that are mapped, and the size, time and digest of each source file as JSON in the header.
"""

import itertools
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from tinycoder import __version__
from tinycoder.errors import ConfigError
from tinycoder.memory.suffix_index import (
    MAX_MATCH,
    NO_ID,
    SortedPlaces,
    TokenCorpus,
    id_type,
    sorted_parts,
    token_corpus,
)
from tinycoder.storage.array_file import ArrayFile, ArrayWriter, Layout
from tinycoder.storage.atomic import make_folder, replaced_file
from tinycoder.storage.forget_list import Forgotten
from tinycoder.symbols.symbol_file import SUFFIX as SYMBOLS
from tinycoder.symbols.symbol_file import SymbolFile
from tinycoder.transformer.tokenizer import Tokenizer, digest_of
from tinycoder.validate import Range, parse

FORMAT_VERSION = 4
STALE = 3600  # seconds after which a half-written file counts as left by a crash
_Nanoseconds = Annotated[int, Range(most=2**63)]


@dataclass(frozen=True, kw_only=True)
class IndexedFile:
    """A source file as it was read: ``start`` is where it begins in the corpus, None where it was left out.

    ``digest`` is that of its text (hexadecimal), empty where there was no text to use.
    """

    path: str
    n_bytes: int
    mtime_ns: int
    digest: str
    start: int | None


@dataclass(frozen=True, kw_only=True)
class Index:
    """Texts, and the files they came from, sorted by path.

    ``folders`` are pairs of a true path and the prefix of its files' paths. ``words`` are the identifiers, and
    ``places`` the sorted places (see ``SuffixIndex``); None where they are not known.
    """

    tokenizer_digest: str
    vocab_size: int
    files: tuple[IndexedFile, ...]
    corpus: TokenCorpus
    folders: tuple[tuple[str, str], ...] = ()
    words: frozenset[str] | None = None
    places: SortedPlaces | None = None


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What the file says of itself; a row of ``files`` has the fields of ``IndexedFile``."""

    format: int
    made_by: str
    tokenizer: str
    vocab_size: int
    folders: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, int, _Nanoseconds, str, int | None], ...]


def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """The digest of a tokenizer's JSON."""
    return digest_of(tokenizer.to_json())


def save_index(file: Path, index: Index) -> None:
    """Sort the places of an index, and replace ``file``. Raises ``OSError`` if the disk refuses; the old one is kept.

    Places are sorted and written in parts, which takes little memory.
    """
    facts = json.dumps(
        {
            "format": FORMAT_VERSION,
            "made_by": __version__,  # another version may read files, and hide secrets, in another way
            "tokenizer": index.tokenizer_digest,
            "vocab_size": index.vocab_size,
            "folders": index.folders,
            "files": [[f.path, f.n_bytes, f.mtime_ns, f.digest, f.start] for f in index.files],
        }
    )
    words = b"" if index.words is None else "".join(f"\n{word}" for word in sorted(index.words)).encode()
    make_folder(file.parent)
    with replaced_file(file) as stream:
        writer = ArrayWriter(stream, facts, _layout(len(index.corpus.ids), len(words), index.vocab_size))
        for part in sorted_parts(index.corpus.ids):
            writer.put("keys", part.keys)
            writer.put("order", part.order)
        writer.put("ids", index.corpus.ids)
        writer.put("words", np.frombuffer(words, np.uint8))
        writer.finish()
        _remove_left(file, Path(stream.name))


def load_index(file: Path, *, tokenizer_digest: str | None = None, vocab_size: int | None = None) -> Index | None:
    """What ``save_index`` wrote; None where there is no file, or a damaged one, or one of another version.

    ``vocab_size`` bounds the ids; without these arguments an index of any tokenizer is taken. Nothing is allocated
    before the header was found to fit the size of the file. To change the arrays changes no file.
    """
    try:
        with file.open("rb") as stream:
            stored = ArrayFile(stream)
            header = parse(_Header, stored.facts)
            tokenizer_digest, vocab_size = tokenizer_digest or header.tokenizer, vocab_size or header.vocab_size
            wanted = FORMAT_VERSION, __version__, tokenizer_digest, vocab_size
            if (header.format, header.made_by, header.tokenizer, header.vocab_size) != wanted:
                return None
            n_ids = stored.layout["ids"][1]
            files = tuple(
                IndexedFile(path=path, n_bytes=n_bytes, mtime_ns=mtime_ns, digest=digest, start=start)
                for path, n_bytes, mtime_ns, digest, start in header.files
            )
            starts = _starts(files, n_ids)
            _check(stored, vocab_size)
            arrays, next_ids = stored.arrays("keys", "order", "ids", "words"), stored.arrays("ids")["ids"]
        words = arrays["words"].tobytes().decode()
    except (OSError, KeyError, TypeError, ValueError):
        return None
    paths = tuple(file.path for file in files if file.start is not None)
    return Index(
        tokenizer_digest=tokenizer_digest,
        vocab_size=vocab_size,
        files=files,
        corpus=TokenCorpus(arrays["ids"], next_ids, paths, starts),
        folders=header.folders,
        words=frozenset(words.split()) if words else None,
        places=SortedPlaces(arrays["order"], arrays["keys"]),
    )


def purge_indexes(folder: Path, forgotten: Forgotten) -> dict[Path, list[str]]:
    """Remove what is forgotten from every index in ``folder``; return the removed paths by index.

    Damaged and half-written indexes are deleted, and so are the files of symbols: all of them are written again.
    Raises ``ConfigError`` if the disk refuses.
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
            raise ConfigError(f"cannot remove from {file} what is forgotten ({error.strerror}); remove it") from None
    return {file: paths for file, paths in gone.items() if paths}


def may_hold(folder: Path, places: Forgotten) -> bool:
    """Whether an index of ``folder`` has files at ``places``, or in them, or cannot be read and may have some."""
    return any(_may_hold(file, places) for file in sorted(folder.glob("*.safetensors")))


def _may_hold(file: Path, places: Forgotten) -> bool:
    index = load_index(file)
    if index is None:
        return True
    is_there = places.names({Path(path): label for path, label in index.folders})
    return any(is_there(known.path) for known in index.files)


def _empty(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except PermissionError:  # Windows, while a server has it open
        symbols = SymbolFile(file)
        symbols.remove(symbols.load())
        symbols.close()


def _purge(file: Path, forgotten: Forgotten) -> list[str]:
    """Write the index again without what is forgotten, and return those paths."""
    index = load_index(file)
    if index is None:
        file.unlink()
        return []
    is_gone = forgotten.names({Path(path): label for path, label in index.folders})
    gone = [known.path for known in index.files if is_gone(known.path)]
    if not any(Path(path).is_dir() for path, _ in index.folders):
        file.unlink()  # the workspace is gone, or renamed, and the path may have been given by the new name
    elif gone:
        kept = [(path, ids) for path, ids in index.corpus.texts().items() if not is_gone(path)]
        corpus = token_corpus(kept, separator=int(index.corpus.ids[-1]))
        starts = dict(zip(corpus.paths, corpus.starts, strict=True))
        files = tuple(replace(known, start=starts.get(known.path)) for known in index.files if not is_gone(known.path))
        save_index(file, replace(index, files=files, corpus=corpus, words=None))
    return gone


def _layout(n_ids: int, n_words: int, vocab_size: int) -> Layout:
    """The arrays of the file: the widest first, so that each lies at a multiple of its width."""
    n, ids = n_ids - MAX_MATCH, "I16" if id_type(vocab_size) is np.int16 else "I32"
    return {"keys": ("U64", n), "order": ("I32", n), "ids": (ids, n_ids), "words": ("U8", n_words)}


def _starts(files: Sequence[IndexedFile], n_ids: int) -> tuple[int, ...]:
    """Where the texts begin. They follow each other, each after its separator, with one more at the end."""
    starts = tuple(file.start for file in files if file.start is not None)
    edges = (*starts, n_ids - 1)
    if edges[0] != MAX_MATCH or any(a >= b for a, b in itertools.pairwise(edges)):
        raise ValueError("the texts do not lie one after the other")
    return starts


def _check(stored: ArrayFile, vocab_size: int) -> None:
    """Raise ``ValueError`` if anything is damaged, or lies outside the vocabulary or the texts."""
    n_ids = stored.layout["ids"][1]
    if stored.layout != _layout(n_ids, stored.layout["words"][1], vocab_size):
        raise ValueError("the arrays are of other types or lengths")
    ranges = stored.ranges()
    for name, least, end in (("ids", NO_ID, vocab_size), ("order", 0, n_ids - MAX_MATCH)):
        if not least <= ranges[name][0] <= ranges[name][1] < end:
            raise ValueError(f"{name} are from {ranges[name][0]} to {ranges[name][1]}")


def _remove_left(file: Path, new: Path) -> None:
    """Remove what a crash left next to ``file``; another process may be writing right now."""
    now = new.stat().st_mtime
    for left in file.parent.iterdir():
        if left.name.startswith(f".{file.name}~") and left != new:
            with suppress(OSError):
                if now - left.stat().st_mtime > STALE:
                    left.unlink()
