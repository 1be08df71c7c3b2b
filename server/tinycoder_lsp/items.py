"""Candidates as the items that editors show. Knows where text goes, not where it comes from."""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Sequence

from lsprotocol.types import (
    CompletionItem,
    CompletionItemKind,
    CompletionList,
    InlineCompletionItem,
    InlineCompletionList,
    SelectedCompletionInfo,
    TextEdit,
)

from tinycoder.complete.candidate import Candidate, Document
from tinycoder_lsp.documents import Lines, Spot


def completion_list(candidates: Sequence[Candidate], lines: Lines) -> CompletionList:
    """The popup, in the order given.

    Always incomplete: with another letter typed the model knows better words.
    """
    items = [_completion_item(rank, candidate, lines) for rank, candidate in enumerate(candidates)]
    return CompletionList(is_incomplete=True, items=[item for item in items if item is not None])


def _completion_item(rank: int, candidate: Candidate, lines: Lines) -> CompletionItem | None:
    span = lines.range(candidate.start, candidate.end)
    if span.start.line != span.end.line:  # editors drop such an item, or all of them
        return None
    return CompletionItem(
        label=candidate.text,
        kind=_kind(candidate.text),
        detail=candidate.source,
        # Editors match the filter with what stands in the range, and sort by this text before anything else.
        filter_text=candidate.text,
        sort_text=f"{rank:04d}",
        text_edit=TextEdit(range=span, new_text=candidate.text),
    )


def _kind(word: str) -> CompletionItemKind:
    """Which icon to show, by the way Python's names are written."""
    if keyword.iskeyword(word):
        return CompletionItemKind.Keyword
    if word.isupper() and len(word) > 1:
        return CompletionItemKind.Constant
    return CompletionItemKind.Class if word[:1].isupper() else CompletionItemKind.Variable


def inline_list(candidates: Sequence[Candidate], lines: Lines) -> InlineCompletionList:
    """Ghost texts: a range on the cursor's line, and the full text that will stand there."""
    items = []
    for candidate in candidates:
        span = lines.range(candidate.start, candidate.end)
        if span.start.line == span.end.line:
            items.append(InlineCompletionItem(insert_text=candidate.text, range=span))
    return InlineCompletionList(items=items)


def with_selection(spot: Spot, selected: SelectedCompletionInfo) -> Spot:
    """The spot once the popup's selected word is accepted: ghost text must go on from there to be shown."""
    start = spot.lines.offset(selected.range.start)
    text = spot.lines.edit(selected.range, selected.text)
    document = Document(path=spot.document.path, text=text)
    lines = Lines(text, spot.lines.encoding)
    return dataclasses.replace(spot, document=document, offset=start + len(selected.text), lines=lines)


def without_selection(candidate: Candidate, spot: Spot, accepted: Spot, selected: SelectedCompletionInfo) -> Candidate:
    """A candidate for the ``accepted`` text as one for the text at ``spot``, from the selected range on."""
    start, end = spot.lines.offset(selected.range.start), spot.lines.offset(selected.range.end)
    text = accepted.document.text[start : candidate.start] + candidate.text[max(0, start - candidate.start) :]
    return dataclasses.replace(candidate, text=text, start=start, end=end + candidate.end - accepted.offset)
