"""The figures of reading symbols, on little text; how large they are is not looked at."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def symbols(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("symbols")


@pytest.fixture
def traced() -> object:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_files_that_parse_are_read_and_parsed_in_turns(symbols: ModuleType, tmp_path: Path, traced: object) -> None:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/a.py": "class A:\n    x = 1\n" * 50, "broken.py": "def (\n"})
    files = symbols.python_files([tmp_path])
    assert [file.path for file in files] == ["pkg/__init__.py", "pkg/a.py"]
    times = symbols.time_of_reading(files, rounds=2)
    assert times["read_ratio"] == pytest.approx(times["read_s"] / times["parse_s"])
    assert times["keep_ratio"] > 0
    memory = symbols.memory_of_workspace(files, n_tokens=1000)
    assert 0 < memory["kept_mb_per_m"] <= memory["asked_mb_per_m"]


def test_an_environment_is_followed_to_its_last_module(symbols: ModuleType, tmp_path: Path, traced: object) -> None:
    site = "lib/python3.11/site-packages"
    files = {
        "pyvenv.cfg": "home = /nowhere\n",
        f"{site}/shop/__init__.py": "from shop._parts import Machine\n\n__all__ = ['Machine']\n",
        f"{site}/shop/_parts.py": "class Machine:\n    def start(self):\n        return self\n",
        f"{site}/shop/deep/__init__.py": "",
        f"{site}/shop/deep/deeper.py": "x = 1\n",
    }
    figures = symbols.memory_of_environment(str(write(tmp_path / "env", files)), ["shop", "missing"])
    assert (figures["packages"], figures["modules"]) == (1, 4)
    assert figures["followed_names"] >= 1
    assert 0 < figures["imported_mb"] <= figures["followed_mb"] <= figures["all_mb"]


def test_an_environment_without_the_packages_is_told(symbols: ModuleType, tmp_path: Path, traced: object) -> None:
    with pytest.raises(SystemExit, match="none of the packages"):
        symbols.memory_of_environment(str(tmp_path), ["shop"])
