"""The rows of the completion list, and where there is no list."""

from __future__ import annotations

import keyword
import os
from pathlib import Path
from typing import Any

import pytest

from tests.complete.names_at import split
from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest
from tinycoder.complete.engine import Engine
from tinycoder.stop import never
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.world import World

CODE = """\
import os
from dataclasses import dataclass

LIMIT = 3


class Counter:
    def __init__(self, start):
        self.total = start
        self._hidden = 1

    def add(self, amount):
        self.total = self.total + amount
        return self.total


def make_counter(start):
    counter = Counter(start)
    result = counter.total
    return counter


"""


@pytest.fixture(scope="module")
def base() -> Engine:
    return Engine(load_model(bundled_folder()))


@pytest.fixture(scope="module")
def small(model: Model) -> Engine:
    return Engine(model)


def listed(engine: Engine, line: str, **settings: Any) -> list[Candidate]:
    text, offset = split(CODE + line)
    return engine.popup(Document(path="counter.py", text=text), offset, ListRequest(**settings), stop=never)


def texts(engine: Engine, line: str, **settings: Any) -> list[str]:
    return [candidate.text for candidate in listed(engine, line, **settings)]


WHOLE = [
    "import os¦",
    "from dataclasses import dataclass¦",
    "def f(result):\n    return result¦",
    "x = None¦",
    "x = Counter¦",
    "x = make_counter¦",
    "c = Counter(1)\nc.total¦",
    "c = Counter(1)\nc.add¦",
    "@dataclass¦",
    "pass¦",
    "try:\n    pass\nfinally¦",
    "for x in LIMIT¦",
]


@pytest.mark.parametrize("line", WHOLE)
def test_there_is_no_list_where_the_typed_word_is_complete(base: Engine, line: str) -> None:
    assert texts(base, line) == []


@pytest.mark.parametrize("line", WHOLE)
def test_a_list_on_the_screen_closes_one_letter_before_the_end_of_the_word(base: Engine, line: str) -> None:
    if line != "import os¦":  # a word of two letters: the list opens with the first
        assert texts(base, f"{line[:-2]}¦", on_screen=True) == []


def test_a_list_on_the_screen_stays_while_two_letters_are_missing_or_none_is_typed(base: Engine) -> None:
    assert "n" in texts(base, "for n in range(3):\n    print(¦", on_screen=True)
    assert texts(base, "x = Count¦", on_screen=True)[0] == "Counter"
    assert "Counter" not in texts(base, "x = Counte¦", on_screen=True)
    assert texts(base, "x = Counte¦")[0] == "Counter"


def test_an_unfinished_word_keeps_its_list_open(base: Engine) -> None:
    assert texts(base, "retu¦")[0] == "return"
    assert texts(base, "x = make_¦")[0] == "make_counter"
    assert texts(base, "c = Counter(1)\nc.tot¦")[0] == "total"


@pytest.mark.parametrize("line", [*WHOLE, "x = cou¦", "x = co¦", "i¦", "x = Count¦", "def make¦", "for coun¦", "os.p¦"])
@pytest.mark.parametrize("engine", ["base", "small"])
def test_the_typed_word_is_never_a_row(request: pytest.FixtureRequest, engine: str, line: str) -> None:
    typed = line[:-1].split()[-1].split(".")[-1].lstrip("@(")
    assert typed not in texts(request.getfixturevalue(engine), line, limit=50)


@pytest.mark.parametrize(
    "line", ["# a¦", "'a¦", "x = 30¦", "f'{x:¦}'", "x = 1.¦", '"""Says\nall¦\n"""', "x = 'a'¦", "f'{x!¦}'", "#¦"]
)
@pytest.mark.parametrize("engine", ["base", "small"])
def test_there_is_no_list_in_prose_and_numbers(request: pytest.FixtureRequest, engine: str, line: str) -> None:
    assert texts(request.getfixturevalue(engine), line) == []


@pytest.mark.parametrize(
    "line",
    ["x = ¦", "x = cou¦", "return ¦", "f(cou¦", "x = Counter(1).¦", "os.¦", "raise ¦", "import ¦"],
)
@pytest.mark.parametrize("engine", ["base", "small"])
def test_no_new_name_is_listed_where_none_may_be(request: pytest.FixtureRequest, engine: str, line: str) -> None:
    for row in listed(request.getfixturevalue(engine), f"def f():\n    {line}", limit=50):
        assert str(row.provenance) != "new name"


@pytest.mark.parametrize("line", ["def re¦", "class Te¦", "for ¦", "with x as ¦", "def f(¦", "lambda ¦", "¦"])
def test_new_names_are_listed_where_they_may_be(base: Engine, line: str) -> None:
    new = [row for row in listed(base, line, limit=50) if str(row.provenance) == "new name"]
    assert all(row.text.isidentifier() and not keyword.iskeyword(row.text) for row in new)
    assert new or line in ("¦", "with x as ¦")


def test_no_row_is_listed_twice(base: Engine, small: Engine) -> None:
    for engine in (base, small):
        for line in ("x = ¦", "¦", "self.¦", "f(c¦", "for c¦", "Counter(1).¦"):
            rows = texts(engine, line, limit=200)
            assert len(rows) == len(set(rows))


def test_the_limit_holds(base: Engine) -> None:
    assert [len(texts(base, "x = ¦", limit=limit)) for limit in (0, 1, 5)] == [0, 1, 5]


def test_case_is_ignored_and_the_exact_one_comes_first(base: Engine) -> None:
    assert texts(base, "def f(counter):\n    x = cou¦")[:2] == ["counter", "Counter"]
    assert texts(base, "def f(counter):\n    x = Cou¦")[:2] == ["Counter", "counter"]
    assert "LIMIT" in texts(base, "x = lim¦")


def test_a_leading_underscore_may_be_left_out(base: Engine) -> None:
    assert texts(base, "c = Counter(1)\nc.hid¦") == ["_hidden"]
    assert texts(base, "c = Counter(1)\nc.ini¦")[0] == "__init__"


def test_a_row_replaces_the_word_that_is_typed(base: Engine) -> None:
    text, offset = split(f"{CODE}x = cou¦nt_it")
    for row in base.popup(Document(path="counter.py", text=text), offset, stop=never):
        assert (row.start, row.end, row.replace_end) == (offset - 3, offset, offset + 5)


def test_a_keyword_argument_is_listed_with_its_equals_sign(base: Engine) -> None:
    assert "start=" in texts(base, "make_counter(¦")
    assert "start=" in texts(base, "make_counter(st¦")
    assert "start=" not in texts(base, "make_counter(start=1, ¦")


def test_before_an_equals_sign_a_keyword_argument_is_listed_without_it(base: Engine) -> None:
    rows = texts(base, "make_counter(st¦=1)")
    assert rows.count("start") == 1
    assert not [row for row in rows if row.endswith("=")]
    assert "start=" in texts(base, "make_counter(st¦==1)")
    assert "start" not in texts(base, "make_counter(start¦=1)")


def test_a_keyword_argument_that_is_given_is_not_listed_again(base: Engine) -> None:
    assert "start=" not in texts(base, "unknown(start=1, st¦")


def test_probabilities_fall_and_add_up_to_one_at_most(base: Engine) -> None:
    for line in ("x = ¦", "x = cou¦", "self.¦"):
        shares = [row.probability for row in listed(base, line)]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1.0001


def test_the_word_of_the_ghost_text_comes_first_while_the_user_types_through_it(small: Engine) -> None:
    text = "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.tot"
    for end in range(len(text) - 3, len(text) + 1):
        document = Document(path="counter.py", text=text[:end])
        small.inline(document, end, GhostRequest(eagerness="any"), stop=never)
        rows = small.popup(document, end, stop=never)
        if rows and end > len(text) - 3:
            assert rows[0].text == "total"


def test_a_list_on_the_screen_closes_at_the_end_of_the_word_of_the_ghost_text(model: Model) -> None:
    engine = Engine(model)
    text = "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.to"
    assert engine.inline(Document(path="counter.py", text=text), len(text), stop=never)[0].text.startswith("total")
    whole = f"{text}tal"
    document = Document(path="counter.py", text=whole)
    assert engine.popup(document, len(whole), ListRequest(on_screen=True), stop=never) == []


def test_a_list_that_was_asked_for_before_has_what_became_known_since(tmp_path: Path) -> None:
    engine, file = Engine(load_model(bundled_folder())), tmp_path / "shop.py"
    text, offset = split("import shop\n\nshop.¦")
    here = Document(path="here.py", text=text)

    def names() -> list[str]:
        return [each.text for each in engine.popup(here, offset, stop=never)]

    assert "basket" not in names()
    file.write_text("def basket(): ...\n", encoding="utf-8")
    project = Project()
    project.refresh([WorkspaceFile(path="shop.py", location=file)])
    engine.know(World(project))
    assert "basket" in names()
    file.write_text("def basket(): ...\ndef checkout(): ...\n", encoding="utf-8")
    os.utime(file, (1, 1))
    project.refresh([WorkspaceFile(path="shop.py", location=file)])
    assert "checkout" in names()
