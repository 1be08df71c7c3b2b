"""What a server has written, as ghost text."""

from typing import Any

import pytest

from tinycoder.complete.candidate import FROM_MODEL, Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.ghost import LINE, Ghost, Layout
from tinycoder.complete.question import Question
from tinycoder.complete.written import Token, Written, ghost_of
from tinycoder.stop import never
from tinycoder.storage.checkpoint import Model

BLOCK = Layout(block=True, indent=4, max_lines=3, opens=True)


def tokens(*pairs: tuple[Any, ...]) -> tuple[Token, ...]:
    return tuple(Token(text=text, probability=p, others=tuple(others)) for text, p, *others in pairs)


def ghost(text: str, *pairs: tuple[Any, ...], typed: str = "", ended: bool = True, layout: Layout = LINE) -> Ghost:
    found = ghost_of(Written(text=text, ended=ended, tokens=tokens(*pairs)), typed, layout)
    assert found is not None
    return found


def test_confidence_is_the_product_of_what_the_server_tells() -> None:
    found = ghost("self.total", ("self", 0.5), (".", 0.8), ("total", 0.5))
    assert (found.text, found.ends) == ("self.total", (4, 5, 10))
    assert found.confidences == pytest.approx((0.5, 0.4, 0.2))
    assert found.ended == pytest.approx(0.2)


def test_without_probabilities_each_word_is_certain() -> None:
    found = ghost("a + b", ended=False)
    assert (found.text, found.ends, found.confidences, found.ended) == ("a + b", (1, 2, 3, 4, 5), (1.0,) * 5, 0.0)


def test_what_does_not_begin_as_it_was_typed_is_no_answer() -> None:
    assert ghost_of(Written(text="other", ended=True), "se", LINE) is None
    assert ghost("self", typed="se").text == "lf"


def test_the_typed_part_counts_as_a_choice_among_what_begins_so() -> None:
    found = ghost("self.x", ("self", 0.1, ("return", 0.6), ("send", 0.1)), (".", 0.5), ("x", 1.0), typed="se")
    assert (found.text, found.ends) == ("lf.x", (2, 3, 4))
    assert found.confidences == pytest.approx((0.5, 0.25, 0.25))


def test_a_line_ends_where_that_is_likelier_than_the_next_token() -> None:
    found = ghost("x + y", ("x", 0.9), (" +", 0.3, ("\n", 0.2), ("\n    ", 0.2)), (" y", 0.9))
    assert (found.text, found.ended) == ("x", pytest.approx(0.36))


@pytest.mark.parametrize("end", ["<|endoftext|>", "", "\r\n", "</s>", "<｜end▁of▁sentence｜>"])
def test_every_sign_of_an_end_is_one(end: str) -> None:
    assert ghost("x y", ("x", 0.9), (" y", 0.1, (end, 0.3))).text == "x"


def test_a_text_is_broken_off_where_it_is_too_unlikely() -> None:
    found = ghost("a b c", ("a", 0.1), (" b", 0.1), (" c", 0.05))
    assert (found.text, found.ended) == ("a b", 0.0)


def test_one_line_is_kept_without_blanks_at_its_end() -> None:
    found = ghost("a = 1  \nb = 2", ("a = 1", 0.9), ("  ", 0.9), ("\nb", 0.9), (" = 2", 0.9))
    assert (found.text, found.ends) == ("a = 1", (5,))
    assert found.ended > 0
    assert ghost("a\r\nb").text == "a"
    assert ghost("\nb").text == ""


def test_a_block_ends_with_its_indentation_and_is_cut() -> None:
    assert ghost("\n    a\n\n    b\nc", layout=BLOCK).text == "\n    a"
    wide = Layout(block=True, indent=4, max_lines=9, opens=True)
    found = ghost("\n    a\n\n    b\nc", layout=wide, ended=False)
    assert (found.text, found.ended) == ("\n    a\n\n    b", 1.0)
    assert ghost("\n    a\n    b", layout=wide, ended=False).ended == 0.0


def served(
    model: Model, text: str, written: str, *pairs: tuple[Any, ...], engine: Engine | None = None, **ask: Any
) -> Any:
    question = Question(text=text, after="", max_tokens=9, block=False)
    answer = Written(text=written, ended=True, tokens=tokens(*pairs))
    engine = engine or Engine(model)
    return engine.served(Document(path="a.py", text=text), len(text), GhostRequest(**ask), question, answer)


def test_a_text_passes_the_gates_that_ours_pass(model: Model) -> None:
    text = "import os\n\n\ndef first(amount):\n    return "
    (found,) = served(model, text, "amount")
    assert (found.text, found.provenance) == ("amount", FROM_MODEL)
    assert served(model, text, ")") == []  # no syntax
    assert served(model, "def f(amount):\n    return am", "ount")[0].text == "amount"
    assert served(model, "x = 1\nx = 1\nx = ", "REDACTED") == []


def test_what_the_server_doubts_is_not_shown_and_that_is_its_opinion(model: Model) -> None:
    text = "def first(amount):\n    return "
    assert served(model, text, "amount", ("amount", 0.01)) == []
    assert served(model, text, "amount", ("amount", 0.01), eagerness="any") != []
    assert served(model, text, "") == []


def test_it_is_known_where_the_memory_has_seen_it(model: Model) -> None:
    line = "    total = compute_total(first, second)\n"
    engine = Engine(model)
    engine.observe(Document(path="b.py", text=f"def one():\n{line}{line}"))
    (found,) = served(model, "def two():\n    total = ", "compute_total(first, second)", engine=engine)
    assert "b.py" in str(found.provenance)


def test_typing_through_it_needs_no_second_answer(model: Model) -> None:
    text = "def first(amount):\n    return "
    engine = Engine(model)
    served(model, text, "amount + 1", engine=engine)
    cached = engine.cached_inline(Document(path="a.py", text=text + "amo"), len(text) + 3, GhostRequest())
    assert cached is not None
    assert [each.text for each in cached] == ["amount + 1"]
    (shown,) = engine.inline(Document(path="a.py", text=text), len(text), stop=never)
    assert shown.text == "amount + 1"
