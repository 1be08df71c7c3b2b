"""Small inputs to the bundled model, each of which once showed a fault."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Any

import pytest

from tests.complete.memories import memory_of
from tests.complete.names_at import BAR, split, world
from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest
from tinycoder.complete.engine import Engine
from tinycoder.stop import never
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.symbols.imports.offers import read_offered

CLASSES = """\
class Door:
    def open_wide(self): pass


class Window:
    def tilt_fully(self): pass


class Base:
    def prepare_all(self): pass


class Child(Base):
    def prepare_more(self):
"""
COLOR = "from enum import Enum\n\n\nclass Color(Enum):\n    RED = 1\n    GREEN = 2\n    BLUE = 3\n\n\n"
FILES = {
    "web.py": "class HttpResponseBuilder:\n    pass\n",
    "lib.py": "def brutto_summe(rows):\n    total = 0\n    for row in rows:\n        total += row.brutto_wert\n",
    "use.py": "from lib import brutto_summe\n\nprint(brutto_summe([]))\n",
}


@pytest.fixture(scope="module")
def base() -> Model:
    return load_model(bundled_folder())


@pytest.fixture
def engine(base: Model, tmp_path: Path) -> Engine:
    for path, text in FILES.items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    engine, modules = Engine(base, memory_of(base.tokenizer, FILES)), world({path: tmp_path / path for path in FILES})
    engine.know(modules, read_offered(modules.view()))
    return engine


def popup(engine: Engine, text: str, **settings: Any) -> list[Candidate]:
    clean, offset = split(text)
    return engine.popup(Document(path="here.py", text=clean), offset, ListRequest(**settings), stop=never)


def texts(engine: Engine, text: str, **settings: Any) -> list[str]:
    return [candidate.text for candidate in popup(engine, text, **settings)]


def inline(engine: Engine, text: str, **settings: Any) -> list[Candidate]:
    clean, offset = split(text)
    return engine.inline(Document(path="here.py", text=clean), offset, GhostRequest(**settings), stop=never)


def test_an_instance_has_the_members_of_its_own_class(engine: Engine) -> None:
    found = texts(engine, f"{CLASSES}        pass\n\n\nd = Door(); w = Window(); d.{BAR}", limit=100)
    assert found[0] == "open_wide"
    assert "tilt_fully" not in found


def test_super_has_no_method_of_the_class_itself(engine: Engine) -> None:
    found = texts(engine, f"{CLASSES}        super().{BAR}", limit=100)
    assert found[0] == "prepare_all"
    assert "prepare_more" not in found


def test_the_members_of_an_enum_come_before_everything(engine: Engine) -> None:
    assert set(texts(engine, f"{COLOR}x = Color.{BAR}")[:3]) == {"RED", "GREEN", "BLUE"}
    assert set(texts(engine, f"{COLOR}Color.{BAR}")[:3]) == {"RED", "GREEN", "BLUE"}


@pytest.mark.parametrize(
    "line",
    [f"def re{BAR}", f"def {BAR}", f"except ValueError as {BAR}", f"class C{BAR}", f"for i{BAR}", f"lambda i{BAR}"],
)
def test_no_keyword_is_listed_where_a_name_is_introduced(engine: Engine, line: str) -> None:
    assert not set(texts(engine, line, limit=100)) & {*keyword.kwlist, "match", "case"}


def test_a_field_of_an_f_string_is_completed(engine: Engine) -> None:
    assert "price" in texts(engine, f'price = 1\nf"{{pr{BAR}}}"')


@pytest.mark.parametrize(("receiver", "member"), [("{}", "items"), ("[]", "append"), ("''", "split"), ("set()", "add")])
def test_literals_have_members(engine: Engine, receiver: str, member: str) -> None:
    assert member in texts(engine, f"{receiver}.{BAR}", limit=100)
    assert texts(engine, f"x = {receiver}.{member[:2]}{BAR}")[0].startswith(member[:2])


@pytest.mark.parametrize(
    "line", [f"x = httpres{BAR}", f"httpres{BAR}", f"x = httpresponseb{BAR}", f"print(httpres{BAR}"]
)
def test_case_is_ignored(engine: Engine, line: str) -> None:
    assert ("HttpResponseBuilder", "from web import HttpResponseBuilder") in [
        (found.text, str(found.provenance)) for found in popup(engine, line)
    ]


def test_a_name_of_another_file_comes_whole_and_with_its_import(engine: Engine) -> None:
    found = popup(engine, f"value = brut{BAR}")
    assert [each.text for each in found] == ["brutto_summe"]
    assert found[0].edits[0].text.startswith("from lib import brutto_summe\n")


@pytest.mark.parametrize(
    "line",
    [
        f"timeout = 30{BAR}",  # numbers
        f"timeout = 30.{BAR}",
        f"x = 0x3{BAR}",
        f"f(30{BAR})",
        f'price = 1\nf"{{price:{BAR}}}"',  # a format specification
        f"import os{BAR}",  # complete words, where Enter must not accept a row
        f"def f(result):\n    return result{BAR}",
        f"from dataclasses import dataclass\n@dataclass{BAR}\nclass A:",
        f'attempts = 1\n"""Waits between attempts.{BAR}\n"""',  # prose
        f'attempts = 1\n"""Waits between att{BAR}\n"""',
        f"attempts = 1\n# Waits between attempts.{BAR}",
        f"attempts = 1\n'see att{BAR}'",
    ],
)
def test_there_is_no_list(engine: Engine, line: str) -> None:
    assert texts(engine, line) == []


@pytest.mark.parametrize(
    "text",
    [
        f"import os\n\nprint(os.path.jo{BAR}in('a'))\n",
        f"import os\n\nprint(os.pa{BAR}th.join('a'))\n",
        f"total = 1\nprint(to{BAR}tal)\n",
        f"def se{BAR}ll(self):\n    pass\n",
        f"def sell(self):\n    ret{BAR}urn None\n",
        f"imp{BAR}ort os\n",
    ],
)
def test_ghost_text_inside_a_word_makes_a_word_that_exists_or_nothing(engine: Engine, text: str) -> None:
    clean, _ = split(text)
    for eagerness in ("any", "balanced"):
        for found in inline(engine, text, eagerness=eagerness):
            changed = clean[: found.start] + found.text + clean[found.end :]
            new = set(re.findall(r"\w+", changed)) - set(re.findall(r"\w+", clean))
            assert all(word in dir(__import__("os")) or word in keyword.kwlist for word in new), new


def test_ghost_text_names_no_module_that_is_not_imported(engine: Engine) -> None:
    candidates = inline(engine, f"from pathlib import Path; p = pa{BAR}")
    assert not any("pathlib." in each.text for each in candidates)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (f"{CLASSES}        self.{BAR}", "prepare_mores"),
        (f"{CLASSES}        pass\n\n\ndoor = Door()\ndoor.{BAR}", "tilt_fully"),
        (f"import time\n\nnow = time.{BAR}", "now("),
    ],
)
def test_ghost_text_names_no_member_that_does_not_exist(engine: Engine, text: str, wrong: str) -> None:
    assert not any(each.text.startswith(wrong) for each in inline(engine, text))


def seen_in(found: list[Candidate]) -> list[tuple[str, str, int]]:
    pairs = [(each.text, re.fullmatch(r"seen in (.*):(\d+)(?:, \d+ times)?", str(each.provenance))) for each in found]
    return [(text, match[1], int(match[2])) for text, match in pairs if match]


def test_a_source_names_a_line_with_exactly_that_word(engine: Engine) -> None:
    n_sources = 0
    above = "def f(x, rows):\n    total = 0\n    for row in rows:\n"
    for line in (
        f"total += row.{BAR}",
        f"total += row.brut{BAR}",
        f"x.{BAR}",
        f"total += row.brutto_w{BAR}",
        f"f(brut{BAR}",
    ):
        for word, path, number in seen_in(popup(engine, f"{above}        {line}", limit=50)):
            n_sources += 1
            assert re.search(rf"\b{re.escape(word.rstrip('='))}\b", FILES[path].split("\n")[number - 1]), (word, path)
    assert n_sources


COMMENTS = "".join(
    f"# Waits a little between two attempts.\ndef wait_{n}(seconds):\n    sleep(seconds * {n})\n\n\n" for n in range(4)
)


@pytest.mark.parametrize("line", [f"# Waits a little between {BAR}", f'    """Waits a little between {BAR}'])
def test_prose_is_offered_as_the_setting_says(engine: Engine, line: str) -> None:
    text = COMMENTS + line
    off, sure, always = (inline(engine, text, prose=prose, eagerness="any") for prose in ("off", "sure", "on"))
    assert off == []
    assert [each.text for each in always] == [each.text for each in inline(engine, text, prose="on", eagerness="any")]
    assert all(each.probability >= 0.0 for each in sure)
    assert len(sure) <= len(always)


def test_several_texts_in_prose_are_offered_on_request(engine: Engine) -> None:
    text = f"{COMMENTS}# Waits a little between {BAR}"
    assert inline(engine, text, n=3, prose="off")


def test_code_is_offered_whatever_is_set_for_prose(engine: Engine) -> None:
    text = f"{COMMENTS}def wait_5(seconds):\n    sleep(sec{BAR}"
    answers = [[each.text for each in inline(engine, text, prose=prose)] for prose in ("off", "sure", "on")]
    assert answers[0] == answers[1] == answers[2] != []
