"""Single measures with known values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.candidate import Candidate, NameOrigin
from tinycoder.evaluate.measures import (
    calibration,
    continues,
    correct_characters,
    could_begin_a_module,
    ghost_text,
    latency,
    popup_rows,
    rank,
    similarity,
)

BEGUN = ["", "x = 1\n", "if x:\n", "f(1,\n", "def f(self,\n", "try:\n    x\n", "x = '''a\n", "class A:\n    x = [\n"]
WRONG = ["x = = 1\n", "return)\n", "f(]\n", "if x\n", "x = 'a\n", "def f(:\n", "x\0\n"]


def candidate(text: str, start: int, end: int, probability: float = 0.5) -> Candidate:
    return Candidate(text=text, start=start, end=end, probability=probability, provenance=NameOrigin("stub", "test"))


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [("", "", 1.0), ("abc", "", 0.0), ("kitten", "sitting", 1 - 3 / 7), ("ab", "ba", 0.0), ("abcd", "abcx", 0.75)],
)
def test_similarity(a: str, b: str, value: float) -> None:
    assert similarity(a, b) == pytest.approx(value)
    assert similarity(b, a) == pytest.approx(value)


@given(st.text(max_size=20), st.text(max_size=20))
def test_similarity_is_a_share(a: str, b: str) -> None:
    assert 0 <= similarity(a, b) <= 1
    assert similarity(a, a) == 1
    assert correct_characters(a, a + b) == len(a)


def test_what_continues_a_text_ends_between_words() -> None:
    assert continues("total = first", 0, "total")
    assert continues("total = first", 5, " = ")
    assert not continues("total = first", 0, "tot")
    assert not continues("total = first", 0, "")
    assert not continues("total = first", 0, "total = second")
    assert continues("total", 0, "total")


def test_ghost_text_is_what_follows_the_typed_text() -> None:
    assert ghost_text(candidate("total = 1", 4, 6), "x = to", 6) == "tal = 1"
    assert ghost_text(candidate("Total = 1", 4, 6), "x = to", 6) == ""
    assert ghost_text(candidate("  \n", 6, 6), "x = to", 6) == ""


def test_popup_rows_are_filtered_as_an_editor_does() -> None:
    text = "self.to"
    rows = popup_rows(
        [
            candidate("Total", 5, 7, 0.1),
            candidate("total", 5, 7, 0.2),
            candidate("other", 5, 7),
            candidate("tally(", 7, 7),
        ],
        text,
        7,
        5,
    )
    assert rows == [("total", 0.2), ("totally(", 0.5), ("Total", 0.1)]
    assert popup_rows([candidate("self.total", 0, 7)], text, 7, 5) == [("total", 0.5)]


def test_rank_wants_exactly_the_identifier() -> None:
    assert rank(["totals", "total(", "total"], "x = total", 4, 9) == 2
    assert rank(["tot", "totals"], "x = total", 4, 9) is None
    assert rank([], "x", 0, 1) is None


def test_calibration_of_four_offers() -> None:
    found = calibration([(0.95, True), (0.93, False), (0.12, False), (1.0, True)])
    assert found.n == 4
    assert [(b.low, b.n, b.right) for b in found.bins] == [(0.1, 1, 0.0), (0.9, 3, 0.6667)]
    assert found.bins[1].probability == pytest.approx(0.96)
    assert found.error == pytest.approx((0.12 + 3 * (0.96 - 2 / 3)) / 4, abs=1e-3)
    assert calibration([]).error is None


def test_percentiles_of_a_hundred_latencies() -> None:
    found = latency([0.001 * i for i in range(1, 101)])
    assert (found.n, found.p50, found.p95, found.p99) == (100, 50.0, 95.0, 99.0)
    assert sum(found.counts) == 100
    assert latency([]).p50 is None


@pytest.mark.parametrize("source", [*BEGUN, *WRONG])
def test_what_could_begin_a_module(source: str) -> None:
    assert could_begin_a_module(source) == (source in BEGUN)
