"""The completion list says how likely the first name of ghost text is."""

from __future__ import annotations

import pytest

from tinycoder.complete.candidate import Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.ghost import Ghost
from tinycoder.complete.lead import Lead
from tinycoder.complete.parts import without
from tinycoder.stop import never
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import Model, load_model

CLIENT = """import socket


class Client:
    def __init__(self, host, retries):
        self.host = host
        self.retries = retries
        self.deadline = None

    def run(self):
        """


@pytest.fixture(scope="module")
def base() -> Model:
    return load_model(bundled_folder())


def ghost(text: str, *pieces: tuple[int, float], ended: float) -> Ghost:
    ends, confidences = zip(*pieces, strict=True)
    return Ghost(text=text, ends=ends, confidences=confidences, ended=ended, ids=())


def leading(typed: str = "", **names: float) -> Lead:
    return Lead(typed=typed, probabilities=names)


def probability(engine: Engine, text: str, eagerness: str = "any") -> float | None:
    """How likely the ghost text at the end of ``text`` is; None if there is none."""
    request = GhostRequest(eagerness=eagerness)
    found = engine.inline(Document(path="client.py", text=text), len(text), request, stop=never)
    return found[0].probability if found else None


def test_the_first_name_has_the_probability_of_the_list_and_what_follows_keeps_its_share() -> None:
    judged = leading(host=0.6, port=0.2).judged(ghost("host.name", (4, 0.3), (9, 0.15), ended=0.12))
    assert judged.confidences == pytest.approx((0.6, 0.3))
    assert judged.ended == pytest.approx(0.24)


def test_no_probability_rises_above_one() -> None:
    assert leading(host=0.9).judged(ghost("host", (2, 0.8), (4, 0.5), ended=0.5)).confidences == (1.0, 0.9)


@pytest.mark.parametrize("text", ["(host)", "'host'", "unlisted"])
def test_what_the_list_does_not_know_is_left_as_it_is(text: str) -> None:
    given = ghost(text, (len(text), 0.3), ended=0.2)
    assert leading(host=0.6).judged(given) == given


def test_a_keyword_argument_is_another_name_than_the_word_before_its_sign() -> None:
    names = Lead(typed="", probabilities={"host=": 0.5, "host": 0.1})
    assert names.first_name("host=host)") == "host="
    assert names.first_name("host == 1") == "host"
    assert names.first_name("host") == "host"


def test_the_best_name_continues_what_is_typed() -> None:
    assert leading("ho", ho=0.5, port=0.3, host=0.2).best() == ("host", 0.2)
    assert leading("ho", ho=0.5, port=0.3).best() is None


def test_a_name_that_exists_is_likelier_than_the_mixture_says(base: Model) -> None:
    text = f"{CLIENT}return self.d"
    led, spelled = probability(Engine(base), text), probability(Engine(base, parts=without(["lead"])), text)
    assert led is not None
    assert spelled is not None
    assert led > spelled


def test_somebody_who_types_is_shown_less_than_somebody_who_arrives(base: Model) -> None:
    text = f"{CLIENT}x = self.host."
    typist = Engine(base)
    assert probability(typist, text[:-1], "quiet") is None
    assert probability(typist, text, "balanced") is None
    assert probability(Engine(base), text, "balanced") is not None
