"""How often the model repeats a text verbatim: greedily, after a short prompt from a random position.

Some of that is no memory: what begins a loop over a list is predictable, also in files that were never learnt. The
same measure on held-out files tells how much. (After Carlini et al. 2023, with shorter prompts.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.config import n_cpus
from tinycoder.errors import CorpusError
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import fuse_forward, hidden_forward
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder.workspace.text import Text
from tinycoder_training.parallel import threads

PROMPT = 20  # tokens
CONTINUED = 50  # tokens
CHARACTERS = 4_000  # after a place in a text; they hold PROMPT + CONTINUED tokens, or the place is not used
ROWS = 16  # windows that pass through the model at once
TRIES = 20  # places to try for each window that is wanted

_RIGHTS = re.compile(r"copyright|licen[sc]e|warrant(?:y|ies)|redistribut", re.IGNORECASE)
_IMPORT = re.compile(r"^(?:from [\w.]+ import\b|import [\w.]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Memorised:
    """Of ``n_windows``, those that the model continued word for word: the texts of their continuations."""

    n_windows: int
    texts: tuple[str, ...]

    @property
    def share(self) -> float:
        """Part of the windows, 0 to 1."""
        return len(self.texts) / self.n_windows

    def kinds(self) -> list[tuple[str, int]]:
        """How many there are of each kind, most frequent first."""
        return Counter(kind_of(text) for text in self.texts).most_common()


def memorised(model: Model, texts: Sequence[Text], *, n: int, seed: int) -> Memorised:
    """What the model reproduces of ``n`` windows from random places in ``texts``.

    Raises ``CorpusError`` if the texts are too short for that.
    """
    found = windows(texts, model.tokenizer, n, np.random.default_rng(seed))
    known = found[reproduced(model, found)]
    return Memorised(n_windows=n, texts=tuple(model.tokenizer.decode(row[PROMPT:]) for row in known))


def windows(texts: Sequence[Text], tokenizer: Tokenizer, n: int, rng: np.random.Generator) -> Array:
    """Prompts with what follows them: (n, PROMPT + CONTINUED) ids. Every character is as likely to be the first."""
    sizes = np.array([len(text.text) for text in texts], float)
    if not sizes.sum():
        raise CorpusError("there is no text to take prompts from")
    rows: list[list[int]] = []
    for i in rng.choice(len(texts), TRIES * n, p=sizes / sizes.sum()):
        ids = _ids_from(texts[i].text, int(rng.integers(len(texts[i].text))), tokenizer)
        if len(ids) >= PROMPT + CONTINUED:
            rows.append(ids[: PROMPT + CONTINUED])
        if len(rows) == n:
            return np.array(rows)
    raise CorpusError(f"the texts have too few places with {PROMPT + CONTINUED} tokens after them")


def _ids_from(text: str, place: int, tokenizer: Tokenizer) -> list[int]:
    """Ids from the token on that holds the character at ``place``, as they are in the whole text.

    No token reaches over the beginning of a line break, so the one before the place is where to begin.
    """
    start = max(0, text.rfind("\n", 0, place + 1))
    ids = tokenizer.encode(text[start : place + CHARACTERS])
    ends = np.cumsum([len(tokenizer.raw[i]) for i in ids])
    first = int(np.searchsorted(ends, len(text[start:place].encode()), side="right"))
    cut = place + CHARACTERS < len(text)  # then the last token may be another one in the whole text
    return ids[first : len(ids) - cut]


def reproduced(model: Model, rows: Array) -> Array:  # (n,PROMPT+CONTINUED) -> (n,)
    """Whether the greedy continuation of each prompt is what follows it.

    It is exactly if the best token after each beginning is the true one, so one forward pass tells.
    """
    weights, _ = fuse_forward(model.params, model.config)

    def agree(start: int) -> Array:
        part = rows[start : start + ROWS]
        hidden, _ = hidden_forward(weights, model.config, part[:, :-1])
        guessed = (hidden[:, PROMPT - 1 :] @ weights["head"].T).argmax(-1)
        right: Array = (guessed == part[:, PROMPT:]).all(-1)
        return right

    with threads(n_cpus()) as pool:
        return np.concatenate(list(pool.map(agree, range(0, len(rows), ROWS))))


def kind_of(text: str) -> str:
    """A rough word for what a piece of code is."""
    words = re.findall(r"[^\W\d_]+", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if _RIGHTS.search(text):
        return "licence"
    if 2 * len(_IMPORT.findall(text)) >= len(lines):
        return "imports"
    if sum(map(len, words)) < 0.35 * len("".join(text.split())):
        return "table"
    if len(set(lines)) <= len(lines) / 2 or len(set(words)) <= len(words) / 3:
        return "repetition"
    return "other code"
