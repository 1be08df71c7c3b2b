"""What a server is asked at a cursor."""

import json
from typing import Any

import pytest

from tinycoder.complete.candidate import Document, GhostRequest
from tinycoder.complete.context import document_ids
from tinycoder.complete.engine import Engine
from tinycoder.complete.question import MAX_AFTER, MAX_BEFORE, Question
from tinycoder.storage.checkpoint import Model

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
LONG = "".join(f"value_{n} = {n}\n" for n in range(3000))


def ask(model: Model, text: str, at: int, *, ours: bool = False, **request: Any) -> Question | None:
    engine = Engine(model)
    return engine.question(Document(path="a.py", text=text), at, GhostRequest(**request), model if ours else None)


def test_secrets_are_not_sent(model: Model) -> None:
    text = f'TOKEN = "{TOKEN}"\nother = "{TOKEN}"\nuse(\nlast = "{TOKEN}"\n'
    for ours in (False, True):
        question = ask(model, text, text.index("use(") + 4, ours=ours)
        assert question is not None
        assert "REDACTED" in question.text
        read = model.tokenizer.decode(question.ids or ())
        assert TOKEN[:8] not in question.text + question.after + question.typed + read


def test_within_a_secret_nothing_is_asked(model: Model) -> None:
    text = f'TOKEN = "{TOKEN}"\n'
    assert ask(model, text, text.index(TOKEN) + 10) is None


def test_where_no_ghost_text_is_offered_nothing_is_asked(model: Model) -> None:
    assert ask(model, "# a comment", 11, prose="off") is None
    assert ask(model, "# a comment", 11, prose="on") is not None


@pytest.mark.parametrize("at", [len(LONG) // 2, len(LONG) // 2 + 3, len(LONG) - 10, 20, 0, len(LONG)])
def test_whole_lines_around_the_cursor_are_sent(model: Model, at: int) -> None:
    question = ask(model, LONG, at)
    assert question is not None
    assert question.ids is None
    assert LONG[:at].endswith(question.text)
    assert LONG[at:].startswith(question.after)
    start, end = at - len(question.text), at + len(question.after)
    assert start == 0 or LONG[start - 1] == "\n"
    assert end == len(LONG) or LONG[end] == "\n"
    assert MAX_BEFORE / 2 < len(question.text) <= MAX_BEFORE or start == 0
    assert len(question.after) <= MAX_AFTER


def test_a_line_without_an_end_is_cut(model: Model) -> None:
    question = ask(model, "x" * 100_000, 50_000)
    assert question is not None
    assert 0 < len(question.text) <= MAX_BEFORE
    assert len(question.after) == MAX_AFTER


def test_while_a_line_is_typed_the_text_begins_at_the_same_place(model: Model) -> None:
    starts = set()
    for at in range(20_000, 20_040):
        question = ask(model, LONG, at)
        assert question is not None
        starts.add(at - len(question.text))
    assert len(starts) == 1


def test_a_model_of_ours_reads_what_it_reads_here(model: Model) -> None:
    text = "import os\n\n\nclass Counter:\n"
    question = ask(model, text + "    def", len(text) + 7, ours=True)
    assert question is not None
    assert question.ids is not None
    before, _ = document_ids(model, "a.py", text[:-1])
    read = list(question.ids)
    assert read[: len(before)] == before
    spelled = model.tokenizer.decode(read[len(before) :]) + question.typed
    assert spelled == "\n    def"
    raws = [model.tokenizer.raw[i] for i in question.starts]
    assert all(raw.startswith(question.typed.encode()) for raw in raws)
    assert bool(raws) == bool(question.typed)


def test_an_indentation_is_not_added_to(model: Model) -> None:
    text = "class Counter:\n    "
    question = ask(model, text, len(text), ours=True)
    assert question is not None
    assert question.typed == ""
    assert model.tokenizer.decode(question.ids or ()).endswith("\n    ")


@pytest.mark.parametrize("typed", ["ä", "x = 'ß", "😀", "\t", "x\x0c"])
def test_whatever_is_typed_is_either_read_or_to_be_spelled(model: Model, typed: str) -> None:
    question = ask(model, typed, len(typed), ours=True)
    assert question is not None
    assert (model.tokenizer.decode(question.ids or ()) + question.typed).endswith(typed)
    json.dumps(question.ids)


def test_a_block_may_be_longer(model: Model) -> None:
    line, block = (ask(model, "def f():", 8, block=block, max_tokens=10) for block in (False, True))
    assert line is not None
    assert block is not None
    assert (line.max_tokens, line.block, block.max_tokens, block.block) == (10, False, 40, True)
