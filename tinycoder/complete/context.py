"""From a document and a cursor to the ids that the model reads. Knows no scores."""

from __future__ import annotations

from tinycoder.checkpoint import Model
from tinycoder.decode import window_start

CHARACTERS_PER_TOKEN = 8  # more than code ever has, so that the window is always full


def prefix_window(text: str, offset: int, n_characters: int) -> str:
    """The end of ``text[:offset]``, about ``n_characters`` of it, from the start of a line.

    The start moves in steps of half the size, so that most keystrokes only make the window longer at its end.
    """
    if offset <= n_characters:
        return text[:offset]
    half = max(1, n_characters // 2)
    earliest = (offset - n_characters + half - 1) // half * half
    line = text.find("\n", earliest, offset) + 1
    return text[line or earliest : offset]


def document_ids(model: Model, path: str, text: str) -> tuple[list[int], int]:
    """``text`` as the model met it in its training, after its path if it learnt code, and how many ids of it were cut.

    Cut at the start, in steps, so that a quarter of the window stays free to go on. As in training, the middle of a
    long text stands without its path. At least one id.
    """
    tokenizer, context = model.tokenizer, model.config.context
    header = tokenizer.encode_header(path) if model.training.get("recipe") == "code" else []
    ids = header + tokenizer.encode(text) or [tokenizer.end_of_text]
    cut = window_start(len(ids), context, context // 4)
    return ids[cut:], max(0, cut - len(header))
