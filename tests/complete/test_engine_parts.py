"""What the memory, the mixture and the cache add to the answers, and that every part can be left out."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from tests.complete.memories import memory_of, workspace_of
from tinycoder.complete.candidate import FROM_MODEL, Candidate, Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.healing import Healer
from tinycoder.complete.names.name import matches
from tinycoder.complete.parts import Parts, without
from tinycoder.errors import Cancelled, ConfigError
from tinycoder.memory.mixer import to_tables
from tinycoder.stop import never
from tinycoder.storage.checkpoint import Model

UNUSUAL = "amount + Counter(os)"  # the model never saw it, but has tokens for its words
ODD = f"import os\n\n\ndef odd(amount):\n    return {UNUSUAL}\n"
FILES = {"lib/odd.py": ODD, "lib/plain.py": "import os\n\nprint(os)\n"}
TYPED = "import os\nfrom counter import Counter\n\n\ndef other(amount):\n    return am"
PATH = "main.py"
PARTS = [field.name for field in dataclasses.fields(Parts)]


def at_once() -> bool:
    return True


def make_engine(model: Model, parts: Parts = Parts()) -> Engine:
    return Engine(model, memory_of(model.tokenizer, FILES), parts=parts)


def taught(engine: Engine, text: str = ODD) -> Engine:
    """The engine after it has learnt that its memory predicts better than a model that knows one file verbatim."""
    for _ in range(12):
        list(engine.costs(Document(path="again.py", text=text), stop=never))
    return engine


def document(text: str) -> Document:
    return Document(path=PATH, text=text)


def plain(candidates: list[Candidate]) -> list[tuple[str, str, float]]:
    return [(each.text, str(each.provenance), round(each.probability, 4)) for each in candidates]


def inline(engine: Engine, text: str, *, eagerness: str = "balanced", block: bool = False) -> list[Candidate]:
    return engine.inline(document(text), len(text), GhostRequest(eagerness=eagerness, block=block), stop=never)


def popup(engine: Engine, text: str) -> list[Candidate]:
    return engine.popup(document(text), len(text), stop=never)


def offered(engine: Engine, text: str = TYPED) -> list[tuple[str, str]]:
    return [(candidate.text, str(candidate.provenance)) for candidate in inline(engine, text, eagerness="eager")]


def test_a_line_of_the_workspace_is_offered_with_its_source_and_count(model: Model) -> None:
    assert offered(taught(make_engine(model))) == [(UNUSUAL, "seen in lib/odd.py:5")]
    engine = taught(make_engine(model))
    engine.observe(Document(path="open.py", text=ODD))
    assert offered(engine) == [(UNUSUAL, "seen in open.py:5, 2 times")]


def test_a_line_of_another_open_file_is_offered_until_that_is_closed(model: Model) -> None:
    engine = Engine(model)
    engine.observe(Document(path="open.py", text=ODD))
    taught(engine)
    assert offered(engine) == [(UNUSUAL, "seen in open.py:5")]
    engine.forget("open.py")
    assert UNUSUAL not in [text for text, _ in offered(engine)]


def test_a_line_of_the_same_file_is_offered(model: Model) -> None:
    engine = taught(Engine(model), ODD * 4)
    assert offered(engine, f"{ODD}\n\n{TYPED}") == [(UNUSUAL, f"seen in {PATH}:5")]


def test_without_memory_no_line_of_the_workspace_is_offered(model: Model) -> None:
    engine = taught(make_engine(model, Parts(memory=False)))
    answers = [*inline(engine, TYPED, eagerness="any"), *popup(engine, TYPED)]
    assert answers
    assert not any(UNUSUAL in candidate.text or "seen" in str(candidate.provenance) for candidate in answers)


def test_names_in_the_list_have_their_source(model: Model) -> None:
    engine = make_engine(model)
    assert plain(popup(engine, TYPED))[0][:2] == ("amount", "parameter of other")
    new = [row[:2] for row in plain(popup(engine, "import os\n\n\ndef odd(am"))]
    assert ("amount", "seen in lib/odd.py:4") in new


def test_the_memory_answers_without_a_model(model: Model) -> None:
    engine = taught(make_engine(model, Parts(model=False)))
    assert offered(engine) == [(UNUSUAL, "seen in lib/odd.py:5")]
    assert popup(engine, TYPED)[0].text == "amount"
    costs = list(engine.costs(document(ODD), stop=never))
    assert sum(cost.bits for cost in costs) / len(costs) < 1


def test_cached_predictions_are_dropped_once_something_else_has_changed(model: Model) -> None:
    other = Document(path="open.py", text="def odd(amounts):\n    return amounts + amounted\n" * 5)
    changes: list[Callable[[Engine], object]] = [
        lambda engine: engine.observe(other),
        lambda engine: engine.observe(dataclasses.replace(other, text=ODD * 5)),
        lambda engine: taught(engine),
        lambda engine: engine.forget(other.path),
        lambda engine: engine.use(workspace_of(model.tokenizer, {})),
    ]
    asked_before = make_engine(model)
    for n in range(len(changes) + 1):
        asked_last = make_engine(model)
        asked_last.observe(document(TYPED))
        for change in changes[:n]:
            change(asked_last)
        assert plain(popup(asked_before, TYPED)) == plain(popup(asked_last, TYPED))
        if n < len(changes):
            changes[n](asked_before)


def type_a_line(engine: Engine) -> str:
    """Type the unusual line letter by letter, and begin another."""
    text = "def other(amount):\n    return "
    for letter in f"{UNUSUAL}\n    x":
        engine.observe(document(text))
        text += letter
    engine.observe(document(text))
    return text


@pytest.mark.parametrize("left_out", [(), ("model",)])
def test_a_typed_line_changes_the_weights_and_not_the_index(model: Model, left_out: tuple[str, ...]) -> None:
    engine = make_engine(model, without(left_out))
    text = type_a_line(engine)
    before = copy.deepcopy(to_tables(engine.mixer))
    assert engine.memory.workspace is not None
    ids = engine.memory.workspace.corpus.next_ids.copy()
    assert not engine.learn(stop=never)  # no other line waits
    assert to_tables(engine.mixer) != before
    np.testing.assert_array_equal(engine.memory.workspace.corpus.next_ids, ids)
    assert engine.memory.update(PATH, text).text == text
    after = copy.deepcopy(to_tables(engine.mixer))
    assert not engine.learn(stop=never)
    assert to_tables(engine.mixer) == after


@pytest.mark.parametrize(("left_out", "pasted"), [("", True), ("learning", False), ("memory", False)])
def test_nothing_is_learnt_from_pasted_lines_or_without_learning_or_memory(
    model: Model, left_out: str, pasted: bool
) -> None:
    engine = make_engine(model, without([left_out] if left_out else []))
    if pasted:
        for text in ("x = 1\n", "x = 1\n" + ODD * 3, ODD):
            engine.observe(document(text))
    else:
        type_a_line(engine)
    before = copy.deepcopy(to_tables(engine.mixer))
    assert not engine.learn(stop=never)
    assert to_tables(engine.mixer) == before


def test_learning_can_be_stopped(model: Model) -> None:
    engine = make_engine(model)
    type_a_line(engine)
    with pytest.raises(Cancelled):
        engine.learn(stop=at_once)


def test_the_next_ghost_text_is_cached_after_looking_ahead(model: Model) -> None:
    engine = make_engine(model)
    text = "import os\n\n\nclass Counter:\n    def __init__"
    candidate = Candidate(
        text="__init__(self", start=len(text) - 8, end=len(text), probability=0.5, provenance=FROM_MODEL
    )
    engine.look_ahead(document(text), len(text), candidate, stop=never)
    taken = text + "(self"
    expected = inline(make_engine(model), taken)
    assert expected
    cached = engine.cached_inline(document(taken), len(taken), GhostRequest()) or []
    assert [(c.text, c.start) for c in cached] == [(c.text, c.start) for c in expected]


def test_without_cache_the_next_ghost_text_has_to_be_written(model: Model) -> None:
    engine = make_engine(model, Parts(cache=False))
    candidate = inline(engine, TYPED, eagerness="any")[0]
    engine.look_ahead(document(TYPED), len(TYPED), candidate, stop=never)
    taken = TYPED[: candidate.start] + candidate.text
    with pytest.raises(Cancelled):
        engine.inline(document(taken), len(taken), stop=at_once)


def test_a_suggestion_is_cached_to_its_last_letter(model: Model) -> None:
    engine = make_engine(model)
    whole = TYPED.removesuffix("am") + inline(engine, TYPED, eagerness="any")[0].text
    for end in range(len(TYPED) + 1, len(whole)):
        cached = engine.inline(document(whole[:end]), end, stop=at_once)
        assert [whole[: c.start] + c.text for c in cached] == [whole]


def test_the_more_eager_the_more_is_offered_and_quiet_hides_what_any_offers(model: Model) -> None:
    engine = make_engine(model, Parts(cache=False, gates=False))  # a gate may hold back more if more is written
    text = ODD + "\n\n" + TYPED
    places = {
        eagerness: {end for end in range(0, len(text), 3) if inline(engine, text[:end], eagerness=eagerness)}
        for eagerness in ("quiet", "balanced", "eager", "any")
    }
    assert places["quiet"] <= places["balanced"] <= places["eager"] <= places["any"]
    assert 0 < len(places["quiet"]) < len(places["any"])


def test_what_one_eagerness_hides_another_offers_from_the_cache(model: Model) -> None:
    engine = make_engine(model)
    ends = [end for end in range(len(TYPED)) if not inline(engine, TYPED[:end], eagerness="quiet")]
    assert any(engine.inline(document(TYPED[:end]), end, GhostRequest(eagerness="any"), stop=never) for end in ends)


@pytest.mark.parametrize("left_out", PARTS)
def test_any_part_may_be_missing(model: Model, left_out: str) -> None:
    engine = make_engine(model, without([left_out]))
    for text in (TYPED, "", "import os\n\n\ncla", "class Counter:\n    def add(self, amount):\n        self."):
        for answer in (
            inline(engine, text),
            inline(engine, text, block=True, eagerness="any"),
            engine.inline(document(text), len(text), GhostRequest(n=3), stop=never),
            popup(engine, text),
        ):
            for candidate in answer:
                assert matches(text[candidate.start :], candidate.text)
                assert 0 <= candidate.probability <= 1
                engine.look_ahead(document(text), len(text), candidate, stop=never, max_tokens=2)
    assert all(cost.bits >= 0 for cost in engine.costs(document(TYPED), stop=never))
    type_a_line(engine)
    engine.learn(stop=never)
    engine.forget(PATH)


def test_an_unknown_part_is_named_in_the_error() -> None:
    with pytest.raises(ConfigError, match="'modle'"):
        without(["modle"])
    assert without([]) == Parts()


@pytest.mark.parametrize("eagerness", ["balanced", "any"])
def test_an_attribute_that_does_not_exist_can_be_typed(model: Model, eagerness: str) -> None:
    """The model knows verbatim that ``self.total`` follows; here the class has none."""
    engine = make_engine(model)
    prefix = "import os\n\n\nclass Counter:\n    def add(self, amount):\n        return self."
    for end in range(len("total") + 1):
        assert all(each.text for each in inline(engine, prefix + "total"[:end], eagerness=eagerness))


@pytest.mark.parametrize(
    "header", ["def add(self, amount):", "class Counter:", "class Counter:\n    def add(self, amount):"]
)
def test_a_block_asked_for_by_hand_begins_as_the_automatic_one(model: Model, header: str) -> None:
    text = f"import os\n\n\n{header}"
    automatic = inline(make_engine(model), text, eagerness="any", block=True)
    request = GhostRequest(n=3, eagerness="any", block=True, prose="on")
    by_hand = make_engine(model).inline(document(text), len(text), request, stop=never)
    assert automatic
    assert automatic[0].text.startswith("\n")
    assert (by_hand[0].text, by_hand[0].start) == (automatic[0].text, automatic[0].start)
    assert len({each.text for each in by_hand}) == len(by_hand)


def test_what_is_written_has_no_return_even_of_a_model_that_learnt_some(model: Model) -> None:
    healer = Healer(model.tokenizer)
    raws = model.tokenizer.raw
    assert all(raws[token][:1] == b"\n" for token in healer.breaks_line)
    assert {token for token, raw in enumerate(raws) if raw[:1] == b"\r"} <= set(healer.ends_line.tolist())
