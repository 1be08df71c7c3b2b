import os
from dataclasses import replace
from pathlib import Path

import pytest

from tinycoder.errors import Cancelled
from tinycoder.symbols.imports.forms import ImportForm
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.records import Module
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.symbol_file import SymbolFile


def make(folder: Path, texts: dict[str, str]) -> list[WorkspaceFile]:
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return files_in(folder)


def files_in(folder: Path) -> list[WorkspaceFile]:
    found = sorted(folder.rglob("*.py"))
    return [WorkspaceFile(path=file.relative_to(folder).as_posix(), location=file) for file in found]


def module(text: str) -> Module:
    found = read_source(text)
    assert found is not None
    return found


TEXTS = {
    "app/__init__.py": "from app.models import User\n",
    "app/models.py": "import numpy as np\n\nclass User:\n    name: str\n    def greet(self): ...\n\n_hidden = 1\n",
    "app/views.py": "from app.models import User\nimport numpy as np\nfrom . import models\n\ndef show_user(): ...\n",
}


def change_unseen(file: Path, old: str, new: str) -> None:
    """Change a file so that its size and time do not tell: what was read of it before is still what is known."""
    assert len(old) == len(new)
    status = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def names(project: Project, prefix: str) -> list[str]:
    return [one.name for one in project.snapshot.starting(prefix)]


def test_what_files_define_is_found_by_its_first_letters(tmp_path):
    project = Project()
    project.refresh(make(tmp_path, TEXTS))
    snapshot = project.snapshot
    (user,) = snapshot.starting("use")
    assert (user.name, user.kind, user.path, user.line) == ("User", "class", "app/models.py", 3)
    assert [one.name for one in snapshot.starting("HID")] == ["_hidden"]
    assert [one.name for one in snapshot.starting("_h")] == ["_hidden"]
    assert snapshot.starting("_use") == []
    assert [(one.name, one.kind) for one in snapshot.starting("mod")] == [("models", "module")]
    assert [one.name for one in snapshot.named("show_user")] == ["show_user"]
    assert snapshot.is_member("greet")
    assert "User" in snapshot.record("app/models.py").symbols
    assert snapshot.record("missing.py").symbols == {}


def test_the_form_of_import_that_most_files_use(tmp_path):
    project = Project()
    project.refresh(make(tmp_path, TEXTS))
    forms = project.snapshot.forms
    assert forms.forms("np")[0][0] == ImportForm("numpy", "", "np")
    assert forms.forms("User")[0][0] == ImportForm("app.models", "User")
    assert forms.forms("models")[0][0] == ImportForm("app", "models")
    assert forms.forms("missing") == []


def test_an_open_document_lies_over_its_file(tmp_path):
    project = Project()
    project.refresh(make(tmp_path, TEXTS))
    before = project.snapshot
    project.open("app/models.py", module("class Account:\n    balance = 0\n"))
    assert [one.name for one in project.snapshot.starting("acc")] == ["Account"]
    assert project.snapshot.starting("user") == []
    assert project.snapshot.is_member("balance")
    assert [one.name for one in before.starting("user")] == ["User"]
    project.open("app/new.py", module("def fresh(): ..."))
    assert project.snapshot.names.find("app.new") is not None
    project.close("app/models.py")
    assert [one.name for one in project.snapshot.starting("user")] == ["User"]
    project.close("app/new.py")
    assert project.snapshot.names.find("app.new") is None
    project.close("never/opened.py")


def test_where_only_open_documents_may_be_read_their_imports_count():
    project = Project()
    project.open("a.py", module("import numpy as np\nfrom b import Thing\n"))
    project.open("b.py", module("class Thing: ...\n"))
    assert project.snapshot.forms.forms("np")[0][0] == ImportForm("numpy", "", "np")
    assert names(project, "thi") == ["Thing"]
    assert project.snapshot.names.names("b.py") == ("b",)


def test_only_what_changed_is_read_again(tmp_path):
    project = Project()
    files = make(tmp_path, TEXTS)
    project.refresh(files)
    change_unseen(tmp_path / "app/models.py", "User", "Gues")
    project.refresh(files)
    assert names(project, "User") == ["User"]
    os.utime(tmp_path / "app/models.py", ns=(5, 5))
    (tmp_path / "app/views.py").write_text("def other_view(): ...\n", encoding="utf-8")
    project.refresh(files)
    assert names(project, "User") == []
    assert names(project, "Gues") == ["Gues"]
    assert names(project, "show") == []
    assert names(project, "other") == ["other_view"]
    (tmp_path / "app/views.py").unlink()
    project.refresh(files)  # a list that is older than the disk
    assert names(project, "other") == []
    assert "app/views.py" not in project.snapshot.paths()
    project.refresh(files_in(tmp_path)[:1])
    assert project.snapshot.paths() == ["app/__init__.py"]


def test_what_is_stored_is_not_read_again(tmp_path):
    files = make(tmp_path / "ws", TEXTS)
    file = SymbolFile(tmp_path / "symbols.db")
    Project(file).refresh(files)
    file.close()
    change_unseen(tmp_path / "ws/app/models.py", "User", "Gues")
    (tmp_path / "ws/app/views.py").unlink()
    again = SymbolFile(tmp_path / "symbols.db")
    project = Project(again)
    project.refresh(files_in(tmp_path / "ws"))
    assert names(project, "User") == ["User"]
    assert set(again.load()) == {"app/__init__.py", "app/models.py"}
    again.close()


def test_a_damaged_row_is_read_again(tmp_path):
    files = make(tmp_path / "ws", TEXTS)
    file = SymbolFile(None)
    Project(file).refresh(files)
    stored = file.load()["app/models.py"]
    file.put({"app/models.py": replace(stored, data=b"[]")})
    project = Project(file)
    project.refresh(files)
    assert names(project, "User") == ["User"]
    assert "User" in project.snapshot.record("app/models.py").symbols
    file.close()


def test_a_refresh_can_be_stopped_and_goes_on_where_it_was(tmp_path):
    files = make(tmp_path, TEXTS)
    file = SymbolFile(None)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    project = Project(file)
    with pytest.raises(Cancelled):
        project.refresh(files, stop=stop)
    assert project.snapshot.paths() == []
    change_unseen(tmp_path / "app/models.py", "User", "Gues")
    told: list[tuple[int, int]] = []
    project.refresh(files, progress=lambda done, total: told.append((done, total)))
    assert names(project, "User") == ["User"]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    file.close()


def test_files_with_errors_and_no_texts(tmp_path):
    files = make(tmp_path, {"broken.py": "x = 1 +\n\n\nclass Whole:\n    def f(self): ...\n", "empty.py": ""})
    (tmp_path / "binary.py").write_bytes(bytes(range(256)))
    files.append(WorkspaceFile(path="binary.py", location=tmp_path / "binary.py"))
    files.append(WorkspaceFile(path="gone.py", location=tmp_path / "gone.py"))
    project = Project()
    project.refresh(files)
    assert [one.name for one in project.snapshot.starting("Whole")] == ["Whole"]
    assert "gone.py" not in project.snapshot.paths()


def test_tests_are_not_offered_but_their_helpers_are(tmp_path):
    project = Project()
    project.refresh(
        make(tmp_path, {"tests/test_a.py": "def test_one(): ...\nclass TestTwo: ...\ndef make_door(): ...\n"})
    )
    assert project.snapshot.starting("test_o") == []
    assert project.snapshot.starting("TestT") == []
    assert [one.name for one in project.snapshot.starting("make")] == ["make_door"]


def test_several_folders_have_labels(tmp_path):
    files = [
        WorkspaceFile(path=f"{label}/{file.path}", location=file.location)
        for label in ("one", "two")
        for file in make(tmp_path / label, {f"src/{label}_app/__init__.py": f"{label.upper()} = 1"})
    ]
    project = Project(roots=("one/", "two/"))
    project.refresh(files)
    assert project.snapshot.names.names("two/src/two_app/__init__.py")[0] == "two_app"


def test_relative_imports_are_used_where_a_package_does_so(tmp_path):
    project = Project()
    project.refresh(
        make(
            tmp_path,
            {**TEXTS, "rel/__init__.py": "from .a import x\nfrom .b import y", "rel/a.py": "from ..rel import b"},
        )
    )
    assert project.snapshot.max_dots("rel.sub") == 2
    assert project.snapshot.max_dots("app") == 0
    assert project.snapshot.max_dots("") == 0


def test_twenty_thousand_names_are_searched_at_once(tmp_path):
    text = "\n".join(f"name_{n % 97}_{n} = {n}" for n in range(20_000))
    project = Project()
    project.refresh(make(tmp_path, {"many.py": text}))
    found = project.snapshot.starting("NAME_13_1")
    assert found
    assert all(one.name.startswith("name_13_1") for one in found)
