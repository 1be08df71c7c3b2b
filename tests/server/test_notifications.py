"""What an editor may say of suggestions and documents, in the shapes that Copilot's clients use."""

from pathlib import Path
from typing import Any

import pytest

SHOW, PART, FOCUS = (
    f"textDocument/{name}" for name in ("didShowCompletion", "didPartiallyAcceptCompletion", "didFocus")
)


def counted(client: Any) -> dict[str, Any]:
    """The counts of ghost text."""
    value: dict[str, Any] = client.command("showStats")["result"]["inline"]["all"]
    return value


@pytest.fixture
def fresh(start: Any, stub_home: Path, tmp_path: Path) -> Any:
    """A server whose home has no counts yet."""
    client = start(model=str(stub_home / "models" / "stub"), home=tmp_path / "home")
    client.initialize()
    return client


def test_a_part_is_taken(fresh: Any) -> None:
    uri = fresh.open("ab")
    item = fresh.ghost(uri, 0, 2)[0]
    fresh.notify(SHOW, {"item": item})
    fresh.notify(PART, {"item": item, "acceptedLength": 4})  # of "ab_tail", so "_t"
    fresh.send(fresh.change(uri, fresh.edit(0, 2, 2, "_t")))
    fresh.send(fresh.change(uri, {"text": "else"}, version=3))
    found = counted(fresh)
    assert (found["partly"], found["accepted"], found["accepted_chars"]) == (1, 0, 2)


def test_all_is_taken(fresh: Any) -> None:
    uri = fresh.open("ab")
    item = fresh.ghost(uri, 0, 2)[0]
    fresh.notify(SHOW, {"item": item})
    fresh.accept(item)
    fresh.send(fresh.change(uri, fresh.edit(0, 2, 2, "_tail")))
    found = counted(fresh)
    assert (found["partly"], found["accepted"], found["accepted_chars"]) == (0, 1, 5)


def test_what_the_editor_never_showed_is_not_ignored(fresh: Any) -> None:
    uri = fresh.open("ab")
    item = fresh.ghost(uri, 0, 2)[0]
    fresh.notify(SHOW, {"item": item})
    fresh.send(fresh.change(uri, {"text": "cd"}))
    fresh.ghost(uri, 0, 2)  # not shown
    fresh.send(fresh.change(uri, {"text": "ef"}, version=3))
    assert counted(fresh)["ignored"] == 0


@pytest.mark.parametrize(
    "params",
    [
        *(None, [], "x", 3, {}, {"item": None}, {"item": 3}, {"item": {"command": None}}),
        *(
            {"item": {"command": {"arguments": odd}}}
            for odd in (None, [], "abc", 3, True, {"a": 1}, [None], [{"a": 1}])
        ),
        {"item": {"command": {"arguments": ["no such"]}}},
        {"class": 1, "item": {"def": 2, "_private": 3}},
    ],
)
def test_odd_words_are_passed_over(client: Any, params: Any) -> None:
    lengths: list[Any] = [None, -1, 0, 3, 10**400, 2.5, "3", True, []]
    uri = client.open("ab")
    item = client.ghost(uri, 0, 2)[0]
    for method in (SHOW, PART, FOCUS):
        client.notify(method, params)
    for length in lengths:
        client.notify(PART, {"item": item, "acceptedLength": length})
        if isinstance(params, dict):
            client.notify(PART, params | {"acceptedLength": length})
    assert client.popup(uri, 0, 2)[0]["label"] == "ab_tail"
    assert "Traceback" not in client.log()
    assert "ERROR" not in client.log()
    assert client.shown_messages() == []


@pytest.mark.parametrize("params", [{"textDocument": {"uri": "file:///x/a.py"}}, {}, None])
def test_a_model_trained_meanwhile_is_found_when_a_document_comes_to_the_front(
    start: Any, tmp_path: Path, params: Any
) -> None:
    client = start(model="late", home=tmp_path)
    client.initialize()
    assert client.notice("didChangeStatus", busy=False)["state"] == "error"
    (tmp_path / "models" / "late").mkdir(parents=True)
    client.notify(FOCUS, params)
    assert client.notice("didChangeStatus", state="ready")["model"] == "late"


@pytest.mark.parametrize("answer", [{}, 3, [[]]])
def test_an_odd_answer_to_what_is_configured(start: Any, answer: Any) -> None:
    client = start(configuration=...)
    client.ask(
        "initialize", {"processId": None, "rootUri": None, "capabilities": {"workspace": {"configuration": True}}}
    )
    client.notify("initialized", {})
    uri = client.open("ab")
    client.popup(uri, 0, 2)  # the question has been sent before this answer
    (question,) = client.asked
    client.send({"id": question["id"], "result": answer})
    assert client.notice("didChangeStatus", state="ready")["model"] == "stub"
    assert client.popup(uri, 0, 2) != []
    assert "initialized failed" not in client.log()


def test_an_editor_that_says_the_status_itself_gets_no_message(start: Any, tmp_path: Path) -> None:
    for able, n in ((None, 1), ({"tinycoder": {"status": True}}, 0), ({"tinycoder": 3}, 1), ([], 1)):
        client = start(model="nobody", home=tmp_path)
        client.initialize({} if able is None else {"experimental": able})
        assert "there is no model 'nobody'" in client.notice("didChangeStatus", state="error")["message"]
        client.error("nope/nope")  # all that was said before has come
        assert len(client.shown_messages()) == n
