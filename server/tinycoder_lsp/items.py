"""Candidates as the items that editors show. Knows where text goes, not where it comes from."""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Mapping

from lsprotocol.types import (
    Command,
    CompletionItem,
    CompletionItemKind,
    CompletionList,
    InlineCompletionItem,
    InlineCompletionList,
    SelectedCompletionInfo,
    TextEdit,
)

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp.documents import Lines, Spot

ACCEPTED = "tinycoder.didAcceptCompletionItem"


def completion_list(candidates: Mapping[str, Candidate], lines: Lines) -> CompletionList:
    """The popup, in the order given, from candidates by id.

    Always incomplete: with another letter typed the model knows better words.
    """
    items = [_completion_item(rank, name, one, lines) for rank, (name, one) in enumerate(candidates.items())]
    return CompletionList(is_incomplete=True, items=[item for item in items if item is not None])


def _completion_item(rank: int, name: str, candidate: Candidate, lines: Lines) -> CompletionItem | None:
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
        command=_accepted(name),
        data={"percent": round(100 * candidate.probability)},  # Neovim 0.11 cannot send a fraction back
    )


def _accepted(name: str) -> Command:
    """What the editor runs when an item is taken."""
    return Command(title="Accepted", command=ACCEPTED, arguments=[name])


def name_of(item: object) -> str | None:
    """The id that an item was sent with, whatever the client sends back as one."""
    arguments = getattr(getattr(item, "command", None), "arguments", None)
    name = arguments[0] if isinstance(arguments, (list, tuple)) and arguments else None
    return name if isinstance(name, str) else None


def _kind(word: str) -> CompletionItemKind:
    """Which icon to show, by the way Python's names are written."""
    if keyword.iskeyword(word):
        return CompletionItemKind.Keyword
    if word.isupper() and len(word) > 1:
        return CompletionItemKind.Constant
    return CompletionItemKind.Class if word[:1].isupper() else CompletionItemKind.Variable


def inline_list(candidates: Mapping[str, Candidate], lines: Lines) -> InlineCompletionList:
    """Ghost texts by id: a range on the cursor's line, and the full text that will stand there."""
    items = []
    for name, candidate in candidates.items():
        span = lines.range(candidate.start, candidate.end)
        if span.start.line == span.end.line:
            items.append(InlineCompletionItem(insert_text=candidate.text, range=span, command=_accepted(name)))
    return InlineCompletionList(items=items)


def with_selection(spot: Spot, selected: SelectedCompletionInfo) -> Spot:
    """The spot once the popup's selected word is accepted: ghost text must go on from there to be shown."""
    start = spot.lines.offset(selected.range.start)
    text = spot.lines.edit(selected.range, selected.text)
    return dataclasses.replace(spot, lines=Lines(text, spot.lines.encoding), offset=start + len(selected.text))


def without_selection(candidate: Candidate, spot: Spot, accepted: Spot, selected: SelectedCompletionInfo) -> Candidate:
    """A candidate for the ``accepted`` text as one for the text at ``spot``, from the selected range on."""
    start, end = spot.lines.offset(selected.range.start), spot.lines.offset(selected.range.end)
    text = accepted.lines.text[start : candidate.start] + candidate.text[max(0, start - candidate.start) :]
    return dataclasses.replace(candidate, text=text, start=start, end=end + candidate.end - accepted.offset)


def from_selection(candidate: Candidate, spot: Spot, selected: SelectedCompletionInfo) -> Candidate | None:
    """The candidate from the selected range on, if it begins with the selected word there; else ``None``."""
    start, end = spot.lines.offset(selected.range.start), spot.lines.offset(selected.range.end)
    text = spot.lines.text[start : candidate.start] + candidate.text[max(0, start - candidate.start) :]
    agrees = candidate.end == end and text.startswith(selected.text)
    return dataclasses.replace(candidate, text=text, start=start) if agrees else None
