"""What a server is asked: the text around the cursor, or for a model of ours the ids that it reads there."""

from __future__ import annotations

from dataclasses import dataclass

from tinycoder.complete.context import make_context
from tinycoder.complete.documents import CleanDocument
from tinycoder.complete.text import line_end
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.checkpoint import Model

MAX_BEFORE = 8192  # characters before the cursor that are sent
MAX_AFTER = 2048  # and after it


@dataclass(frozen=True, kw_only=True)
class Question:
    """A cursor for a server to continue. ``text`` and ``after`` stand before and after it, without secrets.

    A model of ours reads ``ids`` instead, and what it writes must begin with ``typed``, the half-typed piece that they
    leave out. Another one reads all that is typed, and ``typed`` is empty.
    """

    text: str
    after: str
    max_tokens: int
    block: bool
    ids: tuple[int, ...] | None = None
    typed: str = ""


def question_of(opened: CleanDocument, offset: int, model: Model | None, *, max_tokens: int, block: bool) -> Question:
    """The question at ``offset`` of a document without secrets; ``model`` is the server's if that is one of ours."""
    text = opened.document.text
    start, end = _start(text, offset), _end(text, offset)
    ids, typed = (None, "") if model is None else _ids(opened, offset, model)
    return Question(
        text=text[start:offset], after=text[offset:end], max_tokens=max_tokens, block=block, ids=ids, typed=typed
    )


def _ids(opened: CleanDocument, offset: int, model: Model) -> tuple[tuple[int, ...], str]:
    """What the model reads, as where it runs here, and the typed piece that it must spell."""
    lines = opened.lines
    if model.tokenizer.raw != lines.tokenizer.raw:
        lines = TokenLines(model.tokenizer, opened.document.text)
    context = make_context(opened.document, offset, lines, model=model, memory=None, fim=True, healing=True)
    typed = context.prefix_bytes.decode("utf-8", "ignore")
    if typed.startswith("\n"):  # no token may add to the indentation
        return (*context.prompt, *model.tokenizer.encode(typed)), ""
    return context.prompt, typed


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
