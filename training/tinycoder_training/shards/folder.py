"""A folder of shards: ``.npy`` files with ids, ``tokenizer.json``, and ``shards.json``, which says what lies there.

``shards.json`` is written last: a folder without it is no corpus yet.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tinycoder.errors import CorpusError, TokenizerError
from tinycoder.storage.atomic import replace_text
from tinycoder.storage.record import Count, DataSummary
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer, digest_of
from tinycoder.validate import DataError, parse, plain
from tinycoder_training.shards.stream import MappedStream, ShardsAt

DESCRIPTION, TOKENIZER, VALIDATION = "shards.json", "tokenizer.json", "validation.npy"


@dataclass(frozen=True, kw_only=True)
class Description:
    """What ``shards.json`` says.

    ``inputs`` is the digest of the files that were read, with all that decides what becomes of them; ``train`` names
    the files with ids to train on and says how many each has; ``left_out`` counts files by reason; ``prompts`` begin
    samples. ``workspaces`` and ``forgotten`` are as in training.json.
    """

    format: Literal[1] = 1
    inputs: str
    tokenizer: str
    seed: Count
    train: Mapping[str, Count]
    data: DataSummary
    left_out: Mapping[str, Count]
    prompts: tuple[tuple[Count, ...], ...]
    workspaces: tuple[str, ...]
    forgotten: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Shards:
    """An opened folder: its description, its tokenizer, and its ids (n,)."""

    folder: Path
    description: Description
    tokenizer: Tokenizer
    train: MappedStream
    validation: Array


def write_description(folder: Path, description: Description) -> None:
    """Replace the description, which makes the folder a corpus. Raises ``OSError`` if the disk refuses."""
    replace_text(folder / DESCRIPTION, json.dumps(plain(description), indent=1) + "\n")


def open_shards(folder: Path, *, digest: str | None = None) -> Shards:
    """Map the shards in ``folder``, with ``digest`` only those of that description.

    Raises ``CorpusError`` for a folder that is no finished corpus, is damaged, or is another one.
    """
    try:
        text = (folder / DESCRIPTION).read_text("utf-8")
        description = parse(Description, text)
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"{folder} holds no finished shards; write them with `tinycoder corpus`") from None
    except (OSError, DataError, UnicodeDecodeError) as error:
        raise _damaged(folder, DESCRIPTION, error) from None
    found = hashlib.sha256(text.encode()).hexdigest()
    if digest is not None and digest != found:
        raise CorpusError(f"the shards in {folder} are others than those that the run began with; start it anew")
    try:
        tokenizer = Tokenizer.from_json((folder / TOKENIZER).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, TokenizerError) as error:
        raise _damaged(folder, TOKENIZER, error) from None
    if digest_of(tokenizer.to_json()) != description.tokenizer:
        raise _damaged(folder, TOKENIZER, "it is another tokenizer")
    sizes = {**description.train, VALIDATION: description.data.validation_tokens}
    mapped = {name: _mapped(folder, name, size) for name, size in sizes.items()}
    validation = np.array(mapped.pop(VALIDATION))
    if len(validation) and int(validation.max()) >= tokenizer.vocab_size:
        raise _damaged(folder, VALIDATION, "it has ids beyond its tokenizer's")
    at = ShardsAt(str(folder.resolve()), found)
    train = MappedStream(list(mapped.values()), at, tokenizer.vocab_size)
    return Shards(folder=folder, description=description, tokenizer=tokenizer, train=train, validation=validation)


def _mapped(folder: Path, name: str, n: int) -> Array:
    if Path(name).name != name:
        raise _damaged(folder, DESCRIPTION, f"{name} is no name of a file")
    try:
        ids: Array = np.load(folder / name, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(folder, name, error) from None
    if ids.ndim != 1 or ids.dtype.kind != "u" or len(ids) != n:
        raise _damaged(folder, name, f"it does not hold {n:,} ids")
    return ids


def _damaged(folder: Path, name: str, reason: object) -> CorpusError:
    said = getattr(reason, "strerror", None) or str(reason)
    return CorpusError(f"the shards in {folder} are damaged ({name}: {said}); write them again with `tinycoder corpus`")
