"""Baseline (ii): ghost text that is the rest of the line which once followed the same tokens.

    python benchmarks/lspbench/baselines/copyline.py [MIN_TOKENS]

Of all places in the workspace and in the buffer whose preceding tokens are those before the cursor, the longest
agreement wins (of at least 2 tokens), then the buffer, then the latest place.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from common import BREAK, NEWLINE, Buffer, Token, lex, python_files
from lsprotocol import types
from pygls.lsp.server import LanguageServer

MIN_TOKENS = int(sys.argv[1]) if sys.argv[1:] else 2
MAX_TOKENS = 40  # of an agreement
MAX_PLACES = 3000  # that are compared
SERVER = LanguageServer("baseline-copyline", "1")


class Source:
    """Some text, and where each pair of neighbouring tokens occurs in it."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text, self.tokens = text, tokens
        self.texts = [token[0] for token in tokens]
        self._pairs = defaultdict(list)
        for index, pair in enumerate(zip(self.texts, self.texts[1:], strict=False), 2):
            self._pairs[pair].append(index)

    def longest(self, context: list[str], partial: str) -> tuple[int, int]:
        """The number of tokens that agree, and the index of the token that follows them."""
        best, texts = (MIN_TOKENS - 1, 0), self.texts
        for index in self._pairs.get((context[-2], context[-1]), ())[-MAX_PLACES:] if len(context) > 1 else ():
            follower = texts[index] if index < len(texts) else NEWLINE
            if follower.startswith(partial) and follower not in (NEWLINE, BREAK, partial):
                length = 2
                most = min(MAX_TOKENS, index, len(context))
                while length < most and texts[index - length - 1] == context[-length - 1]:
                    length += 1
                best = max(best, (length, index))
        return best


@dataclass
class Open:
    """An open document."""

    buffer: Buffer = field(default_factory=Buffer)
    n_tokens: int = -1
    source: Source = field(default_factory=lambda: Source("", []))


SOURCES: list[Source] = []
DOCUMENTS: dict[str, Open] = {}


@SERVER.feature(types.INITIALIZED)
def index(server: LanguageServer, _: types.InitializedParams) -> None:
    """Read the workspace."""
    SOURCES.extend(Source(text, lex(text)) for text in python_files(server.workspace.root_path or "."))


@SERVER.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
def complete(server: LanguageServer, params: types.InlineCompletionParams) -> list[types.InlineCompletionItem] | None:
    """The ghost text."""
    document = server.workspace.get_text_document(params.text_document.uri)
    text, at = document.source, document.offset_at_position(params.position)
    own = DOCUMENTS.setdefault(params.text_document.uri, Open())
    before = own.buffer.before(text, at)
    if before is None:
        return None
    done, tail, partial = before
    if own.n_tokens != len(done):
        own.n_tokens, own.source = len(done), Source(text[:at], list(done))
    context = [token[0] for token in (done[-MAX_TOKENS:] + tail.tokens)[-MAX_TOKENS:]]
    best, place, source = MIN_TOKENS - 1, 0, own.source
    for candidate in [own.source, *SOURCES]:
        length, index = candidate.longest(context, partial)
        if length > best:
            best, place, source = length, index, candidate
    if best < MIN_TOKENS:
        return None
    start = source.tokens[place][1] + len(partial)
    return [types.InlineCompletionItem(insert_text=source.text[start:].split("\n")[0].rstrip())]


if __name__ == "__main__":
    SERVER.start_io()
