import os
from pathlib import Path

from tinycoder.symbols.interpreter import find_interpreter, own_library


def make(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def make_python(prefix: Path, version: str = "3.12") -> Path:
    """A Python's folder: an executable, a library, packages."""
    make(prefix / "bin" / "python3").chmod(0o755)
    make(prefix / "lib" / f"python{version}" / "os.py")
    (prefix / "lib" / f"python{version}" / "site-packages").mkdir()
    return prefix


def make_venv(folder: Path, base: Path, version: str = "3.12", *, more: str = "") -> Path:
    make(folder / "pyvenv.cfg", f"home = {base / 'bin'}\nversion = {version}.1\n{more}")
    make(folder / "bin" / "python")
    site = folder / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True)
    return site


def test_a_venv_in_the_workspace(tmp_path):
    base = make_python(tmp_path / "usr")
    site = make_venv(tmp_path / "ws" / ".venv", base)
    found = find_interpreter([tmp_path / "ws"], environ={})
    assert found.prefix == tmp_path / "ws" / ".venv"
    assert found.search_paths == (site,)
    assert found.library == base / "lib" / "python3.12"


def test_the_setting_comes_before_virtual_env_and_both_before_a_folder(tmp_path):
    base = make_python(tmp_path / "usr")
    sites = {name: make_venv(tmp_path / name, base) for name in ("set", "active", "ws/venv", "ws/other")}
    ws = [tmp_path / "ws"]
    by_setting = find_interpreter(
        ws, python=str(tmp_path / "set" / "bin" / "python"), environ={"VIRTUAL_ENV": str(tmp_path / "active")}
    )
    assert by_setting.search_paths == (sites["set"],)
    assert find_interpreter(ws, environ={}, python=str(tmp_path / "set")).search_paths == (sites["set"],)
    assert find_interpreter(ws, environ={}, python="other/bin/python").search_paths == (sites["ws/other"],)
    assert find_interpreter(ws, environ={"VIRTUAL_ENV": str(tmp_path / "active")}).search_paths == (sites["active"],)
    assert find_interpreter(ws, environ={}).search_paths == (sites["ws/venv"],)


def test_an_environment_of_any_name_in_the_workspace(tmp_path):
    site = make_venv(tmp_path / "ws" / "my-env", make_python(tmp_path / "usr"))
    assert find_interpreter([tmp_path / "ws"], environ={}).search_paths == (site,)


def test_packages_of_the_system_where_the_environment_has_them(tmp_path):
    base = make_python(tmp_path / "usr")
    site = make_venv(tmp_path / ".venv", base, more="include-system-site-packages = true\n")
    assert find_interpreter([tmp_path], environ={}).search_paths == (
        site,
        base / "lib" / "python3.12" / "site-packages",
    )


def test_an_environment_as_on_windows(tmp_path):
    make(tmp_path / "Python312" / "Lib" / "os.py")
    make(tmp_path / "Python312" / "python.exe")
    make(tmp_path / ".venv" / "pyvenv.cfg", f"home = {tmp_path / 'Python312'}\r\nversion = 3.12.0\r\n")
    make(tmp_path / ".venv" / "Scripts" / "python.exe")
    site = tmp_path / ".venv" / "Lib" / "site-packages"
    site.mkdir(parents=True)
    for python in ("", ".venv/Scripts/python.exe"):
        found = find_interpreter([tmp_path], environ={}, python=python)
        assert found.search_paths == (site,)
        assert found.library == tmp_path / "Python312" / "Lib"


def test_a_conda_environment(tmp_path):
    prefix = make_python(tmp_path / "conda" / "envs" / "work", "3.11")
    (prefix / "conda-meta").mkdir()
    found = find_interpreter([], environ={}, python=str(prefix / "bin" / "python3"))
    assert found.search_paths == (prefix / "lib" / "python3.11" / "site-packages",)
    assert found.library == prefix / "lib" / "python3.11"


def test_a_python_on_the_path(tmp_path):
    prefix = make_python(tmp_path / "opt")
    entries = ["", str(tmp_path / "missing"), str(prefix / "bin")]
    found = find_interpreter([tmp_path], environ={"PATH": os.pathsep.join(entries)})
    assert found.prefix == prefix


def test_lines_of_pth_files_that_name_folders_are_followed_and_code_is_not(tmp_path):
    site = make_venv(tmp_path / "work" / ".venv", make_python(tmp_path / "usr"))
    (tmp_path / "project" / "src").mkdir(parents=True)
    make(site / "__editable__.project-1.0.pth", f"{tmp_path / 'project' / 'src'}\n")
    make(site / "evil.pth", f"import os; open({str(tmp_path / 'mark')!r}, 'w')\n# comment\n/no/such/folder\n\0\n")
    make(site / ".hidden.pth", f"{tmp_path}\n")
    assert find_interpreter([tmp_path / "work"], environ={}).search_paths == (site, tmp_path / "project" / "src")
    assert not (tmp_path / "mark").exists()


def test_without_an_environment_there_is_our_own_library(tmp_path):
    found = find_interpreter(
        [tmp_path, tmp_path / "missing"], python="/no/python", environ={"VIRTUAL_ENV": "bad\0name"}
    )
    assert (found.prefix, found.search_paths, found.library) == (None, (), own_library())


def test_a_broken_environment_has_what_is_left_of_it(tmp_path):
    site = make_venv(tmp_path / ".venv", tmp_path / "gone")
    found = find_interpreter([tmp_path], environ={})
    assert (found.search_paths, found.library) == ((site,), own_library())
    (tmp_path / ".venv" / "pyvenv.cfg").write_bytes(b"\xff\xfe=\0\nhome\n= =")
    assert find_interpreter([tmp_path], environ={}).search_paths == (site,)
