"""What an editor shows of a server's answers: the rows of a list, in order, and ghost text."""

from __future__ import annotations

import re
from typing import Any

SNIPPET = 2  # LSP's InsertTextFormat


def popup_items(result: Any, line: str, number: int, word_start: int) -> list[tuple[str, dict[str, Any]]]:
    """The list's rows in the order of an editor: the text that would stand from ``word_start`` on, and LSP's item.

    ``line`` is line ``number`` up to the cursor. Rows stay if their filter text begins with what was typed, in any
    case, and are sorted by exact case, then sortText or label, then label; a row that is preselected goes first.
    """
    defaults = result.get("itemDefaults") or {} if isinstance(result, dict) else {}
    rows = []
    for item in (result.get("items") if isinstance(result, dict) else result) or []:
        edit, label = item.get("textEdit"), item["label"]
        span = (edit.get("range") or edit.get("insert")) if edit else defaults.get("editRange")
        span = span.get("insert", span) if span else None
        text = edit["newText"] if edit else (item.get("textEditText") if span else item.get("insertText")) or label
        text = plain(text, (item.get("insertTextFormat") or defaults.get("insertTextFormat")) == SNIPPET)
        start = word_start
        if span:
            if span["start"]["line"] != number:
                continue
            start = from_utf16(line, span["start"]["character"])
        typed, shown = line[start:], item.get("filterText") or label
        if not shown.lower().startswith(typed.lower()):
            continue
        head = line[start:word_start]
        if start > word_start:
            text = line[word_start:start] + text
        elif text.startswith(head):
            text = text[len(head) :]
        else:
            continue
        order = (not item.get("preselect"), not shown.startswith(typed), item.get("sortText") or label, label, text)
        rows.append((order, item))
    return [(order[-1], item) for order, item in sorted(rows, key=lambda row: row[0])]


def popup_list(result: Any, line: str, number: int, word_start: int) -> list[str]:
    """The texts of ``popup_items``."""
    return [text for text, _ in popup_items(result, line, number, word_start)]


def inline_text(result: Any, line: str, number: int) -> str:
    """The ghost text after the cursor: the first item without what it repeats of line ``number`` up to the cursor."""
    items = (result.get("items") if isinstance(result, dict) else result) or []
    if not items:
        return ""
    text = items[0]["insertText"]
    text = plain(text["value"], True) if isinstance(text, dict) else plain(text, False)
    if span := items[0].get("range"):
        if span["start"]["line"] != number:
            return ""
        typed = line[from_utf16(line, span["start"]["character"]) :]
        if not text.startswith(typed):
            return ""
        text = text[len(typed) :]
    return text if text.strip() else ""


def plain(text: str, is_snippet: bool) -> str:
    """The text with line feeds alone, and a snippet's placeholders as their defaults."""
    text = text.replace("\r\n", "\n")
    if is_snippet:
        text = re.sub(r"\$\{?\d+\}?", "", re.sub(r"\$\{\d+:([^{}]*)\}", r"\1", text))
    return text


def from_utf16(line: str, units: int) -> int:
    """A column in characters, from one in UTF-16 code units."""
    return len(line.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore"))
