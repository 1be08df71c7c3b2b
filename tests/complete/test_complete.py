from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest
from tinycoder.complete.context import document_ids
from tinycoder.complete.engine import Engine
from tinycoder.complete.healing import Healer, is_word, rest
from tinycoder.complete.names.name import matches
from tinycoder.complete.text import rest_of_word, typed_word
from tinycoder.errors import Cancelled
from tinycoder.stop import never
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer import decode

Ask = Callable[..., list[Candidate]]


@pytest.fixture(scope="module")
def engine(model: Model) -> Engine:
    return Engine(model)


def inline(engine: Engine, text: str, after: str = "", **more: Any) -> list[Candidate]:
    return engine.inline(Document(path="counter.py", text=text + after), len(text), GhostRequest(**more), stop=never)


def popup(engine: Engine, text: str, after: str = "", **more: Any) -> list[Candidate]:
    return engine.popup(Document(path="counter.py", text=text + after), len(text), ListRequest(**more), stop=never)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os\n\n\nclass Counter:\n    def __init__(self, st", "start):"),
        ("import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.tot", "total = start"),
        ("import os\n\n\ncla", "class Counter:"),
        ("imp", "import os"),
        ("import os\n\n\n", "class Counter:"),
    ],
)
def test_a_half_typed_word_is_healed(engine: Engine, text: str, line: str) -> None:
    candidate = inline(engine, text)[0]
    assert candidate.text == line
    assert candidate.end == len(text)
    assert line.startswith(text[candidate.start :])
    assert 0 < candidate.probability <= 1


@given(text=st.text(max_size=60), data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_candidate_begins_with_the_typed_word(model: Model, text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    engine = Engine(model)
    document = Document(path="a.py", text=text)
    for candidate in [
        *engine.inline(document, offset, GhostRequest(max_tokens=8, n=2), stop=never),
        *engine.popup(document, offset, ListRequest(limit=3), stop=never),
    ]:
        word, rest = typed_word(text, offset), rest_of_word(text, offset)
        assert offset <= candidate.end <= offset + len(rest)
        assert matches(text[candidate.start : offset], candidate.text)
        assert candidate.text != word
        assert not set("\r\n") & set(candidate.text)


def test_the_same_request_has_the_same_answer(model: Model) -> None:
    asked = [("cla", "\n"), ("import os\n\n\ncla", ""), ("x = 1\n", "")]
    warm = Engine(model)
    for text, after in asked * 2:
        fresh = Engine(model)
        assert [c.text for c in inline(warm, text, after, n=3)] == [c.text for c in inline(fresh, text, after, n=3)]
        assert [c.text for c in popup(warm, text, after)] == [c.text for c in popup(fresh, text, after)]


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("import os\n\n\n", 2),  # the line break and its indentation are one token: what comes after it differs
        ("class Counter:\n    def add(self, amount):\n        ", 2),
        ("class Counter:\n    def add(self, amount):\n        self.", 1),  # the others would be shown as 0 %
        ("class Counter:\n    def __init__(self, start):\n        self.t", 1),
    ],
)
def test_several_candidates_differ(engine: Engine, text: str, least: int) -> None:
    candidates = inline(engine, text, n=4)
    texts, shares = [c.text for c in candidates], [c.probability for c in candidates]
    assert len(texts) == len(set(texts)) >= least
    assert all(round(100 * share) for share in shares[1:])
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.001
    assert any(other.startswith(inline(engine, text)[0].text) for other in texts)


PARAMETER = "import os\n\n\nclass Counter:\n    def __init__(self, st"
AFTER_A_DOT = "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self."


def test_the_text_after_the_cursor_is_not_repeated(engine: Engine) -> None:
    assert inline(engine, PARAMETER, after="):\n        pass\n")[0].text == "start"


def test_the_list_has_the_likeliest_words_first(engine: Engine) -> None:
    rows = popup(engine, PARAMETER)
    assert rows[0].text == "start"
    assert [c.probability for c in rows] == sorted((c.probability for c in rows), reverse=True)
    assert all(is_word(candidate.text.removesuffix("=").encode()) for candidate in rows)


def test_the_list_after_a_dot_has_the_fields_of_the_class(engine: Engine) -> None:
    text = AFTER_A_DOT + "total = start\n\n    def add(self, amount):\n        self."
    first = popup(engine, text)[0]
    assert first.text == "total"
    assert first.start == first.end == len(text)
    assert (str(first.provenance), first.kind) == ("Counter", "field")
    assert (first.path, first.line) == ("counter.py", 6)


def test_a_new_attribute_is_offered_where_it_can_be_assigned(engine: Engine) -> None:
    rows = {candidate.text: str(candidate.provenance) for candidate in popup(engine, AFTER_A_DOT)}
    assert rows["total"] == "new name"
    assert rows["__init__"] == "Counter"
    assert "total" not in [candidate.text for candidate in popup(engine, f"{AFTER_A_DOT}__init__(self.")]


@pytest.mark.parametrize("question", ["inline", "popup"])
@pytest.mark.parametrize("patience", [0, 1])
def test_a_request_is_cancelled_within_a_token(model: Model, question: str, patience: int) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > patience

    ask: Ask = getattr(Engine(model), question)
    with pytest.raises(Cancelled):
        ask(Document(path="a.py", text="import os\n\n\ncla"), 14, stop=stop)
    assert asked == patience + 1


def test_a_long_file_is_cut_at_its_start(model: Model) -> None:
    short, nothing = document_ids(model, "counter.py", "x = 1\n")
    long, cut = document_ids(model, "counter.py", "x = 1\n" * 500)
    assert nothing == 0
    assert cut > 0
    header = model.tokenizer.encode_header("counter.py")
    assert short[: len(header)] == header
    assert long[: len(header)] != header
    assert len(long) <= model.config.context * 3 // 4
    assert long[-2:] == short[-2:]


def test_reading_a_long_prompt_can_be_cancelled(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "PREFILL_CHUNK", 8)
    steps = 0
    take = decode.step

    def counted(*arguments: Any) -> Any:
        nonlocal steps
        steps += 1
        return take(*arguments)

    monkeypatch.setattr(decode, "step", counted)
    text = "x = 1\n" * 500
    with pytest.raises(Cancelled):
        Engine(model).inline(Document(path="a.py", text=text), len(text), stop=lambda: steps == 2)
    assert steps == 2


@given(st.text(max_size=40))
def test_healing_splits_without_loss(model: Model, text: str) -> None:
    before, prefix_bytes = Healer(model.tokenizer).split(text)
    assert before + prefix_bytes.decode() == text


@given(st.binary(min_size=1, max_size=6) | st.text("\r\n \tst", min_size=1, max_size=10).map(str.encode))
def test_allowed_tokens_agree_with_the_prefix_bytes(model: Model, prefix_bytes: bytes) -> None:
    healer = Healer(model.tokenizer)
    allowed = set(healer.allowed(prefix_bytes).tolist())
    if prefix_bytes[:1] in (b"\n", b"\r") and prefix_bytes in model.tokenizer.raw:  # no more indentation than there is
        assert [model.tokenizer.raw[i] for i in allowed] == [prefix_bytes]
        return
    whole = any(raw.startswith(prefix_bytes) for raw in model.tokenizer.raw)
    for i, raw in enumerate(model.tokenizer.raw):
        begins = bool(raw) and prefix_bytes.startswith(raw) and not (whole and prefix_bytes.isspace())
        assert (i in allowed) == (raw.startswith(prefix_bytes) or begins)
        if i in allowed:
            assert rest(prefix_bytes, raw) == prefix_bytes[len(raw) :]


@pytest.mark.parametrize("indentation", ["", "    ", "        "])
def test_ghost_text_adds_no_indentation(engine: Engine, indentation: str) -> None:
    text = f"class Counter:\n{indentation}"
    for candidate in inline(engine, text, n=3):
        assert not candidate.text[:1].isspace()


@pytest.mark.parametrize(
    ("text", "word"), [("x = fo", "fo"), ("a.b_1", "b_1"), ("a.", ""), ("", ""), ("f(é", "é"), ("x 🦎", "")]
)
def test_typed_word(text: str, word: str) -> None:
    assert typed_word(text, len(text)) == word


def test_a_complete_word_is_extended_only_by_words_that_occur(engine: Engine) -> None:
    assert "total" in [candidate.text for candidate in popup(engine, f"{AFTER_A_DOT}tot")]
    assert popup(engine, f"{AFTER_A_DOT}total") == []
    longer = f"{AFTER_A_DOT}totals = 0\n        return self.total"
    assert [candidate.text for candidate in popup(engine, longer)] == ["totals"]
