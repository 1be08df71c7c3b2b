"""Candidates as LSP items."""

import itertools

from lsprotocol.types import CompletionItemKind, Position, Range, SelectedCompletionInfo, TextEdit

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp.documents import Lines, Spot
from tinycoder_lsp.items import completion_list, inline_list, name_of, with_selection, without_selection


def candidate(text: str, start: int, end: int) -> Candidate:
    return Candidate(text=text, start=start, end=end, probability=0.5, source="model")


def spot(text: str, offset: int) -> Spot:
    return Spot(uri="file:///a.py", path="a.py", lines=Lines(text, "utf-16"), offset=offset)


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


def test_names_get_the_icon_of_how_they_are_written() -> None:
    words = {
        "return": CompletionItemKind.Keyword,
        "None": CompletionItemKind.Keyword,
        "Path": CompletionItemKind.Class,
        "MAX_SIZE": CompletionItemKind.Constant,
        "T": CompletionItemKind.Class,
        "total": CompletionItemKind.Variable,
        "": CompletionItemKind.Variable,
    }
    answer = completion_list(named(*(candidate(word, 0, 0) for word in words)), Lines(""))
    assert [item.kind for item in answer.items] == list(words.values())


def test_a_range_over_lines_is_never_sent() -> None:
    lines = Lines("ab\ncd\n")
    assert completion_list(named(candidate("x", 1, 4)), lines).items == []
    (item,) = inline_list(named(candidate("x", 1, 4), candidate("bc", 1, 2)), lines).items
    assert item.insert_text == "bc"


def test_ghost_text_has_a_range_and_the_full_text() -> None:
    item = inline_list(named(candidate("return a\n", 4, 7)), Lines("    ret\r\n")).items[0]
    assert item.range == Range(Position(0, 4), Position(0, 7))
    assert item.insert_text == "return a\n"


def test_ghost_text_goes_on_after_the_selected_word() -> None:
    here = spot("x = os.pa + 1", 9)
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
    here = spot("f(ab)", 3)
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
