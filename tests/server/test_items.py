"""Candidates as LSP items."""

import dataclasses
import itertools
from typing import Any

import pytest
from lsprotocol.types import (
    ClientCapabilities,
    ClientCompletionItemOptions,
    CompletionClientCapabilities,
    CompletionItemKind,
    CompletionItemLabelDetails,
    InsertReplaceEdit,
    MarkupKind,
    Position,
    Range,
    SelectedCompletionInfo,
    TextDocumentClientCapabilities,
    TextEdit,
)

from tinycoder.complete.candidate import FROM_MODEL, KINDS, Candidate, Edit
from tinycoder_lsp.documents.positions import Lines, TextCursor
from tinycoder_lsp.documents.workspace import CodeDocument
from tinycoder_lsp.editor.items import (
    Abilities,
    abilities_of,
    completion_list,
    from_selection,
    inline_list,
    name_of,
    with_selection,
    without_selection,
)


def candidate(text: str, start: int, end: int, **known: Any) -> Candidate:
    return Candidate(text=text, start=start, end=end, probability=0.5, provenance=FROM_MODEL, **known)


def cursor(text: str, offset: int) -> TextCursor:
    return TextCursor(uri="file:///a.py", path="a.py", lines=Lines(text, "utf-16"), offset=offset)


def named(*candidates: Candidate) -> dict[str, Candidate]:
    return {str(number): each for number, each in enumerate(candidates)}


def test_words_keep_their_order_and_replace_what_was_typed() -> None:
    answer = completion_list(named(candidate("zebra", 2, 4), candidate("zeal", 2, 4)), Lines("😀 ze\n"))
    assert answer.is_incomplete
    first, second = answer.items
    assert first.text_edit == TextEdit(Range(Position(0, 3), Position(0, 5)), "zebra")
    assert first.filter_text == first.label == "zebra"
    assert first.detail == "model"
    assert (first.sort_text or "") < (second.sort_text or "")


def test_columns_count_units_of_the_encoding() -> None:
    text = "s = '😀'; ze"
    for encoding, start in (("utf-8", 12), ("utf-16", 10), ("utf-32", 9)):
        edit = completion_list(named(candidate("zebra", 9, 11)), Lines(text, encoding)).items[0].text_edit
        assert isinstance(edit, TextEdit)
        assert edit.range == Range(Position(0, start), Position(0, start + 2))


def test_the_order_survives_a_sort_by_text_of_a_long_list() -> None:
    items = completion_list(named(*(candidate(f"w{n}", 0, 0) for n in range(120))), Lines("")).items
    assert all((a.sort_text or "") < (b.sort_text or "") for a, b in itertools.pairwise(items))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_icon(kind: str) -> None:
    (item,) = completion_list(named(candidate("x", 0, 0, kind=kind)), Lines("")).items
    name = {"enum member": "EnumMember", "parameter": "Variable"}.get(kind, kind.capitalize())
    assert item.kind == CompletionItemKind[name]
    assert item.preselect is None


@pytest.mark.parametrize(
    ("text", "typed", "filtered"),
    [
        ("total", "to", "total"),
        ("total", "", "total"),
        ("HttpResponseBuilder", "httpres", "httpresponseBuilder"),
        ("http_response", "HTTP", "HTTP_response"),
        ("_private", "pri", "private"),
        ("__init__", "init", "init__"),
        ("__init__", "_in", "_init__"),
        ("_Private", "pri", "private"),
        ("_private", "_pri", "_private"),
        ("_private", "", "_private"),
        ("amount=", "am", "amount"),
        ("Größe", "gRÖ", "gRÖße"),
        ("other", "to", "other"),  # nothing that we would offer
    ],
)
def test_editors_that_compare_beginnings_find_the_name(text: str, typed: str, filtered: str) -> None:
    (item,) = completion_list(named(candidate(text, 4, 4 + len(typed))), Lines(f"x = {typed}")).items
    assert item.filter_text == filtered
    assert item.label == text
    assert isinstance(item.text_edit, TextEdit)
    assert item.text_edit.new_text == text


def test_the_signature_stands_beside_the_label_or_in_the_detail() -> None:
    one = candidate("add", 0, 0, kind="method", signature="(amount: int) -> None", path="pkg/counter.py", line=3)
    (plain,) = completion_list(named(one), Lines("")).items
    assert (plain.label, plain.label_details) == ("add", None)
    assert plain.detail == "(amount: int) -> None · model"
    assert plain.data == {
        "percent": 50,
        "path": "pkg/counter.py",
        "line": 3,
        "signature": "(amount: int) -> None",
    }
    (item,) = completion_list(named(one), Lines(""), Abilities(label_details=True)).items
    assert item.label_details == CompletionItemLabelDetails(detail="(amount: int) -> None")
    assert item.detail == "model"
    (nothing,) = completion_list(named(candidate("x", 0, 0)), Lines(""), Abilities(label_details=True)).items
    assert nothing.label_details is None


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("pkg/counter.py", "pkg/counter.py"),
        ("/home/me/.venv/lib/python3.12/site-packages/httpx/_client.py", "httpx/_client.py"),
        ("/usr/lib/python3.12/pathlib.py", "pathlib.py"),
        ("", None),
    ],
)
def test_a_row_that_brings_its_import_says_where_it_comes_from(path: str, where: str | None) -> None:
    one = candidate("Counter", 11, 14, path=path, edits=(Edit(start=0, end=0, text="import x\n"),))
    (item,) = completion_list(named(one), Lines("import os\n\nCou"), Abilities(label_details=True)).items
    assert (item.label_details and item.label_details.description) == where
    assert item.additional_text_edits == [TextEdit(Range(Position(0, 0), Position(0, 0)), "import x\n")]


@pytest.mark.parametrize(
    ("edits", "kept"),
    [
        ([(0, 0)], True),
        ([(0, 9)], True),
        ([(0, 9), (9, 9)], True),
        ([(10, 11)], True),  # up to the word
        ([(11, 11)], True),  # an insertion before the word
        ([(10, 12)], False),
        ([(12, 12)], False),
        ([(14, 15)], False),  # it is replaced too
        ([(0, 5), (4, 9)], False),
        ([(3, 3), (3, 3)], False),
    ],
)
def test_a_row_whose_edits_overlap_is_left_out(edits: list[tuple[int, int]], kept: bool) -> None:
    found = tuple(Edit(start=start, end=end, text="x") for start, end in edits)
    one = candidate("Counter", 11, 14, replace_end=15, edits=found)
    assert bool(completion_list(named(one), Lines("import os\n\nCout\n")).items) is kept


def test_an_insertion_where_a_word_is_to_be_inserted_has_no_order() -> None:
    one = candidate("Counter", 0, 0, edits=(Edit(start=0, end=0, text="import x\n"),))
    assert completion_list(named(one), Lines("")).items == []


def test_the_rest_of_the_word_is_replaced_where_the_editor_lets_choose() -> None:
    lines, able = Lines("😀 os.jo_in('a')\n"), Abilities(insert_replace=True)
    one = candidate("join", 5, 7, replace_end=10)
    insert, replace = Range(Position(0, 6), Position(0, 8)), Range(Position(0, 6), Position(0, 11))
    (item,) = completion_list(named(one), lines, able).items
    assert item.text_edit == InsertReplaceEdit(new_text="join", insert=insert, replace=replace)
    (item,) = completion_list(named(one), lines).items
    assert item.text_edit == TextEdit(range=insert, new_text="join")
    for end in (None, 7, 17):  # of no word, of the typed one, on the next line
        (item,) = completion_list(named(candidate("join", 5, 7, replace_end=end)), lines, able).items
        assert item.text_edit == TextEdit(range=insert, new_text="join")


def test_what_clients_say_that_they_can() -> None:
    def able(**item: Any) -> Abilities:
        completion = CompletionClientCapabilities(completion_item=ClientCompletionItemOptions(**item))
        return abilities_of(ClientCapabilities(text_document=TextDocumentClientCapabilities(completion=completion)))

    assert abilities_of(ClientCapabilities()) == able() == Abilities()
    assert able(label_details_support=True, insert_replace_support=True) == Abilities(
        label_details=True, insert_replace=True
    )
    assert not able(documentation_format=[MarkupKind.PlainText]).markdown
    assert not able(documentation_format=[MarkupKind.PlainText, MarkupKind.Markdown]).markdown  # in order of preference
    assert able(documentation_format=[MarkupKind.Markdown, MarkupKind.PlainText]).markdown


def test_a_cell_keeps_what_lies_in_it() -> None:
    above, below = "import os\n\n", "\n\nprint"
    here = TextCursor(uri="u", path="a.ipynb", lines=Lines("x = 1\nCou"), offset=9, above=above, below=below)
    n = len(above)

    def one(*edits: tuple[int, int], replace_end: int | None = None) -> Candidate:
        found = tuple(Edit(start=start, end=end, text="import x\n") for start, end in edits)
        return candidate("Counter", n + 6, n + 9, edits=found, replace_end=replace_end)

    (moved,) = here.relocate([one((n, n), replace_end=n + 20)])
    assert (moved.start, moved.end, moved.replace_end) == (6, 9, 9)
    assert moved.edits == (Edit(start=0, end=0, text="import x\n"),)
    assert here.relocate([one((n - 1, n - 1)), one((0, 0)), one((n + 10, n + 10))]) == []
    first = dataclasses.replace(here, above="")
    assert first.relocate([one((n + 10, n + 10))]) == []  # in the cell below


def test_a_range_over_lines_is_never_sent() -> None:
    lines = Lines("ab\ncd\n")
    assert completion_list(named(candidate("x", 1, 4)), lines).items == []
    (item,) = inline_list(named(candidate("x", 1, 4), candidate("bc", 1, 2)), lines).items
    assert item.insert_text == "bc"


def test_ghost_text_has_a_range_and_the_full_text() -> None:
    item = inline_list(named(candidate("return a\n", 4, 7)), Lines("    ret\r\n")).items[0]
    assert item.range == Range(Position(0, 4), Position(0, 7))
    assert item.insert_text == "return a\n"


def test_inserted_lines_have_the_documents_own_ends() -> None:
    lines = CodeDocument("file:///a.py", "import a\r\nCou\r\n").index
    one = candidate("Counter", 9, 12, edits=(Edit(start=8, end=8, text="\nimport b"),))
    (item,) = completion_list(named(one), lines).items
    assert item.additional_text_edits is not None
    (added,) = item.additional_text_edits
    assert (added.range, added.new_text) == (Range(Position(0, 8), Position(0, 8)), "\r\nimport b")
    (ghost,) = inline_list(named(candidate("a\n    b", 9, 12)), lines).items
    assert (ghost.range, ghost.insert_text) == (Range(Position(1, 0), Position(1, 3)), "a\r\n    b")


def test_a_selected_row_of_several_lines_counts_as_code() -> None:
    here = dataclasses.replace(cursor("", 0), lines=CodeDocument("file:///a.py", "a\r\nfo\r\n").index, offset=4)
    selected = SelectedCompletionInfo(range=Range(Position(1, 0), Position(1, 2)), text="for:\r\n    x")
    accepted = with_selection(here, selected)
    assert accepted.document.text == "a\nfor:\n    x\n"
    assert accepted.offset == 12
    agreeing = from_selection(candidate("for:\n    x = 1", 2, 4), here, selected)
    assert agreeing is not None
    assert agreeing.text == "for:\n    x = 1"


def test_ghost_text_goes_on_after_the_selected_word() -> None:
    here = cursor("x = os.pa + 1", 9)
    selected = SelectedCompletionInfo(range=Range(Position(0, 7), Position(0, 9)), text="path")
    accepted = with_selection(here, selected)
    assert accepted.document.text == "x = os.path + 1"
    assert accepted.offset == 11
    for found in (
        candidate("os.path.join(a)", 4, 11),  # healed further back than the word
        candidate("path.join(a)", 7, 11),  # from the word on
        candidate("th.join(a)", 9, 11),  # from inside the word
        candidate(".join(a)", 11, 11),  # after it
    ):
        answer = without_selection(found, here, accepted, selected)
        assert (answer.text, answer.start, answer.end) == ("path.join(a)", 7, 9)


def test_ghost_text_after_the_selected_word_may_replace_what_follows() -> None:
    here = cursor("f(ab)", 3)
    selected = SelectedCompletionInfo(range=Range(Position(0, 2), Position(0, 3)), text="args")
    accepted = with_selection(here, selected)
    assert accepted.document.text == "f(argsb)"
    answer = without_selection(candidate("args, k)", 2, 8), here, accepted, selected)
    assert (answer.text, answer.start, answer.end) == ("args, k)", 2, 5)


def test_every_item_says_by_its_command_that_it_was_taken() -> None:
    candidates = {"7": candidate("zebra", 0, 0), "8": candidate("zeal", 0, 0)}
    for items in (completion_list(candidates, Lines("")).items, inline_list(candidates, Lines("")).items):
        assert [name_of(item) for item in items] == ["7", "8"]
        assert {item.command.command for item in items if item.command} == {"tinycoder.didAcceptCompletionItem"}
    assert name_of(None) is None
