from pathlib import Path

import pytest

from tinycoder.symbols.environment import Environment
from tinycoder.symbols.imports.forms import ImportForm
from tinycoder.symbols.imports.offers import import_edit, import_form, read_offered
from tinycoder.symbols.interpreter import Interpreter, own_library
from tinycoder.symbols.modules import ENVIRONMENT, LIBRARY, WORKSPACE
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.records import Class, Function, Variable
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.world import View, World


class Place:
    """A workspace and an environment in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "site").mkdir()
        (folder / "ws").mkdir()
        self.project = Project()
        interpreter = Interpreter(prefix=folder, search_paths=(folder / "site",), library=own_library())
        self.environment = Environment(lambda: interpreter)
        self.world = World(self.project, self.environment)

    def write(self, texts: dict[str, str], *, site: bool = False) -> None:
        base = self.folder / ("site" if site else "ws")
        for name, text in texts.items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_text(text, encoding="utf-8")
        files = sorted((self.folder / "ws").rglob("*.py"))
        root = self.folder / "ws"
        self.project.refresh(WorkspaceFile(path=file.relative_to(root).as_posix(), location=file) for file in files)

    def view(self, path: str = "") -> View:
        return self.world.view(path)


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(tmp_path)


def where(view: View, name: str, attribute: str) -> tuple[str, str] | None:
    found = view.resolve(name, attribute)
    return (found.source.name, found.symbol.name if found.symbol else "") if found else None


def origin(view: View, name: str) -> str:
    found = view.find(name)
    return found.origin if found else ""


def test_imports_are_followed_to_where_a_name_is_defined(place):
    place.write(
        {
            "app/__init__.py": "from .models import User as Person\nfrom . import views\nimport app.models as m\n",
            "app/models.py": "class User: ...\n",
            "app/views.py": "from .models import *\nfrom ..missing import x\nimport os.path\n",
        }
    )
    view = place.view()
    assert where(view, "app", "Person") == ("app.models", "User")
    assert where(view, "app", "views") == ("app.views", "")
    assert where(view, "app", "m") == ("app.models", "")
    assert where(view, "app", "models") == ("app.models", "")
    assert where(view, "app.views", "User") == ("app.models", "User")
    assert where(view, "app.views", "os") == ("os", "")
    assert where(view, "app.views", "x") is None
    assert where(view, "app.views", "nothing") is None
    assert where(view, "nowhere", "x") is None


def test_circles_of_imports_and_stars_end(place):
    place.write(
        {
            "a.py": "from b import *\nfrom b import x\nfrom a import y\nAlone = 1\n",
            "b.py": "from a import *\nfrom a import x\n",
            "c/__init__.py": "from . import c\nfrom .c import c\n",
            "c/c.py": "from . import c\n",
        }
    )
    view = place.view()
    assert where(view, "a", "x") is None
    assert where(view, "a", "y") is None
    assert where(view, "b", "Alone") == ("a", "Alone")
    assert where(view, "c", "c") == ("c.c", "")
    assert "Alone" in view.public("b")
    assert "Alone" in view.public("a")


def test_a_long_chain_of_stars_ends(place):
    chain = {f"m{n}.py": f"from m{n + 1} import *\n" for n in range(400)}
    place.write({**chain, "m400.py": "Deep = 1\n"})
    place.view().public("m0")
    place.view().resolve("m0", "Deep")


def test_stars_honour_what_is_exported(place):
    place.write(
        {
            "a.py": "from b import *\nfrom c import *\n",
            "b.py": "__all__ = ['shown', '_also']\nshown = 1\n_also = 1\nkept = 1\n",
            "c.py": "free = 1\n_private = 1\n",
        }
    )
    view = place.view()
    assert {"shown", "_also", "free"} <= set(view.public("a"))
    assert not {"kept", "_private"} & set(view.public("a"))
    assert where(view, "a", "kept") is None
    assert where(view, "a", "_also") == ("b", "_also")


def test_public_names_come_before_private_ones_and_submodules_are_among_them(place):
    place.write(
        {
            "app/__init__.py": "import os\nfrom .models import User\n_secret = 1\n__version__ = '1'\ndef make(): ...\n",
            "app/models.py": "class User: ...",
            "app/extra.py": "",
        }
    )
    names = list(place.view().public("app"))
    assert names == ["make", "User", "extra", "models", "os", "_secret", "__version__"]
    assert place.view().public("app")["extra"] is None
    assert isinstance(place.view().public("app")["make"], Function)


def test_names_that_are_exported_without_a_definition_are_there(place):
    place.write({"lazy.py": "__all__ = ['first', 'second']\ndef __getattr__(name): ...\nsecond = 2\n"})
    public = place.view().public("lazy")
    assert list(public)[:2] == ["first", "second"]
    assert isinstance(public["first"], Variable)


def test_stubs_keep_their_imports_to_themselves(place):
    place.write(
        {
            "pkg/__init__.pyi": "import os\nfrom re import sub\nfrom ._core import array\nfrom pkg.more import tool",
            "pkg/_core.pyi": "def array() -> int: ...",
            "pkg/more.pyi": "def tool() -> int: ...",
            "plain.py": "import os\nvalue = 1\n",
        },
        site=True,
    )
    view = place.view()
    assert list(view.public("pkg")) == ["array", "tool", "more", "_core"]
    assert list(view.public("plain")) == ["value", "os"]


def test_the_library_shows_what_it_is_for(place):
    names = place.view().public("json")
    assert list(names)[:4] == ["dump", "dumps", "load", "loads"]
    assert "codecs" not in names
    assert {"path", "getcwd", "environ"} <= set(place.view().public("os"))
    assert "sys" not in place.view().public("os")
    assert "join" in place.view().public("os.path")


def test_a_module_at_a_root_shadows_the_library_and_one_elsewhere_does_not(place):
    place.write({"random.py": "mine = 1", "deep/inner/json.py": "mine = 1", "src/email.py": "mine = 1"})
    view = place.view("main.py")
    assert origin(view, "random") == WORKSPACE
    assert origin(view, "email") == WORKSPACE
    assert origin(view, "json") == LIBRARY
    assert origin(place.view("deep/inner/main.py"), "json") == WORKSPACE
    assert origin(view, "json.decoder") == LIBRARY


def test_a_package_of_the_workspace_comes_before_an_installed_one(place):
    place.write({"pkg/__init__.py": "", "pkg/other.py": "", "ns/thing.py": ""}, site=True)
    place.write({"src/pkg/__init__.py": "mine = 1", "ns/more.py": "", "tests/helpers.py": ""})
    view = place.view()
    assert origin(view, "pkg") == WORKSPACE
    assert view.find("pkg.other") is None
    assert origin(view, "ns.thing") == ENVIRONMENT
    assert origin(view, "ns.more") == WORKSPACE
    assert view.submodules("ns") == ("more", "thing")
    top = view.top_level()
    assert (top["pkg"], top["helpers"], top["os"]) == (WORKSPACE, WORKSPACE, LIBRARY)


def test_a_folder_without_init_does_not_hide_an_installed_package(place):
    place.write({"numpy/__init__.py": "array = 1"}, site=True)
    place.write({"numpy/example.py": ""})
    assert origin(place.view(), "numpy") == ENVIRONMENT


def test_a_change_of_an_open_document_is_seen_at_once(place):
    place.write({"a.py": "from b import Old\n", "b.py": "class Old: ...\n"})
    assert where(place.view(), "a", "Old") == ("b", "Old")
    changed = read_source("class New: ...\n")
    assert changed is not None
    before = place.view()
    place.project.open("b.py", changed)
    assert where(before, "a", "Old") == ("b", "Old")
    assert where(place.view(), "a", "Old") is None
    assert "New" in place.view().public("b")


def test_a_view_gives_the_same_objects(place):
    place.write({"a.py": "class A: ...\n"})
    view = place.view()
    source = view.find("a")
    assert source is not None
    assert view.record(source) is view.record(source)
    assert isinstance(view.record(source).symbols["A"], Class)


def form_for(place: Place, name: str, path: str) -> str:
    view = place.view(path)
    (defined,) = view.snapshot.named(name)
    return str(import_form(view, defined))


def test_a_name_is_imported_as_most_files_do_else_from_the_shortest_public_path(place):
    place.write(
        {
            "app/__init__.py": "from .core._impl import Shown\nfrom .core import Used\n",
            "app/core/__init__.py": "from ._impl import *\n",
            "app/core/_impl.py": "class Shown: ...\nclass Used: ...\nclass Alone: ...\n",
            "app/core/more.py": "",
            "app/plain.py": "class Plain: ...\nclass Never: ...\n",
            "main.py": "from app.core import Used\n",
            "other.py": "from app.core import Used\n",
        }
    )
    assert form_for(place, "Shown", "main.py") == "from app import Shown"
    assert form_for(place, "Used", "main.py") == "from app.core import Used"
    assert form_for(place, "Alone", "main.py") == "from app.core import Alone"
    assert form_for(place, "Plain", "main.py") == "from app.plain import Plain"
    assert form_for(place, "Alone", "app/plain.py") == "from app.core import Alone"
    assert form_for(place, "Alone", "app/core/more.py") == "from app.core._impl import Alone"
    assert form_for(place, "plain", "main.py") == "from app import plain"


def test_names_beside_those_that_are_imported_are_offered(place):
    place.write(
        {
            "web/__init__.py": "from web._app import App\nfrom os import path\ndef serve(): ...\n",
            "web/_app.py": "class App: ...\n",
            "other/__init__.py": "def unrelated(): ...\n",
        },
        site=True,
    )
    place.write({"main.py": "from web import serve\nimport missing as ms\nimport other\n"})
    offered = read_offered(place.view())
    assert [(str(each.form), each.kind, each.n_uses) for each in offered.starting("")] == [
        ("from web import App", "class", 0),
        ("import missing as ms", "", 1),
        ("import other", "module", 1),
        ("from web import serve", "function", 1),
    ]
    assert [each.form for each in offered.starting("AP")] == [ImportForm("web", "App")]


def test_the_edit_of_a_document_follows_the_document_else_its_package(place):
    place.write(
        {
            "app/__init__.py": "from .a import A\nfrom .b import B\n",
            "app/a.py": "class A: ...\n",
            "app/b.py": "",
            "plain/x.py": "",
        }
    )
    wanted = ImportForm("app.a", "A")

    def changed(path: str, text: str) -> str:
        edit = import_edit(place.view(path), text, wanted, cursor=len(text))
        assert edit is not None
        return text[: edit[0]] + edit[2] + text[edit[1] :]

    assert changed("app/b.py", "x = 1\nA") == "from .a import A\n\nx = 1\nA"
    assert changed("app/b.py", "import app.b\nA") == "import app.b\n\nfrom .a import A\n\nA"
    assert changed("app/b.py", "from app.c import C\nA") == "from app.a import A\nfrom app.c import C\nA"
    assert changed("plain/x.py", "import os\n\nA") == "import os\n\nfrom app.a import A\n\nA"
