"""Candidates as the items that editors show."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lsprotocol import types as lsp

from tinycoder.complete.candidate import Candidate
from tinycoder.memory.seen import Seen
from tinycoder.workspace.line_ends import with_line_feeds
from tinycoder_lsp.documents.positions import Lines, TextCursor, short_path

ACCEPTED = "tinycoder.didAcceptCompletionItem"
BESIDE = " · "  # between a signature and where it comes from, in one detail


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What the client can show of an item: details next to the label, a second range, Markdown."""

    label_details: bool = False
    insert_replace: bool = False
    markdown: bool = True


def abilities_of(client: lsp.ClientCapabilities) -> Abilities:
    """What the client says of itself. One that says nothing of formats has always been sent Markdown.

    Of the formats that it takes the first is the one that it prefers.
    """
    completion = client.text_document.completion if client.text_document else None
    item = completion.completion_item if completion else None
    if item is None:
        return Abilities()
    return Abilities(
        label_details=bool(item.label_details_support),
        insert_replace=bool(item.insert_replace_support),
        markdown=next(iter(item.documentation_format or ()), lsp.MarkupKind.Markdown) == lsp.MarkupKind.Markdown,
    )


def completion_list(
    candidates: Mapping[str, Candidate], lines: Lines, able: Abilities = Abilities()
) -> lsp.CompletionList:
    """The popup, in the order given, from candidates by id.

    Always incomplete: with another letter typed the model offers better names.
    """
    items = [_completion_item(rank, name, one, lines, able) for rank, (name, one) in enumerate(candidates.items())]
    return lsp.CompletionList(is_incomplete=True, items=[item for item in items if item is not None])


def _completion_item(
    rank: int, name: str, candidate: Candidate, lines: Lines, able: Abilities
) -> lsp.CompletionItem | None:
    edit = _text_edit(candidate, lines, able)
    if edit is None or not _stand_apart(candidate):
        return None
    details, detail = None, str(candidate.provenance)
    if able.label_details:
        where = short_path(candidate.path) if candidate.edits else ""
        details = lsp.CompletionItemLabelDetails(detail=candidate.signature or None, description=where or None)
    elif candidate.signature:
        detail = f"{candidate.signature}{BESIDE}{candidate.provenance}"
    return lsp.CompletionItem(
        label=candidate.text,
        label_details=details if details and (details.detail or details.description) else None,
        kind=_kind(candidate.kind),
        detail=detail,
        filter_text=filter_text(candidate.text, lines.text[candidate.start : candidate.end]),
        # Editors sort by this text among what they find to match equally well.
        sort_text=f"{rank:04d}",
        text_edit=edit,
        additional_text_edits=[
            lsp.TextEdit(range=lines.range(each.start, each.end), new_text=lines.inserted(each.text))
            for each in candidate.edits
        ]
        or None,
        command=_accepted(name),
        data=_data(candidate),
    )


def _kind(kind: str) -> lsp.CompletionItemKind:
    """The protocol's kind of the same name; a parameter is a variable there."""
    return lsp.CompletionItemKind.__members__.get(kind.title().replace(" ", ""), lsp.CompletionItemKind.Variable)


def filter_text(text: str, typed: str) -> str:
    """What the editor compares with what is ``typed``: it begins with that, letter by letter.

    A name that differs in case, or by underscores before it that were left out, was found by us, but Neovim and Emacs
    compare beginnings exactly. The ``=`` of a keyword argument is left out: once it is typed the list is to close.
    """
    name = text.removesuffix("=")
    for skipped in range(1 + len(name) - len(name.lstrip("_"))):
        end = skipped + len(typed)
        if name[skipped:end].casefold() == typed.casefold():
            return typed + name[end:]
    return name


def _text_edit(candidate: Candidate, lines: Lines, able: Abilities) -> lsp.TextEdit | lsp.InsertReplaceEdit | None:
    """The main edit; ``None`` where it would go over lines: editors drop such an item, or all of them."""
    insert = lines.range(candidate.start, candidate.end)
    if insert.start.line != insert.end.line:
        return None
    if able.insert_replace and candidate.replace_end is not None and candidate.replace_end > candidate.end:
        replace = lines.range(candidate.start, candidate.replace_end)
        if replace.end.line == insert.end.line:
            return lsp.InsertReplaceEdit(new_text=candidate.text, insert=insert, replace=replace)
    return lsp.TextEdit(range=insert, new_text=candidate.text)


def _stand_apart(candidate: Candidate) -> bool:
    """Whether no two edits overlap or insert at the same offset, as the protocol asks."""
    main = (candidate.start, max(candidate.end, candidate.replace_end or 0))
    spans = sorted([main, *((each.start, each.end) for each in candidate.edits)])
    return all(one[1] <= other[0] and one != other for one, other in pairwise(spans))


def _data(candidate: Candidate) -> dict[str, Any]:
    """What an editor sends back of the candidate with ``completionItem/resolve``."""
    data: dict[str, Any] = {"percent": round(100 * candidate.probability)}  # Neovim 0.11 sends no fraction back
    if candidate.path:
        data |= {"path": candidate.path, "line": candidate.line}
    if candidate.signature:
        data |= {"signature": candidate.signature}
    if isinstance(candidate.provenance, Seen):
        data |= {"seen": [candidate.provenance.path, candidate.provenance.line]}
    return data


def _accepted(name: str) -> lsp.Command:
    """What the editor runs when an item is taken."""
    return lsp.Command(title="Accepted", command=ACCEPTED, arguments=[name])


def name_of(item: object) -> str | None:
    """The id that an item was sent with, whatever the client sends back as one."""
    arguments = getattr(getattr(item, "command", None), "arguments", None)
    name = arguments[0] if isinstance(arguments, (list, tuple)) and arguments else None
    return name if isinstance(name, str) else None


def inline_list(candidates: Mapping[str, Candidate], lines: Lines) -> lsp.InlineCompletionList:
    """Ghost texts by id: a range on the cursor's line, and the full text that will stand there."""
    items = []
    for name, candidate in candidates.items():
        span = lines.range(candidate.start, candidate.end)
        if span.start.line == span.end.line:
            text = lines.inserted(candidate.text)
            items.append(lsp.InlineCompletionItem(insert_text=text, range=span, command=_accepted(name)))
    return lsp.InlineCompletionList(items=items)


def with_selection(cursor: TextCursor, selected: lsp.SelectedCompletionInfo) -> TextCursor:
    """The cursor once the list's selected row is accepted: only ghost text that continues from there is shown."""
    start = cursor.lines.offset(selected.range.start)
    text = with_line_feeds(selected.text)
    lines = cursor.lines.edited(selected.range, text)
    return dataclasses.replace(cursor, lines=lines, offset=start + len(text))


def without_selection(
    candidate: Candidate, cursor: TextCursor, accepted: TextCursor, selected: lsp.SelectedCompletionInfo
) -> Candidate:
    """A candidate for the ``accepted`` text as one for the text at ``cursor``, from the selected range on."""
    start, end = cursor.lines.offset(selected.range.start), cursor.lines.offset(selected.range.end)
    text = accepted.lines.text[start : candidate.start] + candidate.text[max(0, start - candidate.start) :]
    return dataclasses.replace(candidate, text=text, start=start, end=end + candidate.end - accepted.offset)


def from_selection(candidate: Candidate, cursor: TextCursor, selected: lsp.SelectedCompletionInfo) -> Candidate | None:
    """The candidate from the selected range on, if it begins with the selected text there; else ``None``."""
    start, end = cursor.lines.offset(selected.range.start), cursor.lines.offset(selected.range.end)
    text = cursor.lines.text[start : candidate.start] + candidate.text[max(0, start - candidate.start) :]
    agrees = candidate.end == end and text.startswith(with_line_feeds(selected.text))
    return dataclasses.replace(candidate, text=text, start=start) if agrees else None
