"""Tokens by line: whatever is typed, they are the tokens of the whole text."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.memory.change import Change
from tinycoder.memory.token_lines import TokenLines, split_lines
from tinycoder.transformer.tokenizer import train_character_tokenizer, train_code_tokenizer

CODE = 'def add(a, b):\n    """Sum."""\r\n\treturn a + b\n\n\nclass Adder:\n    total = 0\n' * 20
BPE = train_code_tokenizer([CODE], 400)
CHARACTERS = train_character_tokenizer([CODE])
BOTH = pytest.mark.parametrize("tokenizer", [BPE, CHARACTERS], ids=["bpe", "characters"])

PIECES = [
    "\n",
    "\r\n",
    "\r",
    "\t",
    "  ",
    "    ",
    "def add",
    "a",
    "+",
    " ",
    "1",
    "é",
    "漢",
    "🦎",
    "\u2028",
    "\x0c",
    "\x85",
    "",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=20)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), TEXTS), max_size=6)


def edited(text: str, start: float, end: float, new: str) -> str:
    a, b = sorted((round(start * len(text)), round(end * len(text))))
    return text[:a] + new + text[b:]


@BOTH
@given(text=TEXTS, edits=EDITS)
@settings(max_examples=300)
def test_the_ids_are_those_of_the_whole_text(tokenizer, text, edits):  # type: ignore[no-untyped-def]
    lines = TokenLines(tokenizer, text)
    assert lines.ids.tolist() == tokenizer.encode(text)
    for edit in edits:
        text = edited(text, *edit)
        lines.update(text)
        assert lines.text == text
        assert lines.ids.tolist() == tokenizer.encode(text)


@given(text=TEXTS, edits=EDITS)
def test_the_words_are_those_of_the_whole_text(text: str, edits: list[tuple[float, float, str]]) -> None:
    lines = TokenLines(BPE, text)
    for edit in [(0.0, 0.0, ""), *edits]:
        text = edited(text, *edit)
        before, other = set(lines.words), lines.edited(text)
        assert lines.words == before
        lines.update(text)
        assert lines.words == other.words == set(re.findall(r"[^\W\d]\w*", text))


@given(text=TEXTS)
def test_lines_join_to_the_text_and_begin_with_their_break(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert len(lines) == 1 + text.count("\n")
    assert all(line.startswith(("\n", "\r\n")) for line in lines[1:])


@given(text=TEXTS, edits=EDITS, at=st.floats(0, 1))
@settings(max_examples=300)
def test_the_line_at_an_offset(text: str, edits: list[tuple[float, float, str]], at: float) -> None:
    lines = TokenLines(BPE, text)
    for edit in edits:
        lines.update(edited(lines.text, *edit))
    text, offset = lines.text, round(at * len(lines.text))
    text_start, ids_start, ids_end = lines.line_at(offset)
    ends = list(itertools.accumulate(map(len, split_lines(text))))
    line = next(i for i, end in enumerate(ends) if offset <= end)  # right before a break is still the line before it
    assert text_start == (ends[line - 1] if line else 0)
    assert BPE.decode(lines.ids[:ids_start]) == text[:text_start]
    assert BPE.decode(lines.ids[:ids_end]) == text[: ends[line]]


@pytest.mark.parametrize("after", [CODE.replace("total", "sum"), CODE[10:], "", CODE + "\n", CODE[:500] + CODE[900:]])
def test_large_changes(after: str) -> None:
    lines = TokenLines(BPE, CODE)
    for text in (after, CODE, after):
        lines.update(text)
        assert lines.ids.tolist() == BPE.encode(text)


def test_the_same_text_leaves_the_ids_alone() -> None:
    lines = TokenLines(BPE, CODE)
    ids = lines.ids
    lines.update(CODE)
    assert lines.ids is ids


def test_no_text_is_one_line_without_ids() -> None:
    lines = TokenLines(BPE)
    assert lines.ids.tolist() == []
    assert lines.line_at(0) == (0, 0, 0)


@given(data=st.data(), text=st.text("ab\n\r ", max_size=40), new=st.text("a\n\r", max_size=4))
def test_a_known_change_gives_the_same_lines_as_no_knowledge(data: st.DataObject, text: str, new: str) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    changed = text[:start] + new + text[end:]
    told, untold = TokenLines(BPE, text), TokenLines(BPE, text)
    told.update(changed, Change(told.text, start, end, start + len(new)))
    untold.update(changed)
    assert told.ids.tolist() == untold.ids.tolist()
    for at in range(len(changed) + 1):
        assert told.line_at(at) == untold.line_at(at)
