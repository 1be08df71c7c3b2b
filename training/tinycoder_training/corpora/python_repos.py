"""The ``code`` recipe: Python files of local repositories, without secrets and duplicates, split by file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tinycoder.errors import CorpusError
from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten
from tinycoder.workspace import python_file, tree
from tinycoder.workspace.text import Replaced, Skipped, Text
from tinycoder_training.corpora import duplicates, split
from tinycoder_training.corpora.corpus import Corpus

N_REASONS = 4  # how many an error names


def read(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    forgotten: Forgotten = NOTHING_FORGOTTEN,
    seed: int = 0,
) -> Corpus:
    """The Python files under ``paths`` (folders, or files) that git would track, as ``of_files`` reads them.

    Those that match a pattern of ``exclude``, written as in ``.gitignore``, and those that are ``forgotten`` are left
    out. Raises ``CorpusError`` also when a path does not exist or is not Python.
    """
    if not paths:
        raise CorpusError("no paths to learn from; give a folder that holds Python code")
    files, skipped = tree.walk(paths, exclude=exclude, forgotten=forgotten)
    return of_files(files, skipped, paths, seed=seed)


def of_files(
    files: Sequence[tree.SourceFile], skipped: Sequence[Skipped], paths: Sequence[Path], *, seed: int = 0
) -> Corpus:
    """The usable texts of ``files``, which ``tree.walk`` found under ``paths``, sorted by path and split by ``seed``.

    Line ends and tabs are kept as they are in the files; a byte-order mark is not. ``n_bytes`` of a text or a
    duplicate counts its UTF-8 bytes, of anything else left out its size on disk (0 for a folder).

    Raises ``CorpusError`` when nothing usable is left.
    """
    skipped = list(skipped)
    texts: list[Text] = []
    secrets: dict[str, tuple[Replaced, ...]] = {}
    for file in files:
        result = python_file.read_file(file)
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            text, secrets[file.path] = result
            texts.append(text)
    kept, repeated = duplicates.remove(texts)
    skipped.extend(repeated)
    if not kept:
        raise CorpusError(_nothing_left(paths, skipped))
    train, validation = split.by_file(kept, seed=seed)
    return Corpus(
        recipe="code",
        train=train,
        validation=validation,
        skipped=tuple(sorted(skipped, key=lambda entry: entry.path)),
        secrets=tuple(secret for text in kept for secret in secrets[text.path]),
    )


def _nothing_left(paths: Sequence[Path], skipped: Sequence[Skipped]) -> str:
    where = ", ".join(map(str, paths))
    if not skipped:
        return f"no Python files under {where}; give a folder that holds Python code"
    reasons = Counter(entry.reason for entry in skipped).most_common(N_REASONS)
    counts = ", ".join(f"{n} × {reason}" for reason, n in reasons)
    return f"no usable Python files under {where} (left out: {counts}); give a folder that holds Python code"
