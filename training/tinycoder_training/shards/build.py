"""Turn the Python files of many repositories into token shards, on several cores and in little memory.

Files are read in parts, each by one process (``part``). Then near-duplicates are found across all parts, files are held
out, and what is left is written in an order that depends on the seed alone. A build that was stopped goes on from the
parts that are there; what it writes is the same, byte for byte.
"""

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np

from tinycoder.errors import CorpusError
from tinycoder.stop import Progress, Stop, never, no_progress
from tinycoder.storage.atomic import make_folder, replace_text, replaced_file
from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten
from tinycoder.storage.record import DataSummary
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder.transformer.tokenizer import digest_of as digest_of_text
from tinycoder.workspace import tree
from tinycoder.workspace.text import Skipped, Text
from tinycoder_training.corpora import duplicates, split
from tinycoder_training.shards.folder import (
    DESCRIPTION,
    TOKENIZER,
    VALIDATION,
    Description,
    open_shards,
    write_description,
)
from tinycoder_training.shards.part import Document, Fingerprints, Part, digest_of, ids_of
from tinycoder_training.shards.reading import check, groups_of, read_all
from tinycoder_training.streams import prompt_of

PARTS, LOCK = "parts", ".lock"
PART_BYTES = 8_000_000  # of source, which one process reads in some 10 s and 100 MB
SHARD_TOKENS = 2**25  # 64 MiB of 16-bit ids
MAX_VALIDATION = 20_000_000  # bytes
N_PROMPTS = 3

_LEFT = r"(\.{name}~\w+|{name})"  # the name of a file, or what a crash leaves of it
_IDS = re.compile(_LEFT.format(name=r"(train-\d{5}|validation)\.npy"))
_PART = re.compile(_LEFT.format(name=r"[0-9a-f]{32}\.safetensors"))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be built: the Python files under ``paths``, as ``tokenizer`` cuts them, in the folder ``out``.

    ``exclude``, ``forgotten`` and ``seed`` are those of ``python_repos.read``; ``workspaces`` and ``left_out`` are kept
    for training.json (its ``forgotten``).
    """

    paths: tuple[Path, ...]
    out: Path
    tokenizer: Tokenizer
    exclude: tuple[str, ...] = ()
    forgotten: Forgotten = NOTHING_FORGOTTEN
    seed: int = 0
    workspaces: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    part_bytes: int = PART_BYTES
    shard_tokens: int = SHARD_TOKENS


def build(plan: Plan, *, processes: int, stop: Stop = never, progress: Progress = no_progress) -> Description:
    """Write the shards, unless they are there already. ``progress`` counts bytes of source.

    Raises ``CorpusError`` for a folder with something else in it, for too little to learn from, and if the disk or
    another program ends the work; ``Cancelled`` when ``stop`` says so. What was read is kept, and the next call goes
    on from it.
    """
    _check_folder(plan.out)
    files, skipped = tree.walk(plan.paths, exclude=plan.exclude, forgotten=plan.forgotten)
    groups = list(groups_of(files, plan.part_bytes))
    tokenizer_digest = digest_of_text(plan.tokenizer.to_json())
    digests = [digest_of(group, tokenizer_digest) for group in groups]
    inputs = hashlib.sha256(
        "\n".join([*digests, f"{plan.seed} {plan.shard_tokens} {plan.left_out}"]).encode()
    ).hexdigest()
    if (there := _finished(plan.out, inputs)) is not None:
        return there
    try:
        make_folder(plan.out / PARTS)
        with _only_builder(plan.out):
            _clear(plan.out, keep=lambda name: not name.startswith("."))
            names = [plan.out / PARTS / f"{digest[:32]}.safetensors" for digest in digests]
            work = list(zip(names, digests, groups, strict=True))
            parts = read_all(work, plan.tokenizer, processes=processes, stop=stop, progress=progress)
            description = _write(plan, names, parts, skipped, inputs, tokenizer_digest, stop)
            write_description(plan.out, description)
            shutil.rmtree(plan.out / PARTS)
            _clear(plan.out, keep=lambda name: name in {*description.train, VALIDATION})
    except OSError as error:
        raise CorpusError(
            f"cannot write shards to {plan.out} ({error.strerror or error}); free some space or choose another --out: "
            "what was read is kept"
        ) from None
    return description


@contextmanager
def _only_builder(out: Path) -> Iterator[None]:
    """Hold the lock of a folder of shards. Raises ``CorpusError`` at once if another process holds it."""
    lock = filelock.FileLock(out / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise CorpusError(f"another process is writing shards to {out}; wait until it ends") from None
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):
            (out / LOCK).unlink()


def _finished(out: Path, inputs: str) -> Description | None:
    """What sound shards say that were written of these inputs; None where there are none."""
    try:
        found = open_shards(out).description
    except CorpusError:
        return None
    return found if found.inputs == inputs else None


def _check_folder(out: Path) -> None:
    """Raise ``CorpusError`` if there is something else at ``out`` than shards."""
    try:
        others = sorted(each.name for each in out.iterdir() if not _is_ours(each))
    except FileNotFoundError:
        return
    except OSError as error:
        raise CorpusError(f"{out} cannot be used ({error.strerror}); choose another --out") from None
    if others:
        raise CorpusError(f"{out} holds other files ({others[0]}); choose an empty folder for --out")


def _is_ours(path: Path) -> bool:
    if path.name == PARTS:
        return path.is_dir() and all(_PART.fullmatch(each.name) for each in path.iterdir())
    return path.name in (DESCRIPTION, TOKENIZER, LOCK) or _IDS.fullmatch(path.name) is not None


def _clear(out: Path, keep: Callable[[str], bool]) -> None:
    """Remove files of ids, also half-written ones, but those to ``keep``."""
    for path in out.iterdir():
        if _IDS.fullmatch(path.name) and not keep(path.name):
            path.unlink()


@dataclass(frozen=True)
class _Place:
    """A document of a part, both by number."""

    part: int
    document: int


def _write(
    plan: Plan,
    names: Sequence[Path],
    parts: Sequence[Part],
    skipped: Sequence[Skipped],
    inputs: str,
    tokenizer: str,
    stop: Stop,
) -> Description:
    """Choose what stays, and write all but the description."""
    places = [_Place(i, j) for i, part in enumerate(parts) for j in range(len(part.documents))]
    documents = [document for part in parts for document in part.documents]
    found = duplicates.repeats(Fingerprints(names, parts, stop))
    reasons = Counter(entry.reason for entry in (*skipped, *(entry for part in parts for entry in part.skipped)))
    reasons.update(repeat.kind for repeat in found if repeat)
    kept = [i for i, repeat in enumerate(found) if repeat is None]
    if len(kept) < 2:
        raise CorpusError("there are fewer than two different Python files to learn from; give more folders")
    sizes = [(documents[i].path, documents[i].n_bytes) for i in kept]
    n_bytes = sum(size for _, size in sizes)
    fraction = min(0.1, MAX_VALIDATION / max(1, n_bytes))
    chosen = split.held_out(sizes, seed=plan.seed, fraction=fraction)
    validation = [kept[i] for i in sorted(chosen)]
    train = [kept[i] for i in np.random.default_rng(plan.seed).permutation(len(kept)).tolist() if i not in chosen]
    held_out_ids = _gather(names, parts, [places[i] for i in validation])
    check(stop)
    (plan.out / DESCRIPTION).unlink(missing_ok=True)  # from here on the folder holds no whole corpus
    _save(plan.out / VALIDATION, np.concatenate(held_out_ids))
    shards = {}
    for number, shard in enumerate(_shards(train, documents, plan.shard_tokens)):
        check(stop)
        name = f"train-{number:05}.npy"
        ids = np.concatenate(_gather(names, parts, [places[i] for i in shard]))
        _save(plan.out / name, ids)
        shards[name] = len(ids)
    replace_text(plan.out / TOKENIZER, plan.tokenizer.to_json())
    largest = sorted(range(len(validation)), key=lambda i: -documents[validation[i]].n_bytes)[:N_PROMPTS]
    texts = [_text(plan.tokenizer, documents[validation[i]], held_out_ids[i]) for i in largest]
    held_out_bytes = sum(documents[i].n_bytes for i in validation)
    return Description(
        inputs=inputs,
        tokenizer=tokenizer,
        seed=plan.seed,
        train=shards,
        data=DataSummary(
            files=len(train),
            bytes=n_bytes - held_out_bytes,
            tokens=sum(shards.values()),
            validation_files=len(validation),
            validation_bytes=held_out_bytes,
            validation_tokens=sum(map(len, held_out_ids)),
            sha256=inputs,
            secrets_replaced=sum(part.n_secrets for part in parts),
        ),
        left_out=dict(sorted(reasons.items())),
        prompts=tuple(tuple(prompt_of(text, plan.tokenizer)) for text in texts),
        workspaces=plan.workspaces,
        forgotten=plan.left_out,
    )


def _shards(order: Sequence[int], documents: Sequence[Document], n_tokens: int) -> Iterator[list[int]]:
    """The documents of each shard; it ends with the document that fills it."""
    shard: list[int] = []
    size = 0
    for i in order:
        shard.append(i)
        size += documents[i].n_tokens
        if size >= n_tokens:
            yield shard
            shard, size = [], 0
    if shard:
        yield shard


def _gather(names: Sequence[Path], parts: Sequence[Part], wanted: Sequence[_Place]) -> list[Array]:
    """The ids of documents; each part is opened once."""
    result: list[Array] = [np.zeros(0, np.uint16)] * len(wanted)
    by_part: dict[int, list[int]] = {}
    for i, place in enumerate(wanted):
        by_part.setdefault(place.part, []).append(i)
    for part, which in sorted(by_part.items()):
        pieces = ids_of(names[part], parts[part], [wanted[i].document for i in which])
        for i, ids in zip(which, pieces, strict=True):
            result[i] = ids
    return result


def _save(file: Path, ids: Array) -> None:
    with replaced_file(file) as stream:
        np.save(stream, ids, allow_pickle=False)


def _text(tokenizer: Tokenizer, document: Document, ids: Array) -> Text:
    """The text of a document's ids."""
    body = ids[len(tokenizer.encode_header(document.path)) : -1].tolist()
    return Text(path=document.path, text=tokenizer.decode(body), n_bytes=document.n_bytes)
