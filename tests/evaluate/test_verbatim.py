"""Long verbatim copies: what counts as one, where it is found, and what the report says of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import LESSON
from tinycoder.complete.candidate import FROM_MODEL, Candidate, Document
from tinycoder.complete.parts import Parts
from tinycoder.evaluate.evaluation import PredictingCompleter, Results, Settings, Variant, evaluate
from tinycoder.evaluate.page import page
from tinycoder.evaluate.tables import tables
from tinycoder.evaluate.verbatim import LEARNT, THIS_FILE, WORKSPACE, Texts, copies, is_long, n_characters
from tinycoder.library import engine_maker
from tinycoder.storage.checkpoint import Model

LINE = "    return Quagga(okapi, stride=8, offset=zebra.offset)"
TEXT = f"import os\n\n\ndef quagga(okapi, zebra):\n{LINE}\n"
KNOWN = [Document(path="a.py", text="x = 1\n"), Document(path="pkg/b.py", text=TEXT), Document(path="c.py", text=TEXT)]


def texts(origin: str, *contents: str) -> Texts:
    return Texts(origin, [Document(path=f"{n}.py", text=text) for n, text in enumerate(contents)])


def test_a_copy_says_where_it_is_from_and_how_often() -> None:
    (copy,) = copies(LINE.strip(), [Texts(WORKSPACE, KNOWN)])
    assert (copy.text, copy.origin, copy.path, copy.line, copy.times) == (LINE.strip(), WORKSPACE, "pkg/b.py", 5, 2)
    assert copy.n_characters == n_characters(LINE)


@pytest.mark.parametrize("short", ["return self.total", "a b c d e f g h i", "x" * 49])
def test_what_is_short_is_no_copy(short: str) -> None:
    assert not is_long(short)
    assert copies(short, [texts(WORKSPACE, short)]) == ()


@pytest.mark.parametrize("long", ["a b c d e f g h i j", "f(a, b, c, d)", "x" * 50])
def test_what_is_long_enough(long: str) -> None:
    assert is_long(long)
    assert [copy.text for copy in copies(long, [texts(WORKSPACE, long)])] == [long]


def test_the_characters_must_be_the_same_and_white_space_too() -> None:
    assert copies(LINE.replace("stride=8", "stride=9"), [Texts(WORKSPACE, KNOWN)]) == ()
    assert copies(LINE.replace(", ", ",  "), [Texts(WORKSPACE, KNOWN)]) == ()
    assert copies(f"{LINE} + 1", [Texts(WORKSPACE, KNOWN)])[0].text == LINE.strip()
    windows = [Document(path="crlf.py", text=TEXT.replace("\n", "\r\n"))]
    assert copies(TEXT, [Texts(WORKSPACE, windows)])[0].text == TEXT.strip()


def test_the_longest_source_wins_and_of_equals_the_nearest() -> None:
    parts = [texts(THIS_FILE, LINE[:45]), texts(WORKSPACE, LINE), texts(LEARNT, LINE)]
    assert [copy.origin for copy in copies(LINE, parts)] == [WORKSPACE]
    two = "f(a, b, c, d)\n" + LINE
    assert [copy.origin for copy in copies(two, [texts(THIS_FILE, "f(a, b, c, d)\ng()"), texts(LEARNT, LINE)])] == [
        THIS_FILE,
        LEARNT,
    ]


@given(st.text("ab .\n", max_size=40), st.lists(st.text("ab .\n", max_size=80), max_size=3))
def test_every_copy_is_where_it_says(suggestion: str, known: list[str]) -> None:
    found = copies(suggestion, [texts(WORKSPACE, *known)])
    assert all(is_long(copy.text) and copy.text in suggestion for copy in found)
    for copy in found:
        text = known[int(copy.path.removesuffix(".py"))]
        place = text.index(copy.text)
        assert copy.line == text.count("\n", 0, place) + 1
    if is_long(suggestion) and any(suggestion.strip() in text for text in known):
        assert [copy.text for copy in found] == [suggestion.strip()]


def results(
    make: Callable[[Parts], PredictingCompleter], known: list[Document], held_out: Document, **more: object
) -> Results:
    settings = Settings(n_cursors=30, n_typed=0, n_bytes=0)
    variants = [Variant(name="all", parts=Parts())]
    return evaluate(make, [held_out], variants, settings, known=known, clock=lambda: 0.0, **more)  # type: ignore[arg-type]


def test_the_report_of_a_real_engine(model: Model) -> None:
    body = "".join(f"def quagga_{n}(okapi, zebra):\n{LINE}\n\n\n" for n in range(12))
    known = [Document(path="known.py", text=f"import os\n\n\n{body}")]
    held_out = Document(path="held.py", text="import sys\n" * 12 + f"\n\ndef mine(okapi, zebra):\n{LINE}\n")
    found = results(engine_maker(model, known), known, held_out)
    verbatim = found.variants[0].verbatim
    assert verbatim.n_shown >= verbatim.n_long >= verbatim.n_with_copy >= 1
    assert verbatim.by_origin[WORKSPACE] == len(verbatim.copies)
    assert 0 < verbatim.share_of_characters <= 1  # type: ignore[operator]
    longest = verbatim.copies[0]
    assert (longest.path, longest.source, longest.line) == ("held.py", "known.py", 5)
    assert longest.times == 12
    written = json.dumps(found.to_json())
    assert "known.py" in written
    assert "Quagga" not in written
    assert any("known.py:5" in row for row in tables(found)[-1].rows)
    assert "known.py:5" in page("title", {}, found)


def test_what_the_model_repeats_verbatim_is_its_own_or_what_it_learnt(model: Model) -> None:
    line = "    def collect(self, amount, start, total): return Counter(start).add(amount)"
    held_out = Document(path="held.py", text="import os\n" * 12 + f"\n\nclass Mine:\n{line}\n{LESSON}")

    class Parrot:
        def inline(self, document: Document, offset: int, *asked: object, **options: object) -> list[Candidate]:
            text = held_out.text[offset:].partition("\n")[0]
            return [Candidate(text=text, start=offset, end=offset, probability=1.0, provenance=FROM_MODEL)]

        def popup(self, document: Document, offset: int, *asked: object, **options: object) -> list[Candidate]:
            return []

        def observe(self, document: Document) -> None: ...

        def forget(self, path: str) -> None: ...

    def make(parts: Parts) -> PredictingCompleter:
        return Parrot()  # type: ignore[return-value]

    alone = results(make, [], held_out).variants[0].verbatim
    assert (alone.n_with_copy, alone.copies) == (0, ())
    assert alone.long_from_model == alone.n_long >= 1
    learnt = results(make, [], held_out, learnt=[Document(path="theirs.py", text=line)]).variants[0].verbatim
    assert learnt.long_from_model == 0
    assert learnt.by_origin[LEARNT] == learnt.n_long
    assert {copy.source for copy in learnt.copies} == {"theirs.py"}
