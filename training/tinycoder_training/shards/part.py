"""A part of a large corpus: some files that one process has read, without secrets, as ids with their fingerprints.

Parts are what a build that was stopped goes on from. Each is a safetensors file, written whole or not at all.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tinycoder import __version__
from tinycoder.errors import Cancelled
from tinycoder.stop import Stop, never
from tinycoder.storage.atomic import replaced_file
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder.validate import DataError, parse
from tinycoder.workspace import python_file
from tinycoder.workspace.text import Skipped, Text
from tinycoder.workspace.tree import SourceFile
from tinycoder_training.corpora.duplicates import DIGEST_SIZE, N_BANDS, N_ROWS, Fingerprint, fingerprint
from tinycoder_training.streams import documents

ENCODED_AT_A_TIME = 32  # files


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text that was read: its path, its size in UTF-8, and how many ids it has with its header and its end."""

    path: str
    n_bytes: int
    n_tokens: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a part holds. ``digest`` tells its files, as they are on the disk, and its tokenizer from others."""

    digest: str
    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]
    n_secrets: int


def digest_of(files: Sequence[SourceFile], tokenizer_digest: str) -> str:
    """The digest of a part before it is read: it changes with a file's path, size or time."""
    digest = hashlib.sha256(f"{__version__} {tokenizer_digest}".encode())
    for file in files:
        with suppress(OSError):  # reading it will say so
            digest.update(
                f"{file.path}\0{file.n_bytes}\0{file.location.stat().st_mtime_ns}\0".encode("utf-8", "replace")
            )
    return digest.hexdigest()


def write_part(file: Path, digest: str, files: Sequence[SourceFile], tokenizer: Tokenizer) -> Part:
    """Read ``files``, and replace ``file`` by the part. Raises ``OSError`` if the disk refuses."""
    read, skipped, n_secrets, prints, ids = list[Document](), list[Skipped](), 0, list[Fingerprint](), list[Array]()
    for start in range(0, len(files), ENCODED_AT_A_TIME):
        texts: list[Text] = []
        for source in files[start : start + ENCODED_AT_A_TIME]:
            result = python_file.read_file(source)
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                texts.append(result[0])
                n_secrets += len(result[1])
        for text, encoded in zip(texts, documents(texts, tokenizer, "code"), strict=True):
            read.append(Document(path=text.path, n_bytes=text.n_bytes, n_tokens=len(encoded)))
            prints.append(fingerprint(text.text))
            ids.append(encoded)
    part = Part(digest=digest, documents=tuple(read), skipped=tuple(skipped), n_secrets=n_secrets)
    arrays = {
        "ids": np.concatenate([np.zeros(0, np.uint16), *ids]),
        "digests": np.frombuffer(b"".join(each.digest for each in prints), np.uint8).reshape(-1, DIGEST_SIZE),
        "signatures": np.array([each.signature for each in prints], np.uint64).reshape(-1, N_BANDS * N_ROWS),
        "lines": np.concatenate([np.zeros(0, np.uint32), *(each.lines.astype(np.uint32) for each in prints)]),
        "n_lines": np.array([len(each.lines) for each in prints], np.int64),
    }
    try:
        with replaced_file(file) as stream:
            save_file(arrays, stream.name, metadata={"facts": json.dumps(asdict(part))})
    except SafetensorError as error:
        raise OSError(str(error)) from None
    return part


def read_part(file: Path, digest: str) -> Part | None:
    """The part that was written of these files; None where it was not, or they have changed since."""
    try:
        with safe_open(file, framework="numpy") as stored:
            part = parse(Part, stored.metadata()["facts"])
    except (OSError, SafetensorError, DataError, KeyError, TypeError):
        return None
    return part if part.digest == digest else None


def ids_of(file: Path, part: Part, wanted: Sequence[int]) -> Iterator[Array]:
    """The ids (n,) of some documents of a part, by their numbers."""
    ends = np.cumsum([0, *(document.n_tokens for document in part.documents)]).tolist()
    with safe_open(file, framework="numpy") as stored:
        ids = stored.get_slice("ids")
        for i in wanted:
            yield ids[ends[i] : ends[i + 1]]


class Fingerprints(Sequence[Fingerprint]):
    """The fingerprints of all documents of some parts, which are read when they are asked for.

    Reading raises ``Cancelled`` when ``stop`` says so.
    """

    def __init__(self, files: Sequence[Path], parts: Sequence[Part], stop: Stop = never) -> None:
        self._files = files
        self._stop = stop
        self._places = [(i, j) for i, part in enumerate(parts) for j in range(len(part.documents))]
        self._open = lru_cache(maxsize=16)(self._opened)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, i: Any) -> Any:
        if self._stop():
            raise Cancelled
        part, document = self._places[i]
        arrays, ends = self._open(part)
        lines = arrays["lines"][ends[document] : ends[document + 1]].astype(np.uint64)
        return Fingerprint(arrays["digests"][document].tobytes(), lines, arrays["signatures"][document])

    def _opened(self, part: int) -> tuple[dict[str, Array], list[int]]:
        with safe_open(self._files[part], framework="numpy") as stored:
            arrays = {name: stored.get_tensor(name) for name in ("digests", "signatures", "lines", "n_lines")}
        return arrays, np.cumsum([0, *arrays["n_lines"].tolist()]).tolist()
