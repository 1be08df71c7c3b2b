"""Settings of ghost text, and settings that change while requests run."""

import json
from typing import Any

import pytest

POPUP, GHOST = "textDocument/completion", "textDocument/inlineCompletion"
ELSEWHERE = "file:///somewhere/else.py"


@pytest.fixture
def fresh(start: Any) -> Any:
    client = start()
    client.initialize()
    return client


def typed(client: Any, uri: str, line: int, character: int) -> dict[str, Any]:
    params = client.position(uri, line, character) | {"context": {"triggerKind": 2}}
    return {"id": client.next_id(), "method": GHOST, "params": params}


def test_by_hand_only(fresh: Any) -> None:
    fresh.configure(inline={"trigger": "manual"})
    uri = fresh.open("ab")
    assert fresh.ghost(uri, 0, 2, triggerKind=2) == []
    assert len(fresh.ghost(uri, 0, 2, triggerKind=1)) == 3
    assert fresh.popup(uri, 0, 2) != []
    fresh.configure(inline={"trigger": "automatic"})
    assert len(fresh.ghost(uri, 0, 2, triggerKind=2)) == 1


@pytest.mark.parametrize("kind", [1, 2])
def test_the_engine_is_told_how_many_lines_and_tokens(fresh: Any, kind: int) -> None:
    fresh.configure(inline={"maxLines": 5, "maxTokens": 7})
    uri = fresh.open("# asked\nab")
    asked = json.loads(fresh.ghost(uri, 1, 2, triggerKind=kind)[0]["insertText"])
    assert (asked["max_lines"], asked["max_tokens"]) == (5, 7)


def test_of_a_burst_the_last_key_is_thought_about(fresh: Any) -> None:
    fresh.configure(inline={"debounceMs": 50})
    uri = fresh.open("# new\n")
    requests = []
    for n in range(10):
        requests.append(typed(fresh, uri, 1, n + 1))
        fresh.send(fresh.change(uri, fresh.edit(1, n, n, "a"), version=2 + n), requests[-1])
    *earlier, last = [fresh.answer(request["id"])["result"]["items"] for request in requests]
    assert earlier == [[]] * 9
    assert last[0]["insertText"] == "a" * 10 + "_tail"
    assert fresh.told()["thought"] == 1


def test_ghost_text_at_hand_does_not_wait_for_quiet(fresh: Any) -> None:
    uri = fresh.open("# new\nab")
    other = fresh.open("cd", uri=ELSEWHERE)
    assert fresh.ghost(uri, 1, 2) != []
    fresh.configure(inline={"debounceMs": 5000})
    request = typed(fresh, uri, 1, 2)
    fresh.send(request, fresh.change(other, fresh.edit(0, 0, 0, "x")))  # no quiet: what waits for it is answered empty
    assert fresh.answer(request["id"])["result"]["items"][0]["insertText"] == "ab_tail"
    assert fresh.told()["thought"] == 1


def test_asked_for_by_hand_it_does_not_wait_either(fresh: Any) -> None:
    fresh.configure(inline={"debounceMs": 5000})
    uri = fresh.open("# new\nab")
    assert len(fresh.ghost(uri, 1, 2, triggerKind=1)) == 3


def test_a_request_that_waits_for_quiet_is_cancelled(fresh: Any) -> None:
    fresh.configure(inline={"debounceMs": 5000})
    uri = fresh.open("# new\nab")
    request = typed(fresh, uri, 1, 2)
    fresh.send(request)
    assert fresh.popup(uri, 1, 2) != []  # the request has been read
    fresh.notify("$/cancelRequest", {"id": request["id"]})
    assert fresh.answer(request["id"])["error"]["code"] == -32800
    assert fresh.told()["thought"] == 0
    assert fresh.leave() == 0
    assert "Traceback" not in fresh.log()


def test_a_request_that_a_key_overtakes_does_not_wait_for_quiet(fresh: Any) -> None:
    fresh.configure(inline={"debounceMs": 5000})
    uri = fresh.open("# new\nab")
    request = typed(fresh, uri, 1, 2)
    fresh.send(request)
    assert fresh.popup(uri, 1, 2) != []  # the request has been read
    fresh.send(fresh.change(uri, fresh.edit(1, 2, 2, "c")))
    assert fresh.popup(uri, 1, 3) != []
    assert fresh.leave() == 0
    assert fresh.answer(request["id"])["result"]["items"] == []  # else leaving would have cancelled it
    assert "Traceback" not in fresh.log()


def test_leaving_while_a_request_waits_for_quiet(fresh: Any) -> None:
    fresh.configure(inline={"debounceMs": 5000})
    uri = fresh.open("# new\nab")
    request = typed(fresh, uri, 1, 2)
    fresh.send(request)
    assert fresh.leave() == 0
    assert fresh.answer(request["id"])["error"]["code"] == -32800
    assert "Traceback" not in fresh.log()


@pytest.mark.parametrize(
    "settings",
    [{"enable": False}, {"popup": {"enable": False}, "inline": {"enable": False}}, {"model": "other"}, {"x": 1}],
)
def test_settings_that_change_while_requests_run(fresh: Any, settings: dict[str, Any]) -> None:
    uri = fresh.open("# slow\nab")
    position = fresh.position(uri, 1, 2)
    running = [fresh.request(POPUP, position), fresh.request(GHOST, position | {"context": {"triggerKind": 1}})]
    fresh.configure(**settings)
    fresh.send(fresh.change(uri, fresh.edit(0, 0, 6, "")))
    assert [fresh.answer(number)["result"]["items"] for number in running] == [[], []]
    fresh.configure()
    assert fresh.popup(uri, 1, 2)[0]["label"] == "ab_tail"
    assert fresh.ghost(uri, 1, 2)[0]["insertText"] == "ab_tail"
    assert "Traceback" not in fresh.log()


def test_a_storm_of_settings(fresh: Any) -> None:
    uri = fresh.open("ab")
    for n in range(30):
        fresh.configure(popup={"limit": 1 + n}, model=("stub", "other")[n % 2], trusted=n % 3 > 0, enable=n % 5 > 0)
    fresh.configure(popup={"limit": 99})
    assert json.loads(fresh.popup(uri, 0, 2)[0]["detail"])["limit"] == 99
    assert "Traceback" not in fresh.log()
