"""Names that bring their import along: which, in which form, and where they are not offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.complete.names_at import BAR, cursor, split, workspace, world
from tinycoder.complete.candidate import Candidate, Document, ListRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.names import name as group
from tinycoder.complete.names.importable import import_edits
from tinycoder.complete.names.name import Name
from tinycoder.complete.names.names import Names
from tinycoder.storage.checkpoint import Model
from tinycoder.symbols.imports.offers import read_offered

FILES = {
    "shop/__init__.py": "",
    "shop/models.py": "class Cart: ...\nclass Cartridge: ...\ndef cart_total(cart): ...\ndef _cart_private(): ...\n",
    "shop/other.py": "class Cart: ...\n",
    "one.py": "from shop.models import Cart\nimport numpy as np\nimport os.path\n",
    "two.py": "from shop.models import Cart\nimport numpy as np\nfrom collections import OrderedDict\n",
    "three.py": "from shop.other import Cart\nimport numpy\n",
}


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return workspace(tmp_path, FILES, offers=True)


def offered(names: Names, typed: str, path: str = "here.py") -> dict[str, str]:
    """The names that begin so, each with its statement."""
    found = names.importable(cursor(f"x = {typed}{BAR}", path=path, names=names))
    return {name.text: statement(names, name, f"x = {typed}{BAR}", path) for name in found}


def statement(names: Names, name: Name, text: str, path: str) -> str:
    clean, offset = split(text)
    resolver = names.resolver(cursor(text, path=path, names=names), clean)
    return "".join(edit.text for edit in import_edits(name, Document(path=path, text=clean), offset, resolver)).strip()


def test_the_form_that_the_workspace_uses_most(names: Names) -> None:
    assert offered(names, "Cart")["Cart"] == "from shop.models import Cart"
    assert offered(names, "np") == {"np": "import numpy as np"}
    assert offered(names, "OrderedD")["OrderedDict"] == "from collections import OrderedDict"


def test_else_from_its_own_module(names: Names) -> None:
    assert offered(names, "cart_t")["cart_total"] == "from shop.models import cart_total"
    assert offered(names, "Cartr")["Cartridge"] == "from shop.models import Cartridge"


def test_case_and_a_leading_underscore_may_be_left_out(names: Names) -> None:
    assert {"Cart", "Cartridge", "cart_total", "_cart_private"} <= offered(names, "cart").keys()
    assert {"Cart", "Cartridge", "cart_total"} <= offered(names, "CART").keys()
    assert "Cart" not in offered(names, "_cart")


def test_modules_of_the_library_that_no_file_imports(names: Names) -> None:
    assert offered(names, "itert")["itertools"] == "import itertools"


def test_what_the_file_defines_itself_needs_no_import(names: Names) -> None:
    assert "cart_total" not in offered(names, "cart_t", path="shop/models.py")


def test_an_open_document_defines_names_too(names: Names) -> None:
    names.observe("fresh.py", "def cart_of_today(): ...\n")
    split_text = f"x = cart_of{BAR}"
    names.resolver(cursor(split_text, names=names), split(split_text)[0])
    assert offered(names, "cart_of")["cart_of_today"] == "from fresh import cart_of_today"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (f"x = Cart{BAR}\n", "from shop.models import Cart\n\nx = Cart\n"),
        (f'"""Says."""\n\nx = Cart{BAR}\n', '"""Says."""\n\nfrom shop.models import Cart\n\nx = Cart\n'),
        (f"import os\n\nx = Cart{BAR}\n", "import os\n\nfrom shop.models import Cart\n\nx = Cart\n"),
        (
            f"from __future__ import annotations\n\nx = Cart{BAR}\n",
            "from __future__ import annotations\n\nfrom shop.models import Cart\n\nx = Cart\n",
        ),
        (f"from shop.models import Cart\n\nx = Cart{BAR}\n", "from shop.models import Cart\n\nx = Cart\n"),
    ],
)
def test_where_the_line_goes(names: Names, text: str, after: str) -> None:
    clean, offset = split(text)
    name = next(each for each in names.importable(cursor(f"x = Cart{BAR}", names=names)) if each.text == "Cart")
    resolver = names.resolver(cursor(text, names=names), clean)
    for edit in import_edits(name, Document(path="here.py", text=clean), offset, resolver):
        clean = clean[: edit.start] + edit.text + clean[edit.end :]
    assert clean == after


def test_names_that_need_none_have_no_edit(names: Names) -> None:
    text = f"x = {BAR}"
    resolver = names.resolver(cursor(text, names=names), "x = ")
    for where in (group.DEFINED, group.IMPORT, group.BUILTIN):
        assert import_edits(Name(text="Cart", group=where), Document(path="here.py", text="x = "), 4, resolver) == ()


@pytest.fixture
def engine(model: Model, tmp_path: Path) -> Engine:
    workspace(tmp_path, FILES)
    engine = Engine(model)
    known = world({path: tmp_path / path for path in FILES})
    engine.know(known, read_offered(known.view()))
    return engine


def listed(engine: Engine, text: str, **settings: bool) -> list[Candidate]:
    clean, offset = split(text)
    return engine.popup(
        Document(path="here.py", text=clean), offset, ListRequest(limit=50, **settings), stop=lambda: False
    )


def with_import(engine: Engine, text: str, **settings: bool) -> dict[str, str]:
    return {each.text: str(each.provenance) for each in listed(engine, text, **settings) if each.edits}


def test_a_row_says_which_import_it_brings(engine: Engine) -> None:
    found = with_import(engine, f"x = car{BAR}")
    assert found["Cart"] == "from shop.models import Cart"
    assert found["cart_total"] == "from shop.models import cart_total"


def test_what_is_in_scope_needs_no_import(engine: Engine) -> None:
    assert "Cart" not in with_import(engine, f"from shop.models import Cart\nx = Car{BAR}")
    assert "Cart" not in with_import(engine, f"class Cart: ...\nx = Car{BAR}")
    assert "cart_total" not in with_import(engine, f"def f(cart_total):\n    return car{BAR}")


@pytest.mark.parametrize("typed", ["", "c", "ca"])
def test_none_before_some_letters_are_typed(engine: Engine, typed: str) -> None:
    assert with_import(engine, f"x = {typed}{BAR}") == {}


@pytest.mark.parametrize(
    "line",
    [
        f"def car{BAR}",
        f"class Car{BAR}",
        f"for car{BAR}",
        f"with x as car{BAR}",
        f"def f(car{BAR}",
        f"lambda car{BAR}",
        f"x.car{BAR}",
        f"import car{BAR}",
        f"from shop.models import Car{BAR}",
        f"'car{BAR}",
        f"# car{BAR}",
    ],
)
def test_none_where_a_name_is_made_or_a_member_stands(engine: Engine, line: str) -> None:
    assert with_import(engine, line) == {}


def test_a_person_can_do_without(engine: Engine) -> None:
    assert with_import(engine, f"x = car{BAR}", imports=False) == {}
