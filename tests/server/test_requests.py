"""Completion requests of all kinds, against the server with a stub for an engine."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tinycoder.workspace.line_ends import as_code

POPUP, GHOST = "textDocument/completion", "textDocument/inlineCompletion"


def facts(item: dict[str, Any]) -> dict[str, Any]:
    """What the stub was asked, of a popup's item."""
    answer: dict[str, Any] = json.loads(item["detail"])
    return answer


def place(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


@pytest.fixture(autouse=True)
def no_popups(client: Any) -> Iterator[None]:
    """Whatever happens, no message pops up in the editor."""
    yield
    assert client.shown_messages() == []


@pytest.mark.parametrize(
    ("text", "line", "character", "offset", "first", "last"),
    [
        ("", 0, 0, 0, (0, 0), (0, 0)),
        ("", 7, 7, 0, (0, 0), (0, 0)),
        ("ab", 0, 99, 2, (0, 0), (0, 2)),
        ("ab\n", 1, 0, 3, (1, 0), (1, 0)),
        ("ab\n", 99, 99, 3, (1, 0), (1, 0)),
        ("ab\ncd\n", 0, 99, 2, (0, 0), (0, 2)),
        ("ab\r\ncd\r\n", 1, 2, 5, (1, 0), (1, 2)),
        ("ab\r\ncd\r\n", 0, 99, 2, (0, 0), (0, 2)),
        ("ab\rcd", 1, 2, 5, (1, 0), (1, 2)),
        ("\ufeffab", 0, 3, 2, (0, 1), (0, 3)),
        ("\ufeffab", 0, 0, 0, (0, 1), (0, 1)),
        ("\t\tab", 0, 4, 4, (0, 2), (0, 4)),
        ("a\n\x0cb\nab", 2, 2, 7, (2, 0), (2, 2)),
        ("a\u2028b ab", 0, 6, 6, (0, 4), (0, 6)),
        ("'😀' ab", 0, 7, 6, (0, 5), (0, 7)),
        ("'😀' ab", 0, 2, 1, (0, 1), (0, 1)),  # inside the emoji
        ("'\ud83d' ab", 0, 6, 6, (0, 4), (0, 6)),  # half an emoji
    ],
)
def test_positions(
    client: Any,
    text: str,
    line: int,
    character: int,
    offset: int,
    first: tuple[int, int],
    last: tuple[int, int],
) -> None:
    uri = client.open(text)
    item = client.popup(uri, line, character)[0]
    asked = {"line": line, "character": character}
    n = len(as_code(text))
    assert facts(item) == {"path": "a.py", "offset": offset, "length": n, "limit": 20, "imports": True}, asked
    span = {"start": place(*first), "end": place(*last)}
    assert item["textEdit"]["range"] == span
    assert client.ghost(uri, line, character)[0]["range"] == span


def test_a_half_typed_word_is_replaced_as_a_whole(client: Any) -> None:
    uri = client.open("value = pri")
    item = client.popup(uri, 0, 11)[0]
    assert item["label"] == item["filterText"] == item["textEdit"]["newText"] == "pri_tail"
    assert item["textEdit"]["range"]["start"] == place(0, 8)
    ghost = client.ghost(uri, 0, 11)[0]
    assert ghost["insertText"] == "pri_tail"
    assert ghost["range"] == item["textEdit"]["range"]


def test_the_popup_is_asked_again_for_the_next_letter(client: Any) -> None:
    uri = client.open("ab")
    assert client.ask(POPUP, client.position(uri, 0, 2))["isIncomplete"] is True


def test_ghost_text_comes_once_while_typing_and_several_times_if_asked_for(client: Any) -> None:
    uri = client.open("ab")
    assert len(client.ghost(uri, 0, 2, triggerKind=2)) == 1
    assert len(client.ghost(uri, 0, 2, triggerKind=1)) == 3


def test_ghost_text_continues_the_word_selected_in_the_popup(client: Any) -> None:
    uri = client.open("x = pa\n")
    span = {"start": place(0, 4), "end": place(0, 6)}
    item = client.ghost(uri, 0, 6, selectedCompletionInfo={"range": span, "text": "path"})[0]
    assert item["insertText"] == "path_tail"
    assert item["range"] == span


def test_ghost_text_asked_for_by_hand_comes_several_times_beside_the_popup_too(client: Any) -> None:
    uri = client.open("x = pa\n")
    selected = {"range": {"start": place(0, 4), "end": place(0, 6)}, "text": "pa_"}  # which the one that is shown has
    assert [item["insertText"] for item in client.ghost(uri, 0, 6, selectedCompletionInfo=selected)] == ["pa_tail"]
    items = client.ghost(uri, 0, 6, triggerKind=1, selectedCompletionInfo=selected)
    assert [item["insertText"] for item in items] == ["pa__tail"] * 3


@pytest.mark.parametrize(
    ("uri", "language", "served"),
    [
        ("file:///somewhere/a.pyi", "plaintext", True),
        ("untitled:Untitled-1", "python", True),
        ("file:///somewhere/a.txt", "plaintext", False),
        ("file:///somewhere/a.js", "javascript", False),
    ],
)
def test_only_python_is_completed(client: Any, uri: str, language: str, served: bool) -> None:
    client.open("ab", uri=uri, language=language)
    assert bool(client.popup(uri, 0, 2)) is bool(client.ghost(uri, 0, 2)) is served


def test_a_document_that_is_not_open_is_not_read_from_the_disk(client: Any, tmp_path: Any) -> None:
    path = tmp_path / "on_disk.py"
    path.write_text("ab")
    assert client.popup(path.as_uri(), 0, 2) == []
    client.open("ab", uri=path.as_uri())
    assert client.popup(path.as_uri(), 0, 2) != []
    client.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
    assert client.popup(path.as_uri(), 0, 2) == []


def test_incremental_changes_with_form_feed_crlf_and_emoji(client: Any) -> None:
    uri = client.open("a\r\n\x0cb\u2028c\r\n'😀' = 1")
    changes = [
        client.edit(2, 7, 8, "xyz"),
        client.edit(1, 0, 1, ""),
        {"range": {"start": place(0, 99), "end": place(1, 0)}, "text": "\n\n"},
    ]
    client.send(client.change(uri, *changes))
    expected = "a\n\nb\u2028c\n'😀' = xyz"
    item = client.popup(uri, 3, 10)[0]
    assert facts(item)["length"] == facts(item)["offset"] == len(expected)
    assert item["label"] == "xyz_tail"
    client.send(client.change(uri, {"text": "whole"}, version=3))
    assert client.popup(uri, 0, 5)[0]["label"] == "whole_tail"


def test_a_request_sees_the_text_of_its_time(client: Any) -> None:
    uri = client.open("ab")
    for version in range(2, 40):
        number = client.next_id()
        request = {"id": number, "method": POPUP, "params": client.position(uri, 0, 2)}
        grown = client.change(uri, client.edit(0, 0, 0, "x"), version=version)
        client.send(request, grown)  # in one write
        items = client.answer(number)["result"]["items"]
        assert items == [] or facts(items[0])["length"] == version  # the edit may have overtaken it
        again = client.next_id()
        shrunk = client.change(uri, client.edit(0, 0, 1, ""), client.edit(0, 0, 0, "y"), version=version)
        client.send(shrunk, {"id": again, "method": POPUP, "params": client.position(uri, 0, 99)})
        assert facts(client.answer(again)["result"]["items"][0])["length"] == version + 1


@pytest.mark.parametrize("method", [POPUP, GHOST])
def test_a_cancelled_request_is_answered_so_and_stops(client: Any, method: str) -> None:
    slow = client.open("# slow\n", uri="file:///somewhere/slow.py")
    quick = client.open("ab")
    params = client.position(slow, 1, 0) | {"context": {"triggerKind": 1}}
    number = client.request(method, params)
    assert client.error("nope/nope")["code"] == -32601  # it has been read
    client.notify("$/cancelRequest", {"id": number})
    assert client.answer(number)["error"]["code"] == -32800
    assert client.popup(quick, 0, 2) != []  # the only worker is free again
    assert client.ghost(quick, 0, 2) != []


def test_a_request_cancelled_in_the_same_breath_is_answered(client: Any) -> None:
    uri = client.open("# slow\n")
    number = client.next_id()
    cancel = {"method": "$/cancelRequest", "params": {"id": number}}
    client.send({"id": number, "method": POPUP, "params": client.position(uri, 1, 0)}, cancel)
    assert client.answer(number)["error"]["code"] == -32800


@pytest.mark.parametrize("method", [POPUP, GHOST])
def test_the_latest_request_wins(client: Any, method: str) -> None:
    slow = client.open("# slow\n", uri="file:///somewhere/slow.py")
    quick = client.open("ab")
    old = [client.request(method, client.position(slow, 1, 0)) for _ in range(5)]
    new = client.request(method, client.position(quick, 0, 2))
    assert [client.answer(number)["result"]["items"] for number in old] == [[]] * 5
    assert client.answer(new)["result"]["items"] != []


def test_the_popup_does_not_wait_for_ghost_text(client: Any) -> None:
    slow = client.open("# slow\n", uri="file:///somewhere/slow.py")
    quick = client.open("ab")
    ghost = client.request(GHOST, client.position(slow, 1, 0))
    for _ in range(5):
        assert client.popup(quick, 0, 2) != []
    client.notify("$/cancelRequest", {"id": ghost})
    assert client.answer(ghost)["error"]["code"] == -32800


def test_popup_and_ghost_text_of_one_key_are_both_answered(client: Any) -> None:
    uri = client.open("ab")
    for kinds in ((POPUP, GHOST), (GHOST, POPUP)):
        numbers = [client.request(kind, client.position(uri, 0, 2)) for kind in kinds]
        assert all(client.answer(number)["result"]["items"] for number in numbers)


def test_ghost_text_that_is_taken_is_followed_by_what_was_found_ahead(client: Any) -> None:
    uri = client.open("abc = 1\nabc")
    assert client.ghost(uri, 1, 3)[0]["insertText"] == "abc_tail"
    told = client.open("# told\n", uri="file:///somewhere/told.py")
    until(client, told, "ahead", "abc_tail")


def test_nothing_waits_for_what_is_done_ahead(client: Any) -> None:
    slow = client.open("x = 1  # slow ahead\nab", uri="file:///somewhere/ahead.py")
    quick = client.open("cd")
    for n in range(5):
        assert client.ghost(slow, 1, 2)[0]["insertText"] == "ab_tail"
        assert client.popup(quick, 0, 2)[0]["label"] == "cd_tail"
        assert client.popup(slow, 1, 2)[0]["label"] == "ab_tail"
        client.send(client.change(slow, client.edit(0, n, n, " "), version=2 + n))
    assert client.ghost(quick, 0, 2)[0]["insertText"] == "cd_tail"  # and what was done ahead for the other is dropped


def test_ghost_text_that_has_to_be_thought_about_comes_too(client: Any) -> None:
    assert client.ghost(client.open("# new\nab"), 1, 2)[0]["insertText"] == "ab_tail"


def until(client: Any, uri: str, what: str, value: str) -> None:
    """Wait until the engine was told ``value``; the tests before this one told it others."""
    client.until(lambda: value in facts(client.popup(uri, 1, 0)[0])[what])


@pytest.mark.parametrize("method", [POPUP, GHOST])
def test_an_edit_ends_a_running_request(client: Any, method: str) -> None:
    uri = client.open("# slow\nab")
    number = client.request(method, client.position(uri, 1, 2))
    client.send(client.change(uri, client.edit(0, 0, 6, "")))
    assert client.answer(number)["result"]["items"] == []
    assert client.popup(uri, 1, 2)[0]["label"] == "ab_tail"


def test_a_storm_of_keys_and_cancellations(client: Any) -> None:
    uri = client.open("# slow\n")
    numbers: list[int] = []
    for version in range(2, 202):
        ghost, popup = client.next_id(), client.next_id()
        here = client.position(uri, 1, version - 1)
        client.send(
            *({"method": "$/cancelRequest", "params": {"id": number}} for number in numbers[-2:]),
            client.change(uri, client.edit(1, version - 2, version - 2, "a"), version=version),
            {"id": ghost, "method": GHOST, "params": here | {"context": {"triggerKind": 2}}},
            {"id": popup, "method": POPUP, "params": here},
        )
        numbers += [ghost, popup]
    client.send(client.change(uri, client.edit(0, 0, 6, "# fast"), version=202))
    for number in numbers:
        answer = client.answer(number)
        assert answer.get("error", {}).get("code") == -32800 or answer["result"]["items"] == []
    assert client.popup(uri, 1, 200)[0]["label"] == "a" * 200 + "_tail"
    assert client.ghost(uri, 1, 200)[0]["insertText"] == "a" * 200 + "_tail"


def test_a_long_file(client: Any) -> None:
    text = "".join(f"value_{n} = compute({n})  # 😀\n" for n in range(20_000))
    uri = client.open(text)
    for n in range(10):
        client.send(client.change(uri, client.edit(20_000, n, n, "a"), version=2 + n))
    item = client.popup(uri, 20_000, 10)[0]
    assert item["label"] == "a" * 10 + "_tail"
    assert facts(item)["length"] == facts(item)["offset"] == len(text) + 10
    middle = client.popup(uri, 10_000, 5)[0]
    assert middle["label"] == "value_tail"
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def test_a_fault_in_the_engine_is_an_empty_answer_and_one_entry_in_the_log(client: Any) -> None:
    uri = client.open("# fault\n")
    before = client.log().count("\nValueError\n")
    for _ in range(3):
        assert client.popup(uri, 1, 0) == []
        assert client.ghost(uri, 1, 0) == []
    log = client.log()
    assert log.count("\nValueError\n") == before + 2  # of either handler
    assert "ValueError: the engine" not in log  # a text that could quote somebody's code
    assert log.count("completion failed") == log.count("Traceback")
    assert client.popup(client.open("ab"), 0, 2) != []


def moved(uri: Any, line: Any, character: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


def prepared(client: Any) -> Any:
    return client.told()["prepared"]


def test_where_the_cursor_has_moved_the_prompt_is_read_before_anything_is_asked(client: Any) -> None:
    uri = client.open("abc = 1\ncursor = 2", uri="file:///somewhere/moved.py")
    client.notify("textDocument/didMoveCursor", moved(uri, 1, 3))
    client.until(lambda: 11 in prepared(client))


def test_after_more_than_a_letter_the_prompt_is_read_at_its_end(client: Any) -> None:
    uri = client.open("abc = 1\n", uri="file:///somewhere/typed.py")
    client.send(client.change(uri, client.edit(1, 0, 0, "x"), version=2))
    client.send(client.change(uri, client.edit(1, 1, 1, " = a_whole_line\n"), version=3))
    client.until(lambda: 25 in prepared(client))
    assert 9 not in prepared(client)


@pytest.mark.parametrize(
    "params",
    [moved("file:///somewhere/unknown.py", 0, 0), moved(7, 0, 0), moved("file:///somewhere/a.py", -1, "x"), {}, None],
    ids=str,
)
def test_a_cursor_that_is_nowhere_is_no_cursor(client: Any, params: Any) -> None:
    before = prepared(client)
    client.notify("textDocument/didMoveCursor", params)
    assert prepared(client) == before
