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
    """``text`` as the model met it in its training, after its path if it learnt code, and how many ids were cut.

    The text is cut at its start, in steps, so that a quarter of the window stays free to go on. At least one id.
    """
    tokenizer, context = model.tokenizer, model.config.context
    ids = tokenizer.encode(text)
    header = tokenizer.encode_header(path)[: context // 4] if model.training.get("recipe") == "code" else []
    cut = window_start(len(ids), context - len(header), context // 4) if ids else 0
    return header + ids[cut:] or [tokenizer.end_of_text], cut
