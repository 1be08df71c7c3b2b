"""Baseline (i): a list of the words of the buffer, then of the workspace.

Words of the buffer come first, those last seen before the cursor first; then words of the workspace, the most frequent
first; then keywords and builtins.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter

from common import python_files
from lsprotocol import types
from pygls.lsp.server import LanguageServer

WORD = re.compile(r"[^\W\d]\w{2,}")
N_ROWS = 50  # of each kind
SERVER = LanguageServer("baseline-words", "1")
WORKSPACE: list[str] = []


@SERVER.feature(types.INITIALIZED)
def index(server: LanguageServer, _: types.InitializedParams) -> None:
    """Count the words of the workspace."""
    counts: Counter[str] = Counter()
    for text in python_files(server.workspace.root_path or "."):
        counts.update(WORD.findall(text))
    WORKSPACE.extend(dict.fromkeys([*(word for word, _ in counts.most_common()), *keyword.kwlist, *dir(builtins)]))


@SERVER.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."]))
def complete(server: LanguageServer, params: types.CompletionParams) -> types.CompletionList:
    """The list."""
    document = server.workspace.get_text_document(params.text_document.uri)
    text, at = document.source, document.offset_at_position(params.position)
    match = re.search(r"\w*\Z", text[:at])
    assert match is not None
    prefix = match[0]
    order = dict.fromkeys(reversed(WORD.findall(text[: match.start()])))
    order.update(dict.fromkeys(WORD.findall(text[at:])))
    rows = [word for word in order if word.startswith(prefix) and word != prefix][:N_ROWS]
    rows += [word for word in WORKSPACE if word.startswith(prefix) and word not in order][:N_ROWS]
    items = [types.CompletionItem(label=word, sort_text=f"{rank:03}") for rank, word in enumerate(rows)]
    return types.CompletionList(is_incomplete=True, items=items)


if __name__ == "__main__":
    SERVER.start_io()
