"""Outcomes of suggestions, inferred from edits and corrected by what editors say."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.complete.candidate import FROM_MODEL, Candidate
from tinycoder_lsp.stats.suggestion_tracker import GRACE_S, MIN_SHOWN_S, Outcome, SuggestionTracker

URI = "file:///project/a.py"
BEFORE, AFTER = "import os\n\ndef f(items):\n    return ", "\n\nprint(f([]))\n"
CODE = st.text(alphabet="ab_1 .,:()[]'\"\n\té𝕏", min_size=1, max_size=30).filter(str.strip)


class Person:
    """Types into one document; a second passes before each thing that happens."""

    def __init__(self, before: str = BEFORE, after: str = AFTER, *, pause_s: float = 1.0) -> None:
        self.outcomes: list[Outcome] = []
        self.offers = SuggestionTracker(self.outcomes.append, now=lambda: self.now)
        self.before, self.after = before, after
        self.now, self.pause_s = 100.0, pause_s
        self.n = 0

    @property
    def text(self) -> str:
        return self.before + self.after

    def wait(self) -> SuggestionTracker:
        self.now += self.pause_s
        return self.offers

    def see(self, *rests: str, behind: int = 0, typed: int = 0) -> list[str]:
        """Ghost text that goes on with ``rests``, in place of ``behind`` characters behind the cursor; its ids."""
        at = len(self.before)
        head = self.before[at - typed :]
        found = {}
        for rest in rests:
            self.n += 1
            found[f"i{self.n}"] = Candidate(
                text=head + rest, start=at - typed, end=at + behind, probability=0.5, provenance=FROM_MODEL
            )
        self.wait().inline_shown(URI, self.text, found)
        return list(found)

    def insert(self, text: str, *, behind: str = "", replaced: int = 0) -> None:
        """``text`` comes before the cursor, and ``behind`` behind it, in place of ``replaced`` characters."""
        self.before += text
        self.after = behind + self.after[replaced:]
        self.wait().edited(URI, self.text)

    def type(self, text: str) -> None:
        for key in text:
            self.insert(key)

    def erase(self) -> None:
        self.before = self.before[:-1]
        self.wait().edited(URI, self.text)

    def end(self) -> list[Outcome]:
        self.wait().close()
        return self.outcomes

    def only(self) -> Outcome:
        (outcome,) = self.end()
        return outcome


def what(outcome: Outcome) -> tuple[str, int, int, int]:
    return outcome.how, outcome.n_chars, outcome.accepted_chars, outcome.typed_chars


SUM = "sum(items)"
LEN = "len(items)"
OTHER = "file:///other.py"


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        pytest.param(lambda p: (p.see(LEN), p.insert(LEN)), ("accepted", 10, 10, 0), id="accepted at once"),
        pytest.param(lambda p: (p.see("0"), p.insert("0")), ("typed", 1, 0, 1), id="one key"),
        pytest.param(
            lambda p: (p.see("items)", typed=7), p.insert("items)")), ("accepted", 6, 6, 0), id="its head is there"
        ),
        pytest.param(
            lambda p: (p.see(LEN), p.type("le"), p.insert("n(items)")), ("accepted", 10, 8, 2), id="typed, accepted"
        ),
        pytest.param(
            lambda p: (p.see("a1 + b1"), p.insert("a1"), p.insert(" +"), p.insert(" b1")),
            ("accepted", 7, 7, 0),
            id="by words",
        ),
        pytest.param(
            lambda p: (p.see("first + second"), p.insert("first"), p.type("\n")), ("partly", 14, 5, 0), id="one word"
        ),
        pytest.param(
            lambda p: (p.see("first + second"), p.insert("fir"), p.type("ed")),
            ("ignored", 14, 0, 3),
            id="two keys at once",
        ),
        pytest.param(
            lambda p: (p.see("\n    pass"), p.insert("\n    "), p.type("pass")),
            ("typed", 9, 0, 9),
            id="new line indented",
        ),
        *(
            pytest.param(
                lambda p, other=other: (p.see(SUM), p.insert(other)), ("ignored", 10, 0, 0), id=f"other: {other!r}"
            )
            for other in ("x", "len(items) or so", "(", "\n")
        ),
        pytest.param(
            lambda p: (p.see(SUM), p.type("su"), p.erase(), p.type("um(items)")), ("ignored", 10, 0, 2), id="erased"
        ),
        pytest.param(
            lambda p: (p.see(LEN, "left", SUM), p.type("l"), p.insert("eft")),
            ("accepted", 4, 3, 1),
            id="one of several",
        ),
        pytest.param(
            lambda p: (p.see(LEN), p.wait().edited(OTHER, "x"), p.insert(LEN)),
            ("accepted", 10, 10, 0),
            id="another document",
        ),
        pytest.param(
            lambda p: (p.see(LEN), p.wait().closed(URI), p.wait().closed(OTHER)), ("ignored", 10, 0, 0), id="closed"
        ),
    ],
)
def test_an_outcome_is_seen_from_the_edits(
    happens: Callable[[Person], object], expected: tuple[str, int, int, int]
) -> None:
    person = Person()
    happens(person)
    assert what(person.only()) == expected
    assert person.outcomes[0].kind == "inline"


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        pytest.param(
            lambda p, i: (p.insert("{\n    'a': 1}"), p.wait().accepted(i)), ("accepted", 9, 9, 0), id="indented"
        ),
        pytest.param(
            lambda p, i: (p.type("{"), p.see("\n'a': 1}"), p.wait().accepted(i)),
            ("accepted", 9, 8, 1),
            id="an earlier id",
        ),
        pytest.param(lambda p, i: (p.type("xyzxyz"), p.wait().accepted(i)), ("ignored", 9, 0, 0), id="long ago"),
    ],
)
def test_an_editor_says_that_it_was_accepted(
    happens: Callable[[Person, str], object], expected: tuple[str, int, int, int]
) -> None:
    person = Person()
    (name,) = person.see("{\n'a': 1}")
    happens(person, name)
    assert what(person.only()) == expected


@pytest.mark.parametrize(
    ("pause_s", "pieces", "how"),
    [(MIN_SHOWN_S / 2, ["x"], "flashed"), (MIN_SHOWN_S / 2, ["l", "x"], "ignored"), (0.001, [LEN], "accepted")],
)
def test_what_was_shown_too_short_is_not_ignored(pause_s: float, pieces: list[str], how: str) -> None:
    person = Person(pause_s=pause_s)
    person.see(LEN)
    for piece in pieces:
        person.insert(piece)
    assert person.only().how == how


def test_an_editor_says_that_one_key_was_an_acceptance() -> None:
    person = Person()
    (name,) = person.see("0")
    person.insert("0")
    person.wait().accepted(name)
    assert what(person.only()) == ("accepted", 1, 1, 0)


def test_an_edit_elsewhere() -> None:
    person = Person()
    person.see("sum(items)")
    person.before = "# new\n" + person.before
    person.insert("")
    assert what(person.only()) == ("ignored", 10, 0, 0)


def test_brackets_that_close_by_themselves() -> None:
    person = Person()
    person.see("sum(items)[0]")
    person.type("sum")
    person.insert("(", behind=")")
    person.type("items")
    person.before, person.after = person.before + ")", person.after[1:]  # typed over: no edit
    person.insert("[", behind="]")
    person.type("0")
    assert what(person.only()) == ("typed", 13, 0, 13)


@pytest.mark.parametrize("again", [False, True])
def test_accepted_over_a_bracket_that_closed_by_itself(again: bool) -> None:
    person = Person()
    person.see("sum(items) / 2")
    person.type("sum")
    person.insert("(", behind=")")
    if again:  # the editor asks again, and the server knows what stands behind the cursor
        person.see("items) / 2", behind=1)
    person.insert("items) / 2", replaced=1)
    assert what(person.only()) == ("accepted", 14, 10, 4)


def test_answers_that_go_on_are_one_offer() -> None:
    person = Person()
    person.see("len(items)")
    for key in "len(":
        person.type(key)
        person.see("len(items)".partition(person.before[len(BEFORE) :])[2] + " + 1")
    person.insert("items) + 1")
    assert what(person.only()) == ("accepted", 14, 10, 4)
    assert person.outcomes[0].shown_s == 9.0


def test_another_answer_is_another_offer() -> None:
    person = Person()
    person.see("len(items)")
    person.see("sum(items)")
    person.insert("sum(items)")
    assert [outcome.how for outcome in person.end()] == ["ignored", "accepted"]


def test_an_empty_answer_hides_it() -> None:
    person = Person()
    person.see("len(items)")
    person.see()
    person.type("len(items)")
    assert what(person.only()) == ("ignored", 10, 0, 0)
    assert person.outcomes[0].shown_s == 1.0


def test_an_empty_answer_to_a_question_that_was_overtaken() -> None:
    person = Person()
    person.see("len(items)")
    person.see()
    person.see()
    person.see("len(items)")
    person.type("l")
    person.see()
    person.insert("en(items)")  # nobody types so fast: the editor still showed it
    assert what(person.only()) == ("accepted", 10, 9, 1)
    assert person.outcomes[0].shown_s == 3.0


def test_an_answer_that_comes_too_late_changes_nothing() -> None:
    person = Person()
    person.see("len(items)")
    late = person.text
    person.type("l")
    person.wait().inline_shown(URI, late, {})
    person.insert("en(items)")
    assert what(person.only()) == ("accepted", 10, 9, 1)


def test_blank_ghost_text_is_none() -> None:
    person = Person()
    person.see("  \n")
    person.insert("  \n")
    assert person.end() == []


def test_reported_once_some_time_has_passed() -> None:
    person = Person(pause_s=GRACE_S / 2)
    person.see("len(items)")
    person.insert("len(items)")
    assert person.outcomes == []
    person.type("\n#")
    assert [outcome.how for outcome in person.outcomes] == ["accepted"]


def test_reported_when_somebody_asks() -> None:
    person = Person()
    person.see("len(items)")
    person.insert("len(items)")
    person.offers.settle()
    assert [outcome.how for outcome in person.outcomes] == ["accepted"]
    assert len(person.end()) == 1


@pytest.mark.parametrize("edit_first", [True, False])
def test_the_editor_says_what_was_seen_already(edit_first: bool) -> None:
    person = Person()
    (name,) = person.see("len(items)")
    person.type("l")
    if edit_first:
        person.insert("en(items)")
    person.wait().accepted(name)
    person.offers.accepted(name)
    if not edit_first:
        person.insert("en(items)")
    assert what(person.only()) == ("accepted", 10, 9, 1)


@pytest.mark.parametrize("edit_first", [True, False])
def test_the_editor_says_that_a_piece_was_accepted(edit_first: bool) -> None:
    person = Person()
    (name,) = person.see("𝕏 + second", typed=7)
    piece = len("return ") + 2  # in UTF-16 units
    if edit_first:
        person.insert("𝕏")
    person.wait().partly_accepted(name, piece)
    if not edit_first:
        person.insert("𝕏")
    person.type(" -")
    assert what(person.only()) == ("partly", 10, 1, 1)


def test_an_editor_that_tells_what_it_shows() -> None:
    person = Person()
    (first,) = person.see("len(items)")
    person.wait().shown(first)
    person.see("sum(items)")  # never on show
    person.type("x")
    assert [(outcome.how, outcome.shown_s) for outcome in person.end()] == [("ignored", 1.0), ("flashed", 0.0)]


def test_a_row_of_the_popup() -> None:
    person = Person()
    person.type("it")
    at = len(person.before)
    words = {
        name: Candidate(text=word, start=at - 2, end=at, probability=0.1, provenance=FROM_MODEL)
        for name, word in {"p0": "iter", "p1": "items", "p2": "it"}.items()
    }
    person.offers.popup_shown(URI, person.text, words)
    person.offers.popup_shown(URI, person.text, {})
    person.wait().accepted("p1")
    person.wait().accepted("p1")
    outcome = person.only()
    assert (outcome.kind, outcome.rank) == ("popup", 2)
    assert what(outcome) == ("accepted", 3, 3, 0)


def test_a_row_of_the_popup_is_no_acceptance_of_the_ghost_text() -> None:
    person = Person()
    person.see("items.sort()")
    word = Candidate(text="items", start=len(BEFORE), end=len(BEFORE), probability=0.1, provenance=FROM_MODEL)
    person.offers.popup_shown(URI, person.text, {"p": word})
    person.insert("items")
    person.wait().accepted("p")
    person.type("\n")
    popup, inline = person.end()
    assert (popup.kind, popup.rank, popup.accepted_chars) == ("popup", 1, 5)
    assert what(inline) == ("ignored", 12, 0, 5)


def test_unknown_ids() -> None:
    person = Person()
    person.offers.accepted("?")
    person.offers.shown("?")
    person.offers.partly_accepted("?", 3)
    assert person.end() == []


def test_many_documents_and_answers_are_forgotten() -> None:
    outcomes: list[Outcome] = []
    offers = SuggestionTracker(outcomes.append)
    for n in range(1_000):
        word = Candidate(text="word", start=0, end=0, probability=0.5, provenance=FROM_MODEL)
        offers.inline_shown(f"file:///{n}.py", "", {f"i{n}": word})
        offers.popup_shown(f"file:///{n}.py", "", {f"p{n}": word})
    assert len(outcomes) > 800
    offers.accepted("p0")
    offers.accepted("p999")
    offers.close()
    assert len(outcomes) == 1_001


@given(rest=CODE, after=st.sampled_from(["", AFTER, ")", "ab"]), pause_s=st.sampled_from([0.01, 1.0]))
def test_whatever_is_typed_to_its_end_is_typed(rest: str, after: str, pause_s: float) -> None:
    person = Person(after=after, pause_s=pause_s)
    person.see(rest)
    person.type(rest)
    n = len(rest.rstrip())
    assert what(person.only()) == ("typed", n, 0, n)


@given(words=st.lists(st.text(alphabet="abé𝕏", min_size=2, max_size=8), min_size=1, max_size=5))
def test_whatever_is_accepted_word_by_word_is_accepted(words: list[str]) -> None:
    person = Person()
    person.see(" ".join(words))
    for n, word in enumerate(words):
        person.insert((" " if n else "") + word)
    n = len(" ".join(words))
    assert what(person.only()) == ("accepted", n, n, 0)


@given(rest=CODE, data=st.data())
def test_typed_and_accepted_characters_add_up(rest: str, data: st.DataObject) -> None:
    person = Person()
    person.see(rest)
    left = rest
    while left.strip() and data.draw(st.booleans()):
        n = data.draw(st.integers(1, len(left)))
        person.insert(left[:n])
        left = left[n:]
    outcome = person.only()
    n_left = len(left) if left.strip() else 0
    n_chars = len(rest) if left.strip() else len(rest.rstrip())
    assert outcome.accepted_chars + outcome.typed_chars == n_chars - n_left
    assert outcome.n_chars == n_chars


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("see"), st.lists(CODE, max_size=2)),
        st.tuples(st.just("insert"), CODE),
        st.tuples(st.just("follow"), st.integers(1, 5)),
        st.tuples(st.just("replace"), CODE),
        st.tuples(st.just("erase"), st.none()),
        st.tuples(st.just("accepted"), st.integers(0, 5)),
        st.tuples(st.just("shown"), st.integers(0, 5)),
        st.tuples(st.just("partly"), st.integers(-1, 40)),
        st.tuples(st.just("popup"), CODE),
        st.tuples(st.just("closed"), st.none()),
        st.tuples(st.just("settle"), st.none()),
    ),
    max_size=25,
)


@given(events=EVENTS, pause_s=st.sampled_from([0.0, 0.1, 3.0]))
def test_nothing_that_happens_is_too_odd(events: Sequence[tuple[str, object]], pause_s: float) -> None:
    person = Person("a(", ")")
    person.pause_s = pause_s
    names, rest = ["?"], ""
    for what_happens, value in events:
        name = names[value % len(names)] if isinstance(value, int) else names[-1]
        if what_happens == "see" and isinstance(value, list):
            names += person.see(*value, behind=min(1, len(person.after)))
            rest = value[0] if value else ""
        elif what_happens == "insert":
            person.insert(str(value))
        elif what_happens == "follow" and isinstance(value, int):
            person.insert(rest[:value])
            rest = rest[value:]
        elif what_happens == "replace":
            person.insert(str(value), replaced=1)
        elif what_happens == "erase":
            person.erase()
        elif what_happens == "accepted":
            person.wait().accepted(name)
        elif what_happens == "shown":
            person.wait().shown(name)
        elif what_happens == "partly" and isinstance(value, int):
            person.wait().partly_accepted(name, value)
        elif what_happens == "popup":
            at = len(person.before)
            word = Candidate(text=str(value), start=at, end=at, probability=0.1, provenance=FROM_MODEL)
            names.append(f"p{len(names)}")
            person.offers.popup_shown(URI, person.text, {names[-1]: word})
        elif what_happens == "closed":
            person.wait().closed(URI)
        else:
            person.offers.settle()
    for outcome in person.end():
        assert outcome.accepted_chars >= 0
        assert outcome.typed_chars >= 0
        assert outcome.accepted_chars + outcome.typed_chars <= outcome.n_chars
        assert outcome.shown_s >= 0
