"""Read many Python files in several processes, a part at a time."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path

from tinycoder.errors import Cancelled, CorpusError
from tinycoder.stop import Progress, Stop
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder.workspace.tree import SourceFile
from tinycoder_training.shards.part import Part, read_part, write_part


def groups_of(files: Sequence[SourceFile], n_bytes: int) -> Iterator[list[SourceFile]]:
    """The files in runs of about ``n_bytes``."""
    group: list[SourceFile] = []
    size = 0
    for file in files:
        if group and size + file.n_bytes > n_bytes:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.n_bytes
    if group:
        yield group


Work = tuple[Path, str, list[SourceFile]]
"""The file of a part, the digest of what is to be read for it, and that."""


def read_all(
    work: Sequence[Work], tokenizer: Tokenizer, *, processes: int, stop: Stop, progress: Progress
) -> list[Part]:
    """The part of each group; those that are there already are not read again.

    Raises ``CorpusError`` if a process is ended from outside, ``Cancelled`` when ``stop`` says so.
    """
    parts = [read_part(name, digest) for name, digest, _ in work]
    sizes = [sum(file.n_bytes for file in group) for *_, group in work]
    done, total = sum(size for size, part in zip(sizes, parts, strict=True) if part), sum(sizes)
    progress(done, total)
    waiting = [i for i, part in enumerate(parts) if part is None]
    if not waiting:
        return [part for part in parts if part]
    context = multiprocessing.get_context("spawn")  # a fork would copy threads of numpy and tokenizers
    with ExitStack() as stack:
        pool = ProcessPoolExecutor(
            min(processes, len(waiting)), context, initializer=_begin, initargs=(tokenizer.to_json(),)
        )
        stack.callback(pool.shutdown, cancel_futures=True)
        futures: dict[int, Future[Part]] = {i: pool.submit(_read, *work[i]) for i in waiting}
        try:
            for i in waiting:
                check(stop)
                while not futures[i].done():
                    threading.Event().wait(0.05)
                    check(stop)
                parts[i] = futures.pop(i).result()
                done += sizes[i]
                progress(done, total)
        except BrokenProcessPool:
            raise CorpusError(
                "a process that read files was ended from outside, perhaps for lack of memory; "
                "run the same command again, with fewer --processes: what was read is kept"
            ) from None
    return [part for part in parts if part]


def check(stop: Stop) -> None:
    """Raise ``Cancelled`` when ``stop`` says so."""
    if stop():
        raise Cancelled


def _begin(tokenizer: str) -> None:
    """Prepare a process that reads. It ends with the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first one decides
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # there is a process for each core already
    parent = multiprocessing.parent_process()
    assert parent is not None

    def leave() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
    global _tokenizer
    _tokenizer = Tokenizer.from_json(tokenizer)


_tokenizer: Tokenizer | None = None


def _read(file: Path, digest: str, group: Sequence[SourceFile]) -> Part:
    assert _tokenizer is not None
    return write_part(file, digest, group, _tokenizer)
