"""Other text that a model learns together with a workspace's, so that it does not forget Python in general."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycoder.errors import CorpusError
from tinycoder.workspace.text import Text
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
