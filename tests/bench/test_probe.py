"""The probe: what it asks of a small workspace, and what it counts of servers that are known."""

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]
Ask = Callable[[str, dict[str, str]], dict[str, list[int]]]
FAKE = Path(__file__).parent / "fake_server.py"
MODELS = '''"""Things."""

import enum

SECONDS_OF_PATIENCE = 3
SECONDS_OF_GRACE = 5
del SECONDS_OF_GRACE


class Machine:
    """It runs."""

    def __init__(self, temperature):
        self.temperature = temperature

    def prepare_everything(self):
        return self.temperature


class Colour(enum.Enum):
    vermilion = 1


def measure_pressure(chamber, *, tolerance=0.1):
    return chamber, tolerance
'''
LINES = """from factory.models import Machine

NOTE = "broken ¦ bar"


def build():
    return Machine
"""
PRESS = """from factory.models import Machine


class Press(Machine):
    stamping = 1
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    for path, text in {
        "src/factory/__init__.py": "",
        "src/factory/models.py": MODELS,
        "src/factory/special/__init__.py": PRESS,
        "src/factory/lines.py": LINES,
        "tests/test_models.py": "def test_nothing():\n    pass\n",
        "setup.py": "AUTHOR_NAME = 'me'\n",
        ".venv/lib/site-packages/foreign.py": "def foreign_function(): pass\n",
        "broken.py": "def (\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def test_questions_are_about_what_can_be_read_off(load: Load, workspace: Path) -> None:
    load("probe")
    code = load("probe_code").read(workspace)
    assert set(code.modules) == {"broken", "factory", "factory.models", "factory.lines", "factory.special"} - {"broken"}
    rows = load("probe_questions").questions(code, random.Random(0), 40)
    asked = {(row.kind, row.text.splitlines()[0], row.meant) for row in rows}
    assert ("import module", "import fa", "factory") in asked
    assert ("from import", "from factory.models import SE", "SECONDS_OF_PATIENCE") in asked
    assert ("workspace name", "value = meas", "measure_pressure") in asked
    assert ("keyword argument", "from factory.models import measure_pressure", "tolerance") in asked
    assert ("own member", "class Machine:", "temperature") in asked
    assert ("instance member", "from factory.special import Press", "stamping") in asked
    assert ("inherited member", "from factory.models import Machine", "prepare_everything") in asked
    meant = {row.meant for row in rows}
    assert not {"SECONDS_OF_GRACE", "vermilion", "test_nothing", "AUTHOR_NAME", "foreign_function"} & meant
    typed = [(re.split(r"\W", row.text[: row.at])[-1], row.meant) for row in rows]
    assert all(name != word and name.startswith(word) for word, name in typed)


def test_what_is_inherited_counts_among_the_names_that_may_stand_there(load: Load, workspace: Path) -> None:
    load("probe")
    code = load("probe_code").read(workspace)
    assert {"stamping", "temperature", "prepare_everything"} <= code.members_of("factory.special", "Press")
    assert {"models", "lines", "special"} <= code.names_of("factory")


def test_line_ends_are_found_in_any_text(load: Load) -> None:
    load("probe")
    text = "import os\n\f\n# It ends.\nvalue = os.path\nother = (1)\nnote = '¦.'\n"
    places = load("probe_questions").line_ends({"a.py": text}, random.Random(0), 99)
    assert sorted(text[:at].rpartition("\n")[2] for _, at in places) == ["# It ends.", "import os", "value = os.path"]


@pytest.fixture
def ask(load: Load, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    probe = load("probe")
    monkeypatch.setattr(probe, "READY_S", 0.1)

    def ask(mode: str, truths: dict[str, str]) -> dict[str, list[int]]:
        file = tmp_path / "truths.json"
        file.write_text(json.dumps(truths), encoding="utf-8")
        command = f"{sys.executable} {FAKE} {mode} {file}"
        score, failures = probe.probe(command, workspace, {}, n=40, seed=0, settle_s=0)
        assert failures == {"error": 0, "timeout": 0}
        table: dict[str, list[int]] = score.table
        return table

    return ask


def test_a_silent_server_is_quiet_and_knows_nothing(ask: Ask) -> None:
    table = ask("silent", {})
    for kind in ("quiet", "enter is enter", "word is whole"):
        assert table[kind][0] == table[kind][1] > 0, kind
    for kind in ("import module", "from import", "workspace name", "instance member", "own member"):
        assert table[kind][0] == 0 < table[kind][1], kind
    assert "list exists" not in table
    assert "brings its import" not in table


def test_a_server_that_knows_the_names_gets_them_right(ask: Ask) -> None:
    names = dict.fromkeys(["factory", "temperature", "prepare_everything", "stamping", "chamber", "tolerance"], "")
    names |= dict.fromkeys(["Machine", "SECONDS_OF_PATIENCE", "measure_pressure"], "factory.models")
    names |= {"Press": "factory.models", "build": "factory.lines", "Colour": ""}
    table = ask("words", names)
    for kind in ("import module", "workspace name", "instance member", "inherited member", "keyword argument"):
        assert table[kind][0] == table[kind][1] > 0, kind
    assert table["list exists"][0] == table["list exists"][1]
    assert table["brings its import"] == [2, 2]
    assert table["enter is enter"][0] < table["enter is enter"][1]


def test_a_row_must_bring_an_import_from_a_module_that_has_it(load: Load, workspace: Path) -> None:
    probe = load("probe")
    code = load("probe_code").read(workspace)
    wanted = load("probe_questions").question("workspace name", "value = Mach¦\n", "Machine", 10)
    top = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    for text, right in (
        ("from factory.models import Machine\n\n", True),
        ("from factory.special import Machine\n", True),
        ("from factory.other import Machine\n", False),
        ("from factory.models import Machine as M\n", False),
        ("from factory.models import\n", False),
    ):
        item = {"label": "Machine", "additionalTextEdits": [{"range": top, "newText": text}]}
        assert probe.brings_import(None, code, wanted, item) is right, text
