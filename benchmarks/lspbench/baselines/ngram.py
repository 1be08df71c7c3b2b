"""Baseline (iii): a server for the nested-cache n-gram model of nested.py.

    python benchmarks/lspbench/baselines/ngram.py --build FILE.npz FOLDER...        count the n-grams of some folders
    python benchmarks/lspbench/baselines/ngram.py [--global FILE.npz] [--least P]   serve over standard input and output

The list is ordered by the mix; ghost text is the rest of the line, greedily, as long as each word has at least the
probability P.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from common import SKIPPED, lex, python_files
from lsprotocol import types
from nested import EDGE, Grams, Model, words_of
from pygls.lsp.server import LanguageServer

TESTS = frozenset({"test", "tests", "idlelib", "lib2to3", "encodings", "pydoc_data"})


def count(folders: list[str]) -> Grams:
    """The n-grams of some folders, without tests."""
    words = []
    for folder in folders:
        for text in python_files(folder, SKIPPED | TESTS):
            words += [*words_of(lex(text)), EDGE]
    return Grams.of(words)


def serve(model: Model, least: float) -> None:
    """Answer until the client goes."""
    server = LanguageServer("baseline-ngram", "1")

    def cursor(params: types.TextDocumentPositionParams) -> tuple[str, str, int]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return params.text_document.uri, document.source, document.offset_at_position(params.position)

    @server.feature(types.INITIALIZED)
    def index(_: types.InitializedParams) -> None:
        model.index(python_files(server.workspace.root_path or "."))

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."]))
    def complete(params: types.CompletionParams) -> types.CompletionList:
        rows = enumerate(model.popup(*cursor(params)))
        items = [types.CompletionItem(label=word, sort_text=f"{rank:03}") for rank, word in rows]
        return types.CompletionList(is_incomplete=True, items=items)

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    def ghost(params: types.InlineCompletionParams) -> list[types.InlineCompletionItem] | None:
        text = model.inline(*cursor(params), least)
        return [types.InlineCompletionItem(insert_text=text)] if text.strip() else None

    server.start_io()


def main() -> None:
    """Parse the command line, then count or serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", nargs="+", metavar="PATH", help="write the n-grams of folders into a file")
    parser.add_argument("--global", dest="everywhere", type=Path, metavar="FILE", help="n-grams that were built before")
    parser.add_argument("--least", type=float, default=0.0, metavar="P", help="probability of a word of ghost text")
    options = parser.parse_args()
    if options.build:
        count(options.build[1:]).save(Path(options.build[0]))
    else:
        serve(Model(Grams.load(options.everywhere) if options.everywhere else None), options.least)


if __name__ == "__main__":
    main()
