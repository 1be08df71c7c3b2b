"""When no ghost text comes by itself: while it snoozes, and while text is deleted."""

import asyncio
from typing import Any

import pytest

from tinycoder_lsp.editor.snooze import Snooze


@pytest.fixture
def fresh(start: Any) -> Any:
    client = start()
    client.initialize()
    return client


def sentence(client: Any, *arguments: Any) -> str:
    """That with which the server refuses to snooze."""
    message: str = client.command("snooze", *arguments)["error"]["message"]
    return message


def test_while_it_snoozes_ghost_text_is_asked_for_and_the_list_goes_on(fresh: Any) -> None:
    uri = fresh.open("ab")
    assert fresh.ghost(uri, 0, 2) != []
    assert fresh.command("snooze", 15)["result"] == {"minutes": 15}
    assert fresh.ghost(uri, 0, 2) == []
    assert len(fresh.ghost(uri, 0, 2, triggerKind=1)) == 3
    assert fresh.popup(uri, 0, 2) != []
    assert fresh.command("snooze", 0)["result"] == {"minutes": 0}
    assert fresh.ghost(uri, 0, 2) != []


def test_the_status_says_for_how_long(fresh: Any) -> None:
    before = fresh.notice("didChangeStatus", busy=False)
    assert before["snooze"] is None
    fresh.command("snooze", 14.5)
    status = fresh.notice("didChangeStatus", snooze=15)
    assert "snoozing for 15 min" in status["message"]
    assert (status["kind"], status["state"], status["model"]) == ("Inactive", "ready", before["model"])
    fresh.command("snooze", 5)
    assert "snoozing for 5 min" in fresh.notice("didChangeStatus", snooze=5)["message"]
    fresh.command("snooze", 0)
    assert [each["params"] for each in fresh.notices if each["method"] == "didChangeStatus"][-1] == before


def test_it_ends_by_itself(fresh: Any) -> None:
    uri = fresh.open("ab")
    fresh.command("snooze", 0.002)
    assert fresh.notice("didChangeStatus", snooze=1)
    assert fresh.until(lambda: fresh.ghost(uri, 0, 2))
    told = [each["params"]["snooze"] for each in fresh.notices if each["method"] == "didChangeStatus"]
    assert told[-2:] == [1, None]


@pytest.mark.parametrize("arguments", [[], [None]])
def test_without_a_number_it_snoozes_for_half_an_hour(fresh: Any, arguments: list[Any]) -> None:
    assert fresh.command("snooze", *arguments)["result"] == {"minutes": 30}
    assert fresh.notice("didChangeStatus", snooze=30)


@pytest.mark.parametrize("odd", [-1, 10_001, 10**400, True, "15", [], {"minutes": 3}])
def test_what_is_no_number_of_minutes_is_refused_and_changes_nothing(fresh: Any, odd: Any) -> None:
    uri = fresh.open("ab")
    assert "TinyCoder cannot snooze: the number of minutes is" in sentence(fresh, odd)
    assert "a number from 0 to 10000 is needed" in sentence(fresh, odd)
    assert fresh.ghost(uri, 0, 2) != []
    assert "Traceback" not in fresh.log()


@pytest.mark.parametrize("shows", [True, False])
def test_a_message_tells_those_whose_editor_shows_no_status(start: Any, shows: bool) -> None:
    client = start()
    client.initialize(capabilities={"experimental": {"tinycoder": {"status": shows}}})
    client.command("snooze", 15)
    client.command("snooze", 0)
    said = [message["message"] for message in client.shown_messages()]
    assert said == ([] if shows else [client.notice("didChangeStatus", snooze=15)["message"], said[-1]])
    assert shows or "not snooze" in said[-1]


def test_other_states_are_told_before_the_snooze(fresh: Any) -> None:
    fresh.command("snooze", 20)
    fresh.configure(enable=False)
    status = fresh.notice("didChangeStatus", state="off")
    assert (status["snooze"], status["kind"]) == (20, "Inactive")
    assert "snoozing" not in status["message"]


def test_minutes_are_counted_down_to_nought_and_a_new_snooze_replaces_the_old() -> None:
    async def told() -> list[int]:
        left, ended = [], asyncio.Event()

        def note(minutes: int) -> None:
            left.append(minutes)
            if not minutes:
                ended.set()

        snooze = Snooze(note, minute_s=0.02)
        snooze.start(1000)
        snooze.start(2.5)
        await ended.wait()
        snooze.close()
        return left

    first, *left = asyncio.run(told())
    assert (first, left[0], left[-1]) == (1000, 3, 0)
    assert left == sorted(set(left), reverse=True)


def span(line: int, start: int, end_line: int, end: int) -> dict[str, Any]:
    """The removal of what lies between two positions."""
    places = {"start": {"line": line, "character": start}, "end": {"line": end_line, "character": end}}
    return {"range": places, "text": ""}


@pytest.mark.parametrize(
    ("text", "change", "cursor"),
    [
        ("x = abc", span(0, 6, 0, 7), (0, 6)),  # Backspace
        ("x = ab(c", span(0, 6, 0, 8), (0, 6)),  # a word
        ("ab c", span(0, 2, 0, 3), (0, 2)),  # Delete
        ("ab\n    ", span(0, 2, 1, 4), (0, 2)),  # the line's indentation and its beginning
        ("ab\r\ncd\r\n", span(0, 2, 1, 0), (0, 2)),
        ("ab\r\ncde\r\n", span(1, 2, 1, 3), (1, 2)),
        ("aaa", span(0, 2, 0, 3), (0, 1)),  # some clients name another of equal letters
        ("a😀b", span(0, 3, 0, 4), (0, 3)),
    ],
)
def test_after_a_deletion_none_comes_until_something_is_typed(
    fresh: Any, text: str, change: dict[str, Any], cursor: tuple[int, int]
) -> None:
    uri = fresh.open(text)
    fresh.send(fresh.change(uri, change))
    assert fresh.ghost(uri, *cursor) == []
    assert len(fresh.ghost(uri, *cursor, triggerKind=1)) == 3
    assert fresh.popup(uri, *cursor) != []
    line, character = cursor
    fresh.send(fresh.change(uri, fresh.edit(line, character, character, "b"), version=3))
    assert fresh.ghost(uri, line, character + 1) != []


def test_less_indentation_is_no_deletion(fresh: Any) -> None:
    uri = fresh.open("if a:\n    b\n        ")
    fresh.send(fresh.change(uri, span(2, 4, 2, 8)))
    assert fresh.ghost(uri, 2, 4) != []


def test_after_a_deletion_it_comes_where_the_cursor_moves(fresh: Any) -> None:
    uri = fresh.open("ab\ncde")
    fresh.send(fresh.change(uri, fresh.edit(1, 2, 3, "")))
    assert fresh.ghost(uri, 1, 2) == []
    assert fresh.ghost(uri, 0, 2) != []


@pytest.mark.parametrize(
    ("changes", "character"),
    [
        ([{"range": span(0, 0, 0, 3)["range"], "text": "ab"}], 2),  # over a selection
        ([{"range": span(0, 1, 0, 2)["range"], "text": "b"}], 2),  # over a bracket that was closed by itself
        ([span(0, 0, 0, 3), {"range": span(0, 0, 0, 0)["range"], "text": "ab"}], 2),
        ([{"text": "ab"}], 2),
    ],
)
def test_what_replaces_text_is_typed(fresh: Any, changes: list[dict[str, Any]], character: int) -> None:
    uri = fresh.open("abc")
    fresh.send(fresh.change(uri, *changes))
    assert fresh.ghost(uri, 0, character) != []


def test_a_document_that_is_opened_or_that_another_was_deleted_from_has_ghost_text(fresh: Any) -> None:
    here, there = fresh.open("ab"), fresh.open("abc", uri="file:///somewhere/b.py")
    fresh.send(fresh.change(there, fresh.edit(0, 2, 3, "")))
    assert fresh.ghost(here, 0, 2) != []
    assert fresh.ghost(there, 0, 2) == []
