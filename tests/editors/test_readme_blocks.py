"""The blocks of the README that install, update and remove, as they stand there, in a fresh home and a fresh clone."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.editors import install
from tests.editors.conftest import editor_missing

pytestmark = [pytest.mark.editors, pytest.mark.skipif(os.name == "nt", reason="the blocks are for a POSIX shell")]

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PATIENCE_S = 400  # for one line; packages are installed
TOOLS = ("bash", "cat", "cp", "dirname", "env", "git", "make", "rm", "sed", "sh", "tar", "uname")
KEPT = ("PIP_", "SSL_", "LANG", "LC_", "http", "HTTP", "no_proxy", "NO_PROXY")


def block(title: str) -> list[str]:
    """The commands of the first block behind a title in bold."""
    found = re.search(rf"^\*\*{title}\*\*.*?^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, title
    lines = found[1].splitlines()
    assert all(line.startswith("$ ") for line in lines)
    return [line[2:] for line in lines]


@dataclass(frozen=True)
class Person:
    """Someone with an empty home, a clone, pipx, and an editor whose command is ``code``."""

    home: Path
    clone: Path

    def can_use_node(self) -> None:
        for name in ("node", "npm"):
            (self.home / "bin" / name).symlink_to(str(shutil.which(name)))

    def types(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line in the clone, by a shell that a person would have."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        real = Path.home()  # whose downloads are used again; nothing else of it
        caches = {"PIP_CACHE_DIR": str(real / ".cache" / "pip"), "npm_config_cache": str(real / ".npm")}
        caches["npm_config_prefer_offline"] = "true"
        path = f"{self.home / '.local' / 'bin'}:{self.home / 'bin'}"
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.clone,
            env={**kept, **caches, "HOME": str(self.home), "PATH": path, "PIPX_DEFAULT_PYTHON": sys.executable},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def succeeds_with(self, lines: list[str]) -> str:
        """Run lines of which none fails; what they said."""
        said = ""
        for line in lines:
            done = self.types(line)
            assert done.returncode == 0, f"$ {line}\n{done.stdout}\n{done.stderr}"
            said += done.stdout
        return said


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with the files of this one, as they are now."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("only in the project's own repository")
    folder = tmp_path / "upstream"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    commit(folder)
    return folder


@pytest.fixture
def person(tmp_path: Path, upstream: Path) -> Iterator[Person]:
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    pipx = Path(sys.executable).with_name("pipx")
    if shutil.which("make") is None or shutil.which("npm") is None or not pipx.exists():
        editor_missing("make, npm or pipx is not installed")
    if not install.vscode_server().exists():
        editor_missing("the VS Code server is not installed")
    for name in TOOLS:
        (home / "bin" / name).symlink_to(str(shutil.which(name)))
    for name, program in {"pipx": pipx, "python3": Path(sys.executable)}.items():
        (home / "bin" / name).write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
    code = [str(install.node()), str(install.vscode_server()), "--accept-server-license-terms"]
    code += ["--server-data-dir", str(home / "code"), "--extensions-dir", str(home / "code" / "ext")]
    (home / "bin" / "code").write_text(f'#!/bin/sh\nexec {" ".join(code)} "$@"\n')
    for name in ("pipx", "python3", "code"):
        (home / "bin" / name).chmod(0o755)
    clone = tmp_path / "tinycoder"
    subprocess.run(["git", "clone", "--quiet", str(upstream), str(clone)], check=True)
    yield Person(home, clone)
    shutil.rmtree(home)  # it is large
    shutil.rmtree(clone)


def extensions(person: Person) -> str:
    return person.succeeds_with(["code --list-extensions --show-versions"])


def release(repository: Path, version: str) -> None:
    """Commit another version number, where the package and the extension have theirs."""
    for name in ("tinycoder/__init__.py", "vscode-client/package.json"):
        text = (repository / name).read_text(encoding="utf-8")
        assert text.count('"0.1.0"') == 1
        (repository / name).write_text(text.replace('"0.1.0"', f'"{version}"'), encoding="utf-8")
    commit(repository)


def commit(repository: Path) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["add", "--all"], [*who, "commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", *words], cwd=repository, check=True)


def test_without_node_one_sentence_says_what_to_do(person: Person) -> None:
    build, setup = block("Visual Studio Code")[0], "tinycoder setup vscode"
    done = person.types(build)
    assert done.returncode != 0
    (sentence,) = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert "Node.js 20 or newer" in sentence
    person.succeeds_with(["pipx install ."])
    done = person.types(setup)
    assert done.returncode == 1
    assert "Node.js 20 or newer" in done.stderr
    assert not extensions(person)
    person.can_use_node()
    person.succeeds_with(re.findall(r"`([^`]+)`", done.stderr))  # word for word, and no second installation
    assert "tinycoder.tinycoder@0.1.0" in extensions(person)


def test_the_readme_installs_updates_and_removes_with_node(person: Person, upstream: Path) -> None:
    person.can_use_node()
    said = person.succeeds_with(block("Visual Studio Code"))
    assert "code: the extension is installed" in said
    assert "Visual Studio Code  code: extension 0.1.0" in said  # the doctor's line
    assert "nothing broken" in said
    assert "tinycoder.tinycoder@0.1.0" in extensions(person)
    for editor in ("Neovim", "Emacs", "Helix"):
        assert "open a python file" in person.succeeds_with(block(editor)[1:]).lower()

    release(upstream, "0.1.1")
    assert "code: the extension is installed" in person.succeeds_with(block("Update"))
    assert "0.1.1" in person.succeeds_with(["tinycoder --version"])
    assert "tinycoder.tinycoder@0.1.1" in extensions(person)

    person.succeeds_with(block("Uninstall"))
    assert "tinycoder" not in extensions(person)
    assert not (person.home / ".local" / "bin" / "tinycoder").exists()
    assert not (person.home / ".local" / "share" / "tinycoder").exists()
