"""What a server is asked: the text around the cursor, or for a model of ours the ids that it reads there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tinycoder.complete.context import make_context
from tinycoder.complete.documents import CleanDocument
from tinycoder.complete.healing import Healer
from tinycoder.complete.text import line_end
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.tokenizer import Tokenizer

MAX_BEFORE = 8192  # characters before the cursor that are sent
MAX_AFTER = 2048  # and after it


@dataclass(frozen=True, kw_only=True)
class Question:
    """A cursor for a server to continue. ``text`` and ``after`` stand before and after it, without secrets.

    A model of ours reads ``ids`` instead, and what it writes must begin with ``typed``, the half-typed piece that they
    leave out: with one of the tokens ``starts``. Another one reads all that is typed, and ``typed`` is empty.
    """

    text: str
    after: str
    max_tokens: int
    block: bool
    ids: tuple[int, ...] | None = None
    typed: str = ""
    starts: tuple[int, ...] = ()


def question_of(opened: CleanDocument, offset: int, model: Model | None, *, max_tokens: int, block: bool) -> Question:
    """The question at ``offset`` of a document without secrets; ``model`` is the server's if that is one of ours."""
    text = opened.document.text
    start, end = _start(text, offset), _end(text, offset)
    ids, typed, starts = (None, "", ()) if model is None else _ids(opened, offset, model)
    return Question(
        text=text[start:offset],
        after=text[offset:end],
        max_tokens=max_tokens,
        block=block,
        ids=ids,
        typed=typed,
        starts=starts,
    )


def _ids(opened: CleanDocument, offset: int, model: Model) -> tuple[tuple[int, ...], str, tuple[int, ...]]:
    """What the model reads, as where it runs here; what it must spell; and the tokens that begin so.

    That is the end of the piece before the cursor from which on one token can spell it.
    """
    lines, tokenizer = opened.lines, model.tokenizer
    if tokenizer.raw != lines.tokenizer.raw:
        lines = TokenLines(tokenizer, opened.document.text)
    context = make_context(opened.document, offset, lines, model=model, memory=None, healing=True)
    piece = context.prefix_bytes.decode("utf-8", "ignore")
    spelled = tokenizer.encode(piece)
    for n in range(0 if piece.startswith("\n") else len(spelled)):  # no token may add to an indentation
        rest = tokenizer.decode_bytes(spelled[n:])
        allowed = _healer(tokenizer).allowed(rest).tolist()
        starts = tuple(i for i in allowed if tokenizer.raw[i].startswith(rest))
        typed = rest.decode("utf-8", "ignore")
        if starts and typed.encode() == rest:
            return (*context.prompt, *spelled[:n]), typed, starts
    return (*context.prompt, *spelled), "", ()


@lru_cache(maxsize=2)
def _healer(tokenizer: Tokenizer) -> Healer:
    return Healer(tokenizer)


def _start(text: str, offset: int) -> int:
    """Where the text that is sent begins: at a line, and in large steps, so that the server reads most of it once."""
    step = MAX_BEFORE // 4
    cut = -(-max(0, offset - MAX_BEFORE) // step) * step
    return line_end(text, cut) + 1 if cut and line_end(text, cut) < offset else cut


def _end(text: str, offset: int) -> int:
    """Where it ends: at the end of a line, if one fits."""
    limit = offset + MAX_AFTER
    whole = text.rfind("\n", offset, limit) if limit < len(text) else -1
    return min(len(text), limit) if whole < 0 else whole
