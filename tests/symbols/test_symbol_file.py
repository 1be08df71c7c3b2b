"""Records on disk: what is stored comes back; whatever is wrong with the file, nothing is raised."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.symbols import symbol_file
from tinycoder.symbols.records import Class, Function, Import, Module, Parameter, Symbol, Variable
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.symbol_file import Stored, SymbolFile, decode, encode

ROW = Stored(n_bytes=10, mtime_ns=10**18 + 1, digest="ab" * 16, data=b"[1]")
OTHER = Stored(n_bytes=0, mtime_ns=-1, digest="", data=b"")

texts = st.text(max_size=8) | st.sampled_from(["", "self", "None", "a.b[0]"])
lines = st.integers(0, 10**6)
several = st.lists(texts, max_size=3).map(tuple)
variables = st.builds(Variable, texts, lines, texts, texts, st.booleans())
imports = st.builds(Import, texts, lines, texts, texts)
parameters = st.builds(Parameter, texts, st.sampled_from(["/", "", "*", "k", "**"]), texts, texts)
functions = st.builds(
    Function,
    texts,
    lines,
    st.lists(parameters, max_size=4).map(tuple),
    texts,
    texts,
    several,
    st.booleans(),
    st.booleans(),
)


def by_name(symbols: list[Symbol]) -> dict[str, Symbol]:
    return {symbol.name: symbol for symbol in symbols}


def tables(symbols: st.SearchStrategy[Symbol]) -> st.SearchStrategy[dict[str, Symbol]]:
    return st.lists(symbols, max_size=4).map(by_name)


def classes(members: st.SearchStrategy[Symbol]) -> st.SearchStrategy[Symbol]:
    return st.builds(Class, texts, lines, several, texts, several, tables(members))


symbols: st.SearchStrategy[Symbol] = st.recursive(variables | imports | functions, classes, max_leaves=8)
modules = st.builds(Module, tables(symbols), st.none() | several, several, st.lists(imports, max_size=3).map(tuple))


def put(path: Path, rows: dict[str, Stored]) -> None:
    file = SymbolFile(path)
    file.put(rows)
    file.close()


def load(path: Path) -> dict[str, Stored]:
    file = SymbolFile(path)
    rows = file.load()
    file.close()
    return rows


@given(modules)
def test_records_come_back_as_they_were(module: Module) -> None:
    back = decode(encode(module))

    assert back == module
    assert back is not None
    assert list(back.symbols) == list(module.symbols)


def test_records_of_real_code_come_back() -> None:
    for name in ("argparse", "typing", "dataclasses", "enum"):
        __import__(name)
        module = read_source(Path(str(sys.modules[name].__file__)).read_bytes())
        assert module is not None
        assert decode(encode(module)) == module


@given(st.binary(max_size=60))
def test_other_bytes_are_refused(data: bytes) -> None:
    assert decode(data) is None


@given(modules, st.data())
def test_damaged_records_are_read_or_refused(module: Module, data: st.DataObject) -> None:
    raw = bytearray(encode(module))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    back = decode(bytes(raw))
    assert back is None or isinstance(back, Module)


def test_what_is_put_is_there_in_the_next_session(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "symbols.sqlite"
    first = SymbolFile(file)
    first.put({"a.py": ROW, "zé/b.py": OTHER})
    first.put({"a.py": OTHER, "c.py": ROW})
    first.remove(["c.py", "never there.py"])
    first.close()

    second = SymbolFile(file)
    assert second.load() == {"a.py": OTHER, "zé/b.py": OTHER}
    second.close()
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_path_all_is_in_memory(tmp_path: Path) -> None:
    file = SymbolFile(None)
    file.put({"a.py": ROW})
    assert file.load() == {"a.py": ROW}
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    file = SymbolFile(tmp_path / "symbols.sqlite")
    file.put({"a\udc80.py": ROW, "b.py": ROW})
    file.remove(["a\udc80.py"])
    assert file.load() == {"b.py": ROW}
    file.close()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "symbols.sqlite"
    path.write_bytes(content)

    assert load(path) == {}
    put(path, {"a.py": ROW})
    assert load(path) == {"a.py": ROW}


def test_a_file_that_is_cut_off_never_raises(tmp_path: Path) -> None:
    path = tmp_path / "symbols.sqlite"
    rows = {f"{number}.py": Stored(1, 2, "", bytes([number]) * 3000) for number in range(100)}
    put(path, rows)
    whole = path.read_bytes()
    for size in range(0, len(whole), 10_000):
        path.write_bytes(whole[:size])
        file = SymbolFile(path)
        assert file.load().items() <= rows.items()
        file.put({"new.py": ROW})
        assert file.load()["new.py"] == ROW
        file.close()


def test_a_row_with_a_flipped_bit_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "symbols.sqlite"
    put(path, {"a.py": Stored(1, 2, "", b"what is to be found"), "b.py": ROW})
    path.write_bytes(path.read_bytes().replace(b"to be found", b"to be fouND"))

    assert load(path) == {"b.py": ROW}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE files (other TEXT)",
        "CREATE VIEW files AS SELECT 1",
        "CREATE TABLE facts (a, b, c)",
    ],
)
def test_a_foreign_database_is_made_anew(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "symbols.sqlite"
    foreign = sqlite3.connect(path)
    foreign.execute(statement)
    foreign.commit()
    foreign.close()

    put(path, {"a.py": ROW})
    assert load(path) == {"a.py": ROW}


def test_what_another_version_wrote_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "symbols.sqlite"
    put(path, {"a.py": ROW})
    database = sqlite3.connect(path)
    database.execute("UPDATE facts SET made_by = 'another'")
    database.commit()
    database.close()

    assert load(path) == {}


def test_a_place_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "symbols.sqlite").mkdir()
    with caplog.at_level(logging.WARNING, logger=symbol_file.__name__):
        file = SymbolFile(tmp_path / "symbols.sqlite")
        file.put({"a.py": ROW})
        assert file.load() == {"a.py": ROW}
        file.close()
    assert len(caplog.records) == 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "symbols.sqlite"
    put(path, {"a.py": ROW})
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        file = SymbolFile(path)
        file.put({"b.py": OTHER})
        assert file.load() == {"a.py": ROW, "b.py": OTHER}
        file.close()
    finally:
        tmp_path.chmod(0o700)


def test_what_a_busy_file_does_not_take_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "symbols.sqlite"
    file = SymbolFile(path, patience=0.01)
    file.put({"a.py": ROW})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    file.put({"b.py": ROW})
    assert file.load() == {}
    other.execute("COMMIT")
    other.close()
    file.put({"c.py": ROW})
    assert set(file.load()) == {"a.py", "c.py"}
    file.close()


def test_a_closed_file_does_not_raise(tmp_path: Path) -> None:
    file = SymbolFile(tmp_path / "symbols.sqlite")
    file.close()
    file.put({"a.py": ROW})
    file.close()
    assert file.load() == {}


def write_some(path: Path, label: str) -> None:
    file = SymbolFile(path, patience=30)
    for number in range(20):
        file.put({f"{label}{number}.py": ROW})
    file.close()


def test_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "symbols.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_some, args=(path, label)) for label in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len(load(path)) == 40
