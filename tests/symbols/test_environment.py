import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tinycoder.storage.forget_list import Forgotten, true_path
from tinycoder.symbols import environment
from tinycoder.symbols.environment import MAX_FILE_BYTES, Environment, FileRecords, PackageFolders
from tinycoder.symbols.interpreter import Interpreter, own_library
from tinycoder.symbols.symbol_file import SymbolFile


def make(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def packages_in(*folders: Path) -> PackageFolders:
    return PackageFolders(folders)


def symbols(packages: PackageFolders, name: str) -> set[str]:
    source = packages.find(name)
    assert source is not None
    return set(packages.record(source).symbols)


def test_packages_modules_and_namespace_packages_are_found(tmp_path):
    site = make(
        tmp_path,
        {
            "pkg/__init__.py": "A = 1",
            "pkg/sub/mod.py": "def f(): ...",
            "single.py": "class C: ...",
            "ns/inner/__init__.py": "",
            "pkg-1.0.dist-info/METADATA": "",
            "__pycache__/x.py": "",
            "not_python/data.txt": "",
            "compiled.cpython-312-x86_64-linux-gnu.so": "",
        },
    )
    packages = packages_in(site)
    assert set(packages.top_level()) == {"pkg", "single", "ns", "compiled"}
    assert symbols(packages, "pkg.sub.mod") == {"f"}
    assert symbols(packages, "single") == {"C"}
    assert symbols(packages, "compiled") == set()
    assert packages.submodules("pkg") == ("sub",)
    assert packages.submodules("ns") == ("inner",)
    assert packages.find("pkg.missing") is None
    assert packages.find("single.x") is None
    assert packages.find("pkg..sub") is None
    assert packages.find("") is None


def test_a_stub_is_read_in_place_of_the_module_next_to_it(tmp_path):
    packages = packages_in(make(tmp_path, {"a.py": "", "a.pyi": "def stubbed() -> int: ..."}))
    assert symbols(packages, "a") == {"stubbed"}


def test_a_stubs_package_comes_first_and_may_be_partial(tmp_path):
    site = make(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/one.py": "",
            "pkg/two.py": "own = 1",
            "pkg-stubs/__init__.pyi": "top: int",
            "pkg-stubs/one.pyi": "stubbed: int",
        },
    )
    packages = packages_in(site)
    assert symbols(packages, "pkg") == {"top"}
    assert symbols(packages, "pkg.one") == {"stubbed"}
    assert symbols(packages, "pkg.two") == {"own"}
    assert packages.submodules("pkg") == ("one", "two")
    assert set(packages.top_level()) == {"pkg"}


def test_the_first_folder_wins_and_a_package_anywhere_comes_before_a_namespace(tmp_path):
    make(
        tmp_path, {"one/a.py": "first = 1", "two/a.py": "second = 1", "one/b/x.py": "", "two/b/__init__.py": "real = 1"}
    )
    packages = packages_in(tmp_path / "one", tmp_path / "two")
    assert symbols(packages, "a") == {"first"}
    assert symbols(packages, "b") == {"real"}


def test_a_module_is_never_run(tmp_path):
    mark = tmp_path / "mark"
    code = f"open({str(mark)!r}, 'w')\nvisible = 1\n"
    site = make(tmp_path / "site", {"evil/__init__.py": code, "evil/conftest.py": code, "sitecustomize.py": code})
    packages = packages_in(site)
    assert symbols(packages, "evil") == {"visible"}
    assert symbols(packages, "evil.conftest") == {"visible"}
    packages.top_level()
    assert not mark.exists()


def test_what_cannot_be_read_holds_nothing(tmp_path):
    make(
        tmp_path,
        {"large.py": "x = 1\n" + "#" * MAX_FILE_BYTES, "broken.py": "x = 1 +\n\n\ny = 1\n", "null.py": "a = 1\0"},
    )
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = '\xe9'\n")
    (tmp_path / "folder.py").mkdir()
    packages = packages_in(tmp_path)
    assert symbols(packages, "large") == set()
    assert "y" in symbols(packages, "broken")
    assert symbols(packages, "latin") == {"name"}
    packages.find("folder")
    packages.find("null")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    assert symbols(packages_in(tmp_path), "pipe") == set()


def test_a_record_is_kept_until_its_file_changes(tmp_path):
    file, records = tmp_path / "m.py", FileRecords()
    file.write_text("first = 1")
    record = records.read(str(file))
    assert set(record.symbols) == {"first"}
    assert records.read(str(file)) is record
    file.write_text("changed = 1")
    assert set(records.read(str(file)).symbols) == {"changed"}


def test_what_was_read_is_read_no_more_in_the_next_session(tmp_path):
    file, kept = tmp_path / "m.py", tmp_path / "kept.sqlite"
    file.write_text("first = 1")
    stamp = file.stat().st_mtime_ns
    first = FileRecords(SymbolFile(kept))
    record = first.read(str(file))
    first.keep()
    file.write_text("other = 1")  # of the same size and time: only who reads it sees it
    os.utime(file, ns=(stamp, stamp))
    assert FileRecords(SymbolFile(kept)).read(str(file)) == record
    assert set(FileRecords().read(str(file)).symbols) == {"other"}
    os.utime(file, ns=(stamp, stamp + 10**9))
    assert set(FileRecords(SymbolFile(kept)).read(str(file)).symbols) == {"other"}


def test_files_that_are_gone_are_dropped_from_the_disk(tmp_path):
    for name in ("stays", "goes"):
        (tmp_path / f"{name}.py").write_text(f"{name} = 1")
    first = FileRecords(SymbolFile(tmp_path / "kept.sqlite"))
    for name in ("stays", "goes"):
        first.read(str(tmp_path / f"{name}.py"))
    first.keep()
    (tmp_path / "goes.py").unlink()
    FileRecords(SymbolFile(tmp_path / "kept.sqlite")).keep()
    assert SymbolFile(tmp_path / "kept.sqlite").paths() == (str(tmp_path / "stays.py"),)


def test_a_file_that_cannot_be_read_for_a_moment_is_read_later(tmp_path, monkeypatch):
    (tmp_path / "m.py").write_text("later = 1")
    records = FileRecords(SymbolFile(tmp_path / "kept.sqlite"))
    with monkeypatch.context() as refused:
        refused.setattr(environment, "read_small", lambda file, most: None)
        assert records.read(str(tmp_path / "m.py")).symbols == {}
        records.keep()
    assert set(records.read(str(tmp_path / "m.py")).symbols) == {"later"}
    assert set(FileRecords(SymbolFile(tmp_path / "kept.sqlite")).read(str(tmp_path / "m.py")).symbols) == {"later"}


def test_forgotten_files_are_neither_read_nor_kept(tmp_path):
    (tmp_path / "secret.py").write_text("known = 1")
    kept = tmp_path / "kept.sqlite"
    records = FileRecords(SymbolFile(kept))
    records.read(str(tmp_path / "secret.py"))
    records.keep()
    assert SymbolFile(kept).paths()
    records.forget(Forgotten(paths=(true_path(tmp_path / "secret.py"),)))
    assert records.read(str(tmp_path / "secret.py")).symbols == {}
    records.keep()
    assert SymbolFile(kept).paths() == ()


def test_a_damaged_file_of_records_costs_nothing_but_time(tmp_path):
    file, kept = tmp_path / "m.py", tmp_path / "kept.sqlite"
    file.write_text("first = 1")
    kept.write_bytes(b"no database" * 100)
    records = FileRecords(SymbolFile(kept))
    assert set(records.read(str(file)).symbols) == {"first"}
    records.keep()
    assert set(FileRecords(SymbolFile(kept)).read(str(file)).symbols) == {"first"}


def test_an_environment_that_changes_is_looked_at_again_after_a_while(tmp_path):
    site = make(tmp_path / "site", {"one.py": ""})
    clock = [0.0]
    interpreter = Interpreter(prefix=tmp_path, search_paths=(site,), library=own_library())
    environment = Environment(lambda: interpreter, now=lambda: clock[0])
    before = environment.packages()
    assert set(before.top_level()) == {"one"}
    make(site, {"two.py": ""})
    os.utime(site, ns=(1, 1))
    assert environment.packages() is before
    clock[0] = 5.0
    assert set(environment.packages().top_level()) == {"one", "two"}
    interpreter = replace(interpreter, search_paths=())
    clock[0] = 10.0
    assert set(environment.packages().top_level()) == set()


def test_an_environment_that_is_removed_while_it_is_asked(tmp_path):
    site = make(tmp_path / "site", {"pkg/__init__.py": "a = 1", "pkg/b.py": ""})
    packages = packages_in(site)
    source = packages.find("pkg")
    assert source is not None
    shutil.rmtree(site)
    assert not packages.record(source).symbols
    assert packages.submodules("pkg") == ("b",)
    assert packages_in(site).top_level() == {}
