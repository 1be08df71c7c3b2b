"""From a document and a cursor to ids: the model's prompt, and the ids that the memory searches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.complete.candidate import Document
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.decode import window_start
from tinycoder.transformer.layers import Array


@dataclass(frozen=True, kw_only=True)
class CursorContext:
    """A cursor in a document, as ids.

    ``before`` (n,) are all ids of the file before the last piece, ``prefix_bytes`` the bytes of that piece, which the
    next tokens must spell. ``prompt`` is what the model reads, ``here`` the ids of the file that the memory searches.
    """

    document: Document
    offset: int
    prompt: tuple[int, ...]
    before: Array
    here: Array
    prefix_bytes: bytes


def make_context(
    document: Document,
    offset: int,
    lines: TokenLines,
    *,
    model: Model | None,
    memory: Memory | None,
    healing: bool,
) -> CursorContext:
    """The context at ``offset``; ``lines`` holds the document's tokens.

    The lines below the cursor are part of ``here``. Without ``healing`` the ``prefix_bytes`` are empty.
    """
    tokenizer = lines.tokenizer
    text_start, ids_start, ids_end = lines.line_at(offset)
    line = lines.text[text_start:offset]
    piece = tokenizer.last_piece(line) if healing else ""
    prefix = tokenizer.encode(line[: len(line) - len(piece)])
    before = np.concatenate([lines.ids[:ids_start], np.array(prefix, np.int32)])
    here = memory.here(before, lines.ids[ids_end:]) if memory else before[:0]
    return CursorContext(
        document=document,
        offset=offset,
        prompt=tuple(prompt_ids(model, document.path, before)) if model else (),
        before=before,
        here=here,
        prefix_bytes=piece.encode("utf-8"),
    )


def prompt_ids(model: Model, path: str, context: Array) -> list[int]:
    """The ids that the model reads to continue ``context``, arranged as in training; at least one.

    A model of code reads the file's path first. The context is cut at its start in large steps: a quarter of the window
    stays free, and most keystrokes, and jumps within the window, only append ids.
    """
    size, header = model.config.context, header_ids(model, path)
    cut = window_start(len(header) + len(context), size, size // 4)
    text: Sequence[int] = context[max(0, cut - len(header)) :].tolist()
    return [*header[cut:], *text] or [model.tokenizer.end_of_text]


def header_ids(model: Model, path: str) -> list[int]:
    """The ids before a file's text: a model of code was trained on files that begin with their path."""
    return model.tokenizer.encode_header(path) if model.training.recipe == "code" else []


def document_ids(model: Model, path: str, text: str) -> tuple[list[int], int]:
    """The ids that the model reads to continue ``text``, and how many ids of the text were cut off at its start."""
    ids = np.array(model.tokenizer.encode(text), np.int32)
    prompt = prompt_ids(model, path, ids)
    return prompt, max(0, len(ids) - len(prompt)) if len(ids) else 0
