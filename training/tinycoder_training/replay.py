"""Which texts a run learns besides a whole corpus: the files that changed lately, and other text that it replays."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tinycoder.errors import CorpusError
from tinycoder.workspace.text import Text
from tinycoder.workspace.tree import SourceFile
from tinycoder_training.corpora import library, python_repos
from tinycoder_training.corpora.corpus import Corpus

REPLAY_BYTES = 4_000_000  # more is not read again in a run of minutes, and a stopped run keeps it all


def general_texts() -> tuple[Text, ...]:
    """Files of the standard library that this Python runs with; none where it comes without their text."""
    try:
        return python_repos.read(library.paths()).train
    except CorpusError:
        return ()


def replay_of(texts: Sequence[Text], corpus: Corpus, *, seed: int = 0, n_bytes: int = REPLAY_BYTES) -> tuple[Text, ...]:
    """Up to ``n_bytes`` of ``texts`` in an order by ``seed``, without any that ``corpus`` learns or holds back."""
    known = {text.text for text in (*corpus.train, *corpus.validation)}
    chosen: list[Text] = []
    for i in np.random.default_rng(seed).permutation(len(texts)):
        text = texts[i]
        if text.text not in known and text.n_bytes <= n_bytes:
            chosen.append(text)
            n_bytes -= text.n_bytes
    return tuple(chosen)


def recent_paths(files: Iterable[SourceFile], *, hours: float, now: float) -> frozenset[str]:
    """Paths of the files that were written within ``hours`` before ``now``, also of those from the future.

    ``now`` is in seconds since the epoch, like the files' times.
    """
    return frozenset(file.path for file in files if _changed(file.location) >= now - 3600 * hours)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0
