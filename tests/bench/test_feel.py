"""The judge of a typing session, on traces written for the test."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def judge(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("judge")


def trace(judge: ModuleType, *keys: tuple[str, ...]) -> list[Any]:
    """A key each 125 ms: what was typed, and what was shown after it, 10 ms apart."""
    found = []
    for n, (text, *shown) in enumerate(keys):
        at = 0.125 * n
        showings = [judge.Showing(at=at + 0.01 * i, text=each) for i, each in enumerate(shown)]
        kind = {"<": "erase", ">": "accept"}.get(text[:1], "type")
        found.append(judge.Key(at=at, kind=kind, text=text.lstrip("<>"), in_flight={}, showings=showings))
    return found


@pytest.mark.parametrize(
    "keys",
    [
        [("x", "", "yz"), ("y", "z"), ("z", "")],  # typed to its end
        [("x", "", "yz"), ("y", "z", "zoom")],  # it grew
        [("x", "", "yz"), ("a", "", "bc")],  # something else was typed
        [("x", "", "yz"), ("<", "", "xyz")],
        [("x", "", "yz"), (">yz", "", " = 1")],
        [("x", "", "yz"), ("y", "z"), ("z", "", "(a)")],
        [("x", "", "y  "), ("y", "  ", "")],  # only blanks were left
        [],
        [("x", "")],
    ],
)
def test_nothing_is_withdrawn(judge: ModuleType, keys: list[tuple[str, ...]]) -> None:
    assert judge.withdrawals(trace(judge, *keys)) == []


@pytest.mark.parametrize(
    ("keys", "kind", "expected", "shown"),
    [
        ([("x", "", "yzz"), ("y", "zz", "")], "gone", "zz", ""),
        ([("x", "", "yzz"), ("y", "zz", "z")], "shorter", "zz", "z"),
        ([("x", "", "yzz"), ("y", "zz", "a")], "other", "zz", "a"),
        ([("x", "", "yzz"), ("y", "zz"), ("z", "z", "")], "gone", "z", ""),
    ],
)
def test_withdrawn_and_not_seen_again(
    judge: ModuleType, keys: list[tuple[str, ...]], kind: str, expected: str, shown: str
) -> None:
    (found,) = judge.withdrawals(trace(judge, *keys))
    assert (found.kind, found.expected, found.shown, found.back) == (kind, expected, shown, None)
    assert found.key == len(keys) - 1
    assert found.after == pytest.approx(0.01)


def test_a_flicker_is_a_withdrawal_that_comes_back(judge: ModuleType) -> None:
    (same_key,) = judge.withdrawals(trace(judge, ("x", "", "yzz"), ("y", "zz", "", "zz")))
    assert same_key.back == pytest.approx(0.01)
    (next_key,) = judge.withdrawals(trace(judge, ("x", "", "yzz"), ("y", "zz", ""), ("z", "", "z")))
    assert next_key.back == pytest.approx(0.125)
    (too_late,) = judge.withdrawals(trace(judge, ("x", "", "yzz"), ("y", "zz", ""), ("a", "", "zz")))
    assert too_late.back is None
    (typed_out,) = judge.withdrawals(trace(judge, ("x", "", "yz"), ("y", "z", ""), ("z", "", "z")))
    assert typed_out.back is None


def test_insertions_are_stale_if_the_document_is_another_than_was_seen(judge: ModuleType) -> None:
    good = judge.Acceptance(at=0.0, kind="whole", text="b", result="ab", reference="ab")
    bad = judge.Acceptance(at=1.0, kind="row", text="b", result="aab", reference="ab")
    assert judge.stale([good, bad]) == [bad]


def exchange(judge: ModuleType, method: str, at: float, answered: float | None, cancelled: float | None = None) -> Any:
    return judge.Exchange(method=method, at=at, answered=answered, cancelled=cancelled)


def test_requests_in_flight(judge: ModuleType) -> None:
    assert judge.most_in_flight([]) == {}
    one_after_another = [exchange(judge, "ghost", n, n + 1) for n in range(5)]
    assert judge.most_in_flight(one_after_another) == {"ghost": 1}
    both = [exchange(judge, "ghost", 0, 2), exchange(judge, "ghost", 1, 3), exchange(judge, "popup", 1, 2)]
    assert judge.most_in_flight(both) == {"ghost": 2, "popup": 1}
    never = [exchange(judge, "ghost", 0, None), exchange(judge, "ghost", 9, 10)]
    assert judge.most_in_flight(never) == {"ghost": 2}


def test_a_cancelled_request_counts_only_if_it_is_not_answered_soon(judge: ModuleType) -> None:
    def most(answered: float | None) -> Any:
        cancelled = exchange(judge, "ghost", 0, answered, cancelled=1)
        return judge.most_in_flight([cancelled, exchange(judge, "ghost", 1, 2)], grace=0.1)["ghost"]

    assert most(1.05) == 1
    assert most(1.5) == 2
    assert most(None) == 2


def test_an_answer_that_nobody_wants_takes_no_time(judge: ModuleType) -> None:
    assert exchange(judge, "ghost", 1.0, 1.5).seconds == pytest.approx(0.5)
    assert exchange(judge, "ghost", 1.0, 1.5, cancelled=1.2).seconds is None
    assert exchange(judge, "ghost", 1.0, None).seconds is None


def test_percentiles(judge: ModuleType) -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [judge.percentile(values, share) for share in (0.0, 0.5, 0.95, 1.0)] == [1.0, 50.0, 95.0, 100.0]
    assert math.isnan(judge.percentile([], 0.5))
