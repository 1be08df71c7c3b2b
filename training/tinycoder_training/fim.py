"""Fill-in-the-middle: some windows of a run show what follows a text before the text (Bavarian et al. 2022).

The layout is that of ``tinycoder.transformer.fim``.
"""

import numpy as np

from tinycoder.transformer.fim import fim_head, suffix_first_piece, suffix_room
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import FILE_SEPARATOR, Tokenizer

EARLIEST_CUT = 1 / 4  # of a text: in use, most of the window lies before the cursor
AT_LINE_END = 1 / 2  # of the cuts: in use, most cursors are at the end of a line
WHOLE_SUFFIX = 1 / 2  # of the suffixes take all the room they may: in use, most do


def infilled(ids: Array, rng: np.random.Generator, *, tokenizer: Tokenizer, rate: float) -> Array:
    """With probability ``rate``, the window with its longest text cut in two and the second part shown first.

    The text is cut at a random character, or, as often, at the end of that character's line. What follows, up to a
    random length, is the suffix; what then remains of the window comes after the end of the text. As many ids as
    before. A window without a text to cut stays as it is.
    """
    if rng.random() >= rate:
        return ids
    start, end = _longest_document(ids, tokenizer.end_of_text)
    body = start + _header_length(ids[start:end], tokenizer)
    room = suffix_room(len(ids) - 1)
    n_suffix = room if rng.random() < WHOLE_SUFFIX else int(rng.integers(1, room + 1))
    text = _text(tokenizer, ids[body:end])
    # where the window cuts the document off, the suffix must find enough text; where the document ends, one character
    behind = 1 if end < len(ids) else len(_text(tokenizer, ids[max(body, end - n_suffix) : end]))
    first, last = max(1, int(len(text) * EARLIEST_CUT)), len(text) - behind
    if first > last:
        return ids
    cut = int(rng.integers(first, last + 1))
    line_end = text.find("\n", cut)
    if rng.random() < AT_LINE_END and 0 <= line_end <= last:
        cut = line_end
    suffix = suffix_first_piece(tokenizer, text[cut:], n_suffix)
    head = fim_head(tokenizer, suffix)
    before = [*ids[start:body], *tokenizer.encode(text[:cut])]
    room = len(ids) - len(head) - 1
    if room < 1:
        return ids
    rest = tokenizer.encode(text[cut + len(suffix) :])
    filled = [*head, *before[-room:], tokenizer.end_of_text, *rest, *ids[end:], *ids[:start]]
    return np.array(filled[: len(ids)], ids.dtype) if len(filled) >= len(ids) else ids


def _longest_document(ids: Array, end_of_text: int) -> tuple[int, int]:
    """Where the longest part of one document starts and ends, without the id that ends it."""
    ends = np.append(np.flatnonzero(ids == end_of_text), len(ids))
    starts = np.append(0, ends[:-1] + 1)
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def _header_length(ids: Array, tokenizer: Tokenizer) -> int:
    """Ids before a document's text: none where the window has only the end of the document."""
    if not len(ids) or ids[0] != tokenizer.special[FILE_SEPARATOR]:
        return 0
    line_break = tokenizer.encode_header("")[-1]
    breaks = np.flatnonzero(ids == line_break)
    return int(breaks[0]) + 1 if len(breaks) else len(ids)


def _text(tokenizer: Tokenizer, ids: Array) -> str:
    """The text of ``ids``, without the parts of a character that a window's edge cut."""
    return tokenizer.decode_bytes(ids).decode("utf-8", "ignore")
