"""Neovim with real keys: the file that ``tinycoder setup neovim`` installs, and the configuration of its page."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.editors.conftest import own_home
from tests.editors.typist import neovim as typist

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = Path(__file__).with_name("neovim")
PAGE = (REPOSITORY / "docs" / "editors" / "neovim.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```lua\n(.*?)```", PAGE, re.DOTALL)
PLAIN = [block for block in BLOCKS if "vim.lsp.config" in block]
PLUGINS = re.compile(r"require\('(cmp|blink\.cmp|lazy)'\)")  # in no package registry
OURS = [block for block in BLOCKS if "vim.lsp.config" not in block and not PLUGINS.search(block)]
TYPED = "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.tot\n"


def cases(script: str) -> list[str]:
    return re.findall(r"^function cases\.(\w+)\(", (SCRIPTS / script).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="session")
def neovim() -> str:
    """The editor that the development packages bring, or the one on the path."""
    editor = typist.neovim()
    if editor is None:
        needed = os.environ.get("CI") or os.environ.get("TINYCODER_NEED_EDITORS")
        assert not needed, "Neovim is missing, and here it must be there"
        pytest.skip("Neovim is not installed on this machine")
    return editor


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A person's folders, with the file installed in them, and an empty folder to work in."""
    configuration = tmp_path / "config" / "nvim"
    (configuration / "lua").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    shutil.copy(typist.PLUGIN, configuration / "lua")
    folders = {f"XDG_{name.upper()}_HOME": str(tmp_path / name) for name in ("config", "state", "data", "cache")}
    return {
        **os.environ,
        **folders,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CONFIGURATION": str(configuration),
        "WORK": str(tmp_path / "work"),
        "FAKE": json.dumps([sys.executable, str(SCRIPTS / "fake_server.py")]),
    }


def run(command: list[str], environment: dict[str, str]) -> str:
    folder, captured = environment["WORK"], subprocess.PIPE
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=captured,
        stderr=captured,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("case", cases("cases.lua"))
def test_with_a_server_that_says_what_it_is_told(case: str, neovim: str, environment: dict[str, str]) -> None:
    said = run([neovim, "--headless", "--clean", "-l", str(SCRIPTS / "cases.lua"), case], environment)
    assert said.endswith("well\n"), said


@pytest.mark.parametrize("case", cases("real.lua"))
def test_the_documented_configuration(
    case: str, neovim: str, environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    (tmp_path / "documented.lua").write_text(OURS[0], encoding="utf-8")
    shutil.copytree(home, tmp_path / "home")  # some of them train
    environment |= {"TINYCODER_HOME": str(tmp_path / "home"), "DOCUMENTED": str(tmp_path / "documented.lua")}
    said = run([neovim, "--headless", "--clean", "-l", str(SCRIPTS / "real.lua"), case], environment)
    assert said.endswith("well\n"), said


def test_the_other_documented_lines_raise_no_error(neovim: str, environment: dict[str, str], tmp_path: Path) -> None:
    assert len(OURS) >= 6
    for block in OURS:
        (Path(environment["CONFIGURATION"]) / "init.lua").write_text(block, encoding="utf-8")
        said = run([neovim, "--headless", "-n", "+lua io.stdout:write(vim.v.errmsg)", "+qall!"], environment)
        assert said == "", block


def test_lines_for_plugins_that_no_registry_has_are_lua(neovim: str, tmp_path: Path) -> None:
    blocks = [block for block in BLOCKS if PLUGINS.search(block)]
    assert len(blocks) == 3
    assert "checks only that these lines are valid Lua" in PAGE
    for block in blocks:
        (tmp_path / "block.lua").write_text(block, encoding="utf-8")
        check = f"+lua io.stdout:write(select(2, loadfile([[{tmp_path / 'block.lua'}]])) or '')"
        done = subprocess.run([neovim, "--headless", "--clean", check, "+qall!"], capture_output=True, check=True)
        assert done.stdout + done.stderr == b"", block


def test_without_the_file(neovim: str, environment: dict[str, str], home: Path, tmp_path: Path) -> None:
    (tmp_path / "init.lua").write_text(PLAIN[0], encoding="utf-8")
    (tmp_path / "work" / "counter.py").write_text(TYPED, encoding="utf-8")
    (tmp_path / "work" / "pyproject.toml").touch()  # the root, whose own model answers
    own_home(home, tmp_path / "work", tmp_path / "home")
    environment |= {"TINYCODER_HOME": str(tmp_path / "home"), "PLAIN": str(tmp_path / "init.lua")}
    said = run([neovim, "--headless", "--clean", "-l", str(SCRIPTS / "plain.lua")], environment)
    assert said.endswith("well\n"), said
