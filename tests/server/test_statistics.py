"""Counts of suggestions: what is kept, what survives, and what a person reads."""

import dataclasses
import datetime
import html.parser
import json
import logging
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.errors import ConfigError
from tinycoder_lsp.stats.counts import (
    LATENCY_EDGES_MS,
    Counts,
    Day,
    from_json,
    of_answer,
    of_outcome,
    percentile_ms,
    plus,
    since,
    to_json,
)
from tinycoder_lsp.stats.figures import N_DAYS, NOTHING_YET, bars, figures, page, table, text
from tinycoder_lsp.stats.statistics import Statistics, clear, load, statistics_file
from tinycoder_lsp.stats.suggestion_tracker import How, Kind, Outcome

TODAY = datetime.date(2025, 3, 10)
NEVER = 1e6  # seconds; nothing is written unasked


def outcome(
    how: How = "accepted", *, kind: Kind = "inline", accepted: int = 0, typed: int = 0, rank: int | None = None
) -> Outcome:
    return Outcome(kind=kind, how=how, shown_s=1.0, n_chars=10, accepted_chars=accepted, typed_chars=typed, rank=rank)


def recorder(home: Path, *, today: datetime.date = TODAY, enabled: bool = True) -> Statistics:
    return Statistics(home, enabled=enabled, today=lambda: today, pause_s=NEVER)


def fill(statistics: Statistics) -> Statistics:
    statistics.add(of_outcome(outcome("accepted", accepted=8, typed=2)))
    statistics.add(of_outcome(outcome("partly", accepted=5)))
    statistics.add(of_outcome(outcome("typed", typed=10)))
    statistics.add(of_outcome(outcome("ignored")))
    statistics.add(of_outcome(outcome("flashed")))
    statistics.add(of_outcome(outcome("accepted", kind="popup", accepted=6, rank=1)))
    statistics.add(of_outcome(outcome("accepted", kind="popup", accepted=7, rank=4)))
    for milliseconds in range(1, 101):
        statistics.add(of_answer("inline", milliseconds, milliseconds % 2))
    statistics.add(of_answer("popup", 5_000.0, 7))
    return statistics


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_what_is_counted_is_there_again(home: Path) -> None:
    statistics = fill(recorder(home))
    statistics.close()
    day = load(home)[TODAY]
    assert (day.inline.shown, day.inline.taken, day.inline.flashed) == (4, 2, 1)
    assert (day.inline.accepted_chars, day.inline.typed_chars) == (13, 12)
    assert (day.inline.answers, day.inline.suggested, sum(day.inline.latency)) == (100, 50, 100)
    assert (day.popup.accepted, day.popup.ranks, day.popup.accepted_chars) == (2, 5, 13)
    assert (day.popup.answers, day.popup.suggested) == (1, 1)


def test_no_names_and_no_code_are_kept(home: Path) -> None:
    fill(recorder(home)).close()
    assert [path.name for path in home.iterdir() if "lock" not in path.name] == ["statistics.json"]
    texts = set(re.findall(r'"(.*?)"', statistics_file(home).read_text()))
    fields = {field.name for field in dataclasses.fields(Counts)}
    assert texts <= {"format", "days", TODAY.isoformat(), "inline", "popup", *fields}


def test_switched_off_nothing_is_counted(home: Path) -> None:
    statistics = fill(recorder(home, enabled=False))
    statistics.close()
    assert not home.exists()
    statistics.enabled = True
    statistics.add(of_outcome(outcome()))
    statistics.close()
    assert load(home)[TODAY].inline.accepted == 1


def test_written_after_a_while_without_being_asked(home: Path) -> None:
    statistics = Statistics(home, today=lambda: TODAY, pause_s=0.0)
    statistics.add(of_outcome(outcome()))
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(60)
    assert load(home)[TODAY].inline.accepted == 1
    statistics.close()


def test_two_servers_lose_nothing(home: Path) -> None:
    first, second = recorder(home), recorder(home)
    first.add(of_outcome(outcome()))
    second.add(of_outcome(outcome()))
    first.flush()
    second.flush()
    second.flush()
    first.add(of_outcome(outcome()))
    assert second.days()[TODAY].inline.accepted == 2
    assert first.days()[TODAY].inline.accepted == 3
    assert load(home)[TODAY].inline.accepted == 3


def test_many_threads_lose_nothing(home: Path) -> None:
    servers = [recorder(home) for _ in range(3)]

    def work(statistics: Statistics) -> None:
        for _ in range(10):
            statistics.add(of_outcome(outcome()))
            statistics.flush()

    threads = [threading.Thread(target=work, args=(statistics,)) for statistics in servers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for statistics in servers:
        statistics.close()
    assert load(home)[TODAY].inline.accepted == 60


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"format": 1}',
        b'{"format": true, "days": {}}',
        b'{"format": 1, "days": {"yesterday": {}}}',
        *(
            b'{"format": 1, "days": {"2025-03-10": {"inline": {%b}}}}' % odd
            for odd in (b'"accepted": -1', b'"accepted": 1.5', b'"latency": [1]')
        ),
    ],
)
def test_a_damaged_file_is_kept_aside(home: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    home.mkdir()
    statistics_file(home).write_bytes(damage)
    with pytest.raises(ConfigError, match="damaged"):
        load(home)
    statistics = recorder(home)
    for _ in range(2):
        statistics.add(of_outcome(outcome()))
        statistics.flush()
    assert load(home)[TODAY].inline.accepted == 2
    assert (home / "statistics.json.damaged").read_bytes() == damage
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_a_file_of_a_later_version_is_left_alone(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    home.mkdir()
    statistics_file(home).write_text('{"format": 99, "days": "?"}')
    statistics = recorder(home)
    for _ in range(2):
        statistics.add(of_outcome(outcome()))
        statistics.flush()
    statistics.close()
    assert statistics_file(home).read_text() == '{"format": 99, "days": "?"}'
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
    with pytest.raises(ConfigError, match="later version"):
        load(home)


def test_a_home_that_cannot_be_written(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    home.write_text("this is no folder")
    statistics = recorder(home)
    for _ in range(3):
        statistics.add(of_outcome(outcome()))
        statistics.flush()
    assert len(caplog.records) == 1
    assert statistics.days()[TODAY].inline.accepted == 3  # not kept, but known
    home.unlink()
    statistics.close()
    assert load(home)[TODAY].inline.accepted == 3


def test_very_old_days_are_dropped(home: Path) -> None:
    old = TODAY - datetime.timedelta(days=401)
    for day in (old, TODAY - datetime.timedelta(days=400)):
        statistics = recorder(home, today=day)
        statistics.add(of_outcome(outcome()))
        statistics.close()
    assert old in load(home)
    statistics = recorder(home)
    statistics.add(of_outcome(outcome()))
    statistics.close()
    assert sorted(load(home)) == [TODAY - datetime.timedelta(days=400), TODAY]


def test_cleared(home: Path) -> None:
    assert not clear(home)
    assert not home.exists()
    fill(recorder(home)).close()
    (home / "statistics.json.damaged").write_text("?")
    assert clear(home)
    assert load(home) == {}
    assert not clear(home)


def test_headline_figures(home: Path) -> None:
    fill(recorder(home, today=TODAY - datetime.timedelta(days=7))).close()
    fill(recorder(home, today=TODAY - datetime.timedelta(days=6))).close()
    statistics = recorder(home)
    statistics.add(of_outcome(outcome("accepted", accepted=10)))
    found = figures(statistics.days(), TODAY)
    inline, popup = found["inline"], found["popup"]
    assert isinstance(inline, dict)
    assert isinstance(popup, dict)
    assert [inline[span]["shown"] for span in ("today", "week", "all")] == [1, 5, 9]
    assert [inline[span]["rate"] for span in ("today", "week", "all")] == [1.0, 0.6, 0.5556]
    assert inline["today"]["keys_saved"] == 9
    assert inline["week"]["keys_saved"] == 9 + (13 - 2)
    assert popup["week"]["keys_saved"] == 13 - 5
    assert inline["today"]["p50_ms"] is None
    assert inline["week"]["p50_ms"] == pytest.approx(50, abs=2)
    assert inline["week"]["p95_ms"] == pytest.approx(95, abs=2)
    assert popup["week"]["p50_ms"] == LATENCY_EDGES_MS[-1]
    assert (popup["today"]["mean_rank"], popup["week"]["mean_rank"]) == (None, 2.5)
    json.dumps(found)


def test_table_and_bars(home: Path) -> None:
    statistics = fill(recorder(home))
    days = statistics.days()
    rows = {row[0].strip(): row[1:] for row in table(days, TODAY)}
    assert rows["Ghost text shown"] == ("4", "4", "4")
    assert rows["acceptance rate"] == ("50%", "50%", "50%")
    assert rows["mean row"] == ("2.5", "2.5", "2.5")
    drawn = bars(days, TODAY)
    assert len(drawn) == N_DAYS
    assert drawn[-1] == f"03-10 {'#' * 20}{'.' * 20} 2 of 4"
    assert drawn[0] == "02-25"
    for line in [*drawn, "Ghost text shown"]:
        assert line in text(days, TODAY)


def test_without_counts() -> None:
    assert text({}, TODAY) == NOTHING_YET
    assert "Nothing has been suggested yet" in page({}, TODAY)
    empty = figures({}, TODAY)["inline"]
    assert isinstance(empty, dict)
    assert empty["all"]["rate"] is None


class Tags(html.parser.HTMLParser):
    """Which tags are open, and which there are."""

    VOID = ("meta", "rect", "line", "circle", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_stands_alone(home: Path) -> None:
    summary = fill(recorder(home)).summary()
    assert summary.keys() == {"text", "html", "inline", "popup"}
    found = str(summary["html"])
    tags = Tags()
    tags.feed(found)
    assert tags.open == []
    assert {"style", "table", "svg", "rect"} <= tags.seen
    assert not {"script", "link", "img", "iframe"} & tags.seen
    assert not {"src", "href", "style"} & tags.attributes
    assert not any(name.startswith("on") for name in tags.attributes)
    assert found.count("<svg") == 4


def test_counting_needs_nothing_heavy() -> None:
    code = (
        "import sys, tinycoder_lsp.stats.statistics\n"
        "heavy = {'numpy', 'rich', 'tinycoder.evaluate', 'pygls', 'lsprotocol'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


NUMBERS = st.integers(0, 10**9)
COUNTS = st.builds(
    Counts,
    answers=NUMBERS,
    accepted=NUMBERS,
    typed_chars=NUMBERS,
    ranks=NUMBERS,
    latency=st.tuples(*[NUMBERS] * (len(LATENCY_EDGES_MS) + 1)),
)
DAYS = st.dictionaries(st.dates(), st.builds(Day, inline=COUNTS, popup=COUNTS), max_size=4)


@given(days=DAYS)
def test_days_as_json_and_back(days: dict[datetime.date, Day]) -> None:
    assert from_json(json.loads(json.dumps(to_json(days)))) == days


@given(days=DAYS)
def test_nothing_is_lost_in_sums(days: dict[datetime.date, Day]) -> None:
    every = since(days, datetime.date.min)
    assert every.inline.accepted == sum(day.inline.accepted for day in days.values())
    assert sum(every.popup.latency) == sum(sum(day.popup.latency) for day in days.values())
    assert page(days, TODAY)
    assert text(days, TODAY)


@given(times=st.lists(st.floats(0, 999), min_size=1, max_size=30))
def test_percentiles_are_in_the_bucket_of_the_true_one(times: list[float]) -> None:
    counted = Day()
    for milliseconds in times:
        counted = plus(counted, of_answer("inline", milliseconds, 1))
    for q in (0.5, 0.95):
        found = percentile_ms(counted.inline.latency, q)
        assert found is not None
        true = sorted(times)[max(0, -int(-q * len(times) // 1) - 1)]
        edges = [0, *LATENCY_EDGES_MS]
        low = max(edge for edge in edges if edge <= true)
        assert low <= found <= min(edge for edge in edges if edge > true)
