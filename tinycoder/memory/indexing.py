"""The workspace's part of the memory: the Python files that git would track, without secrets, as sorted ids.

The last index is taken from a file, and only changed files are read again.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinycoder.errors import Cancelled
from tinycoder.memory.index_file import Index, IndexedFile, load_index, save_index, tokenizer_digest
from tinycoder.memory.suffix_index import SuffixIndex, id_type, token_corpus, words_of
from tinycoder.stop import Progress, never, no_progress
from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten, load_forgotten, true_path
from tinycoder.storage.models import name_of_folders
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import FILE_SEPARATOR, Tokenizer
from tinycoder.workspace import python_file, tree
from tinycoder.workspace.text import UNREADABLE, Skipped

MAX_TOKENS = 5_000_000  # ids of a workspace: 70 MB, which are mapped
DAY = 86_400 * 10**9  # nanoseconds

log = logging.getLogger(__name__)


def index_file_of(home: Path, folders: Sequence[Path], tokenizer: Tokenizer) -> Path:
    """The index file of ``folders``: named like the workspace's model, with one file for each tokenizer."""
    return home / "memory" / f"{name_of_folders(folders)}-{tokenizer_digest(tokenizer)[:8]}.safetensors"


def index_at_home(
    home: Path,
    folders: Sequence[Path],
    tokenizer: Tokenizer,
    *,
    exclude: Sequence[str] = (),
    stop: Callable[[], bool] = never,
    progress: Progress = no_progress,
) -> SuffixIndex:
    """``index_workspace`` with the index file and the list of what to forget that are kept under ``home``.

    If the list changes meanwhile, index again, so that nothing on the list stays in the file. Raises ``ConfigError``
    for a list that cannot be read: then nothing is indexed.
    """
    file = index_file_of(home, folders, tokenizer)
    while True:
        forgotten = load_forgotten(home)
        workspace = index_workspace(
            folders, tokenizer, file=file, exclude=exclude, forgotten=forgotten, stop=stop, progress=progress
        )
        if forgotten == load_forgotten(home):
            return workspace


def index_workspace(
    folders: Sequence[Path],
    tokenizer: Tokenizer,
    *,
    file: Path | None,
    exclude: Sequence[str] = (),
    forgotten: Forgotten = NOTHING_FORGOTTEN,
    stop: Callable[[], bool] = never,
    progress: Progress = no_progress,
    max_tokens: int = MAX_TOKENS,
) -> SuffixIndex:
    """The Python files that git would track under ``folders``, sorted; their paths are those of ``tree.walk``.

    Files whose size and time are those in ``file`` are not read again, and ``file`` is written if anything changed; it
    may be damaged, and writing may fail. A text that repeats another one exactly is left out, and so are texts beyond
    ``max_tokens`` ids: files that changed lately come first, of one day the small ones. ``progress`` gets the number
    of files that are done, and of all. ``exclude`` are patterns as for ``tree.walk``; what is ``forgotten`` is left
    out too.

    A folder that does not exist is empty. Raises ``Cancelled`` when ``stop`` says so, and ``CorpusError`` where
    a ``.gitignore`` file above a folder cannot be read.
    """
    digest = tokenizer_digest(tokenizer)
    stored = load_index(file, tokenizer_digest=digest, vocab_size=tokenizer.vocab_size) if file else None
    if file and stored is None and file.exists():
        log.info("%s is damaged or of another version; it is made anew", file)
    existing = [true_path(folder) for folder in folders if _is_folder(folder)]
    texts = _Texts(tokenizer, stored, max_tokens)
    texts.add_all(_candidates(existing, exclude, forgotten), stop, progress)
    labels = tuple((path.as_posix(), label) for path, label in tree.labels_of(existing).items())
    if stored and stored.folders == labels and texts.are_those_of(stored):
        return SuffixIndex(stored.corpus, stored.places, stored.words or words_of(stored.corpus, tokenizer.raw))
    separator, dtype = tokenizer.special[FILE_SEPARATOR], id_type(tokenizer.vocab_size)
    corpus = token_corpus(sorted(texts.ids.items()), separator, dtype)
    starts = dict(zip(corpus.paths, corpus.starts, strict=True))
    index = Index(
        tokenizer_digest=digest,
        vocab_size=tokenizer.vocab_size,
        folders=labels,
        files=tuple(replace(known, start=starts.get(path)) for path, known in sorted(texts.files.items())),
        corpus=corpus,
        words=words_of(corpus, tokenizer.raw),
    )
    kept = _kept(file, index) if file else None
    return SuffixIndex(kept.corpus, kept.places, kept.words) if kept else SuffixIndex(corpus, words=index.words)


def _kept(file: Path, index: Index) -> Index | None:
    """The index as it lies in ``file`` from now on; None if it cannot be kept."""
    try:
        save_index(file, index)
    except OSError as error:  # only the next start takes longer
        log.warning("cannot keep the index %s (%s)", file, error.strerror or error)
        return None
    kept = load_index(file, tokenizer_digest=index.tokenizer_digest, vocab_size=index.vocab_size)
    return kept if kept and kept.files == index.files else None  # another process may have written in between


_Candidate = tuple[tree.SourceFile, IndexedFile]  # the latter without the digest of the text


def _candidates(folders: Sequence[Path], exclude: Sequence[str], forgotten: Forgotten) -> list[_Candidate]:
    """The files to index, the most wanted first, each with the size and time it had before it was read."""
    sources, _ = tree.walk(folders, exclude=exclude, forgotten=forgotten) if folders else ([], [])
    candidates = []
    for source in sources:
        try:
            stat = source.location.stat()
        except OSError:  # removed in the meantime
            continue
        known = IndexedFile(path=source.path, n_bytes=stat.st_size, mtime_ns=stat.st_mtime_ns, digest="", start=None)
        candidates.append((source, known))
    return sorted(candidates, key=lambda pair: (-(pair[1].mtime_ns // DAY), pair[1].n_bytes, pair[1].path))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


class _Texts:
    """The texts of a workspace as far as they fit: ``ids`` by path, and ``files`` by path with those left out."""

    def __init__(self, tokenizer: Tokenizer, stored: Index | None, max_tokens: int) -> None:
        self.full = False
        self.ids: dict[str, Array] = {}
        self.files: dict[str, IndexedFile] = {}
        self._tokenizer = tokenizer
        self._max_tokens = self._room = max_tokens
        self._digests: set[str] = set()
        self._known: dict[str, IndexedFile] = {}
        self._stored: dict[str, Array] = {}  # ids by digest, so that a text that only moved is not encoded again
        if stored:
            self._known = {file.path: file for file in stored.files}
            self._stored = {self._known[path].digest: ids for path, ids in stored.corpus.texts().items()}

    def add_all(self, candidates: Sequence[_Candidate], stop: Callable[[], bool], progress: Progress) -> None:
        """Add the texts of the files, as many as fit. Raises ``Cancelled``."""
        for done, (source, file) in enumerate(candidates):
            progress(done, len(candidates))
            if stop():
                raise Cancelled
            self._add(source, file)
            if self.full:
                n_left = len(candidates) - len(self.files)
                log.warning("the memory holds %d tokens at most; %d files are left out", self._max_tokens, n_left)
                break
        progress(len(candidates), len(candidates))
        if stop():
            raise Cancelled

    def _add(self, source: tree.SourceFile, file: IndexedFile) -> None:
        """Take the text of a file, from what was stored where it has not changed."""
        digest, text = self._known_digest(file), None
        if digest is None:
            read = python_file.read_file(source)
            if isinstance(read, Skipped):
                if read.reason.startswith(UNREADABLE):
                    return  # it may be readable next time
                digest = ""
            else:
                text = read[0].text
                digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        if digest and digest not in self._digests:
            ids = self._stored[digest] if digest in self._stored else self._encoded(text)
            self.full = len(ids) >= self._room
            if self.full:
                return
            self._room -= len(ids) + 1
            self._digests.add(digest)
            self.ids[file.path] = ids
        self.files[file.path] = replace(file, digest=digest)

    def _encoded(self, text: str | None) -> Array:
        """The ids of a text; alone, since what several threads of a batch have needed stays with each of them."""
        assert text is not None
        return np.array(self._tokenizer.encode_all([text])[0], id_type(self._tokenizer.vocab_size))

    def are_those_of(self, stored: Index) -> bool:
        """Whether ``stored`` has exactly these files and texts."""
        files = {file.path: replace(file, start=None) for file in stored.files}
        return files == self.files and set(stored.corpus.paths) == self.ids.keys()

    def _known_digest(self, file: IndexedFile) -> str | None:
        """The digest of an unchanged file whose text need not be read."""
        known = self._known.get(file.path)
        if known is None or (known.n_bytes, known.mtime_ns) != (file.n_bytes, file.mtime_ns):
            return None
        is_cached = not known.digest or known.digest in self._digests or known.digest in self._stored
        return known.digest if is_cached else None
