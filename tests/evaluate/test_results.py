"""The whole evaluation with completers that know all, nothing, or a little."""

import html.parser
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest, NameOrigin
from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import TokenCost
from tinycoder.complete.text import typed_word
from tinycoder.errors import ConfigError, CorpusError
from tinycoder.evaluate.baseline import CopyBaseline
from tinycoder.evaluate.evaluation import PredictingCompleter, Results, Settings, Variant, evaluate, variants_of
from tinycoder.evaluate.page import page
from tinycoder.evaluate.tables import tables
from tinycoder.stop import Stop

LINES = [
    f"def double_{n}(number):\n    result = number * {n} + constant.value\n    return result\n\n\n" for n in range(20)
]
HELD_OUT = [
    Document(path="held/one.py", text="import constant\n\n" + "".join(LINES)),
    Document(path="held/last.py", text="import last\n\n" + "".join(LINES[5:15])),
    Document(path="held/two.py", text="import other\r\n\r\n" + "".join(LINES[::-1]).replace("\n", "\r\n")),
]
KNOWN = [Document(path="known.py", text="".join(LINES[:3]))]
SETTINGS = Settings(n_cursors=12, n_typed=1_500, n_bytes=300)
PERFECT = [Variant(name="all", parts=Parts())]


class Silent:
    """Offers nothing, predicts bytes at random, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Document] = []
        self.open: set[str] = set()

    def inline(
        self, document: Document, offset: int, request: GhostRequest = GhostRequest(), *, stop: Stop
    ) -> list[Candidate]:
        assert self.shown[-1] == document
        return []

    def popup(
        self, document: Document, offset: int, request: ListRequest = ListRequest(), *, stop: Stop
    ) -> list[Candidate]:
        assert self.shown[-1] == document
        return []

    def observe(self, document: Document) -> None:
        self.shown.append(document)
        self.open.add(document.path)

    def forget(self, path: str) -> None:
        self.open.discard(path)

    def costs(self, document: Document, *, stop: Callable[[], bool]) -> Iterator[TokenCost]:
        for character in document.text:
            yield TokenCost(n_bytes=len(character.encode()), bits=8.0, probability=1 / 256, rank_is_first=False)


class Oracle(Silent):
    """Knows the files verbatim."""

    def __init__(self, documents: Sequence[Document]) -> None:
        super().__init__()
        self.truths = {document.path: document.text.replace("\r\n", "\n") for document in documents}

    def inline(
        self, document: Document, offset: int, request: GhostRequest = GhostRequest(), *, stop: Stop
    ) -> list[Candidate]:
        typed = typed_word(document.text, offset)
        line = self.truths[document.path][offset:].partition("\n")[0]
        start = offset - len(typed)
        return [Candidate(text=typed + line, start=start, end=offset, probability=1.0, provenance=NameOrigin("oracle"))]

    def popup(
        self, document: Document, offset: int, request: ListRequest = ListRequest(), *, stop: Stop
    ) -> list[Candidate]:
        typed = typed_word(document.text, offset)
        found = re.match(r"\w+", self.truths[document.path][offset:])
        word = typed + (found.group() if found else "")
        return [
            Candidate(
                text=word,
                start=offset - len(typed),
                end=offset,
                probability=1.0,
                provenance=NameOrigin("oracle"),
            )
        ]


def results(
    make: Callable[[Parts], PredictingCompleter], variants: Sequence[Variant] = PERFECT, settings: Settings = SETTINGS
) -> Results:
    ticks = itertools.count()
    done = [0.0]
    found = evaluate(
        *(make, HELD_OUT, variants, settings),
        known=KNOWN,
        clock=lambda: next(ticks) / 1000,
        report=lambda progress: done.append(progress.done),
    )
    assert done == sorted(done)
    assert done[-1] <= 1
    return found


@pytest.mark.parametrize("after_rest", [False, True])
def test_who_knows_the_truth_is_always_right(after_rest: bool) -> None:
    settings = Settings(n_cursors=12, n_typed=900, n_bytes=300, after_rest=after_rest)
    found = results(lambda parts: Oracle(HELD_OUT), settings=settings).variants[0]
    assert [(popup.top_1, popup.mean_reciprocal_rank) for popup in found.popup] == [(1.0, 1.0)] * 4
    inline = found.inline
    assert (inline.shown, inline.exact, inline.similarity, inline.correct_share) == (1.0, 1.0, 1.0, 1.0)
    assert (inline.valid_of_shown, inline.exact_of_shown) == (1.0, 1.0)
    keys = found.typing.keys_per_character
    assert keys["best"] is not None
    assert keys["inline"] is not None
    assert keys["best"] <= keys["inline"] < 0.15
    assert found.calibration["inline"].error == 0.0
    assert len(found.best) > 0
    assert found.worst == ()


def test_who_knows_nothing_saves_nothing() -> None:
    found = results(lambda parts: Silent()).variants[0]
    assert set(found.typing.keys_per_character.values()) == {1.0}
    assert (found.inline.shown, found.inline.exact, found.inline.similarity) == (0.0, 0.0, 0.0)
    assert found.inline.exact_of_shown is None
    assert [popup.top_1 for popup in found.popup] == [0.0] * 4
    assert found.prediction.bits_per_byte == 8.0
    assert found.prediction.token_accuracy == 0.0
    assert 300 <= found.prediction.n_bytes <= 302
    assert (found.latency_ms["inline"].p50, found.latency_ms["inline"].n) == (1.0, found.inline.n)


@pytest.mark.parametrize("after_rest", [False, True])
def test_nobody_sees_what_is_asked_for(after_rest: bool) -> None:
    made: list[Silent] = []

    def make(parts: Parts) -> Silent:
        made.append(Silent())
        return made[-1]

    results(make, settings=Settings(n_cursors=12, n_typed=900, n_bytes=300, after_rest=after_rest))
    truths = Oracle(HELD_OUT).truths
    assert sum(len(one.shown) for one in made) > 500
    for document in (document for one in made for document in one.shown):
        truth = truths[document.path]
        assert len(document.text) < len(truth)
        if not after_rest:
            assert truth.startswith(document.text)
    assert not any(one.open for one in made)


def test_variants_are_engines_with_some_of_their_parts() -> None:
    asked: list[Parts] = []

    def make(parts: Parts) -> PredictingCompleter:
        asked.append(parts)
        return Oracle(HELD_OUT) if parts.memory else Silent()

    variants = variants_of(["memory", "cut"])
    found = results(make, variants)
    assert [one.name for one in found.variants] == [
        *("all", "without memory", "without cut"),
        *("n-gram alone", "transformer alone", "copy alone"),
    ]
    assert [one.inline.exact for one in found.variants][:5] == [1.0, 0.0, 1.0, 1.0, 0.0]
    assert found.variants[-1].prediction.bits_per_byte is None
    assert set(asked) == {Parts(), Parts(memory=False), Parts(cut=False), Parts(model=False)}
    assert len(variants_of(ablate=True, baselines=False)) == 1 + len(Parts.__dataclass_fields__)
    with pytest.raises(ConfigError, match="moon"):
        variants_of(["moon"])


def test_differences_from_the_first_variant() -> None:
    variants = [*PERFECT, Variant(name="nothing", parts=Parts(memory=False)), Variant(name="same", parts=Parts())]
    found = results(lambda parts: Oracle(HELD_OUT) if parts.memory else Silent(), variants)
    assert set(found.differences) == {"nothing", "same"}
    nothing, same = found.differences["nothing"], found.differences["same"]
    assert (nothing["exact"].low, nothing["exact"].value, nothing["exact"].high) == (-1.0, -1.0, -1.0)
    assert nothing["first k=1"].value == -1.0
    keys = nothing["best keys"]
    assert keys.low is not None
    assert keys.high is not None
    assert 0.8 < keys.low <= keys.value <= keys.high < 1
    assert all(one.low == one.value == one.high == 0 for one in same.values())
    few = results(lambda parts: Silent(), variants, Settings(n_cursors=12, n_typed=500, n_bytes=0))
    assert few.differences["same"]["best keys"].low is None


def test_everything_but_time_can_be_repeated() -> None:
    def make(parts: Parts) -> PredictingCompleter:
        return CopyBaseline(KNOWN)

    first, second = results(make), results(make)
    assert first == second
    other = results(make, settings=Settings(n_cursors=12, n_typed=900, n_bytes=300, seed=1))
    assert other.variants != first.variants


def test_the_baseline_continues_what_was_typed_before() -> None:
    copier = CopyBaseline([Document(path="a.py", text="first = compute(1)\nsecond = compute(2)\n")])

    def inline(text: str) -> list[str]:
        found = copier.inline(Document(path="b.py", text=text), len(text), stop=lambda: False)
        return [one.text for one in found]

    assert inline("import x\nsecond = ") == ["compute(2)"]
    assert inline("third = old\nthird = new\nthird = ") == ["new"]
    assert inline("zzz") == []
    assert inline("") == []
    text = "alpha = 1\nalbatross = 2\nal"
    words = copier.popup(Document(path="b.py", text=text), len(text), stop=lambda: False)
    assert [word.text for word in words] == ["albatross", "alpha"]


@pytest.mark.parametrize("documents", [[], [Document(path="a.py", text="")]])
def test_nothing_to_ask_about(documents: list[Document]) -> None:
    with pytest.raises(CorpusError, match="nothing to ask"):
        evaluate(lambda parts: Silent(), documents, PERFECT, SETTINGS, known=KNOWN, clock=lambda: 0.0)


def test_the_json_holds_figures_and_no_text() -> None:
    text = json.dumps(results(lambda parts: Oracle(HELD_OUT)).to_json(), allow_nan=False)
    assert "constant" not in text
    assert json.loads(text)["variants"][0]["inline"]["exact"] == 1.0


def test_tables_have_a_row_for_each_variant() -> None:
    found = tables(results(lambda parts: Oracle(HELD_OUT), variants_of()))
    assert len(found) == 8
    for table in found[:-1]:
        assert [len(row) for row in table.rows] == [len(table.columns)] * 4


class Elements(html.parser.HTMLParser):
    """Collects what a page would load, and checks that its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.links += [tag] if tag in ("script", "link", "img", "iframe", "object") else []
        if tag not in ("meta", "br"):
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def _same(completer: PredictingCompleter, parts: Parts) -> PredictingCompleter:
    return completer


def test_the_page_is_self_contained_and_escapes_code() -> None:
    evil = "value = '<script src=https://example.org/x.js>' if a < b else c & d\n"
    documents = [Document(path="<b>.py", text="".join(f"name_{n} = 1\n" for n in range(12)) + evil * 20)]

    class Wrong(Oracle):
        def inline(
            self, document: Document, offset: int, request: GhostRequest = GhostRequest(), *, stop: Stop
        ) -> list[Candidate]:
            return [
                Candidate(
                    text="<img src=x>",
                    start=offset,
                    end=offset,
                    probability=0.9,
                    provenance=NameOrigin("wrong"),
                )
            ]

    for completer in (Oracle(documents), Wrong(documents)):
        make = partial(_same, completer)
        found = evaluate(make, documents, PERFECT, SETTINGS, known=[], clock=lambda: 0.0)
        text = page("<title>", {"model": "<i>"}, found)
        elements = Elements()
        elements.feed(text)
        assert elements.stack == []
        assert elements.links == []
        assert "url(" not in text
        assert "@import" not in text
        assert "&lt;b&gt;.py" in text
        assert "prefers-color-scheme: dark" in text
    assert "&lt;img src=x&gt;" in text
