"""What git ignores beyond ``.gitignore`` files, read without git: the person's rules, and what is tracked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tinycoder.errors import CorpusError
from tinycoder.workspace import tree
from tinycoder.workspace.git.config import parse

NEEDS_GIT = pytest.mark.skipif(shutil.which("git") is None, reason="compares with git")


def write(root: Path, files: dict[str, str]) -> None:
    for path, contents in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(contents)


def repository(root: Path, **files: str) -> Path:
    """A repository as ``git init`` makes it, with ``a.py`` and ``b.py``."""
    write(root, {".git/HEAD": "ref: refs/heads/main\n", ".git/config": "[core]\n", "a.py": "1", "b.py": "1", **files})
    for name in ("objects", "refs", "info"):
        (root / ".git" / name).mkdir()
    return root


def index_of(*paths: str) -> bytes:
    """An index (version 2) that lists these paths."""
    raw = b"DIRC" + (2).to_bytes(4) + len(paths).to_bytes(4)
    for path in sorted(paths):
        entry = bytes(24) + (0o100644).to_bytes(4) + bytes(32) + len(path).to_bytes(2) + path.encode()
        raw += entry + bytes(8 - len(entry) % 8)
    return raw + bytes(20)


def names(root: Path, home: Path, **environ: str) -> list[str]:
    """What is read of ``root`` by a person with this home."""
    return [
        file.path for file in tree.walk([root], environ={"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", **environ})[0]
    ]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path / "home", {"rules": "a.py\n", "my rules": "a.py\n"})
    return tmp_path / "home"


@pytest.mark.parametrize(
    "value",
    [
        "~/rules",
        '"~/rules"',
        "~/rules ; mine",
        '"~/my rules"',
        "~/my rules",
        "~/ru\\\nles",
        "{home}/rules",
        '~/"ru"les',
    ],
)
@pytest.mark.parametrize("file", ["home/.gitconfig", "home/.config/git/config", "repo/.git/config"])
def test_the_persons_excludes_file_counts(tmp_path: Path, home: Path, file: str, value: str) -> None:
    root = repository(tmp_path / "repo")
    write(tmp_path, {file: f"# mine\n[Core]\n\teditor\n\tExcludesFile = {value.format(home=home.as_posix())}\n"})
    assert names(root, home) == ["b.py"]


@pytest.mark.parametrize(
    ("head", "counts"),
    [
        ("[include]", True),
        ('[includeIf "gitdir:~/../"]', False),  # git compares names
        ('[includeIf "gitdir:repo/"]', True),
        ('[includeIf "gitdir/i:REPO/.GIT"]', True),
        ('[includeIf "gitdir:other/"]', False),
        ('[includeIf "onbranch:main"]', True),
        ('[includeIf "onbranch:ma"]', False),
        ('[includeIf "hasconfig:remote.*.url:https://example.org/**"]', True),
        ('[includeIf "hasconfig:remote.*.url:https://example.com/**"]', False),
        ('[includeIf "unheard:of"]', False),
    ],
)
def test_included_configuration_counts_where_its_condition_holds(
    tmp_path: Path, home: Path, head: str, counts: bool
) -> None:
    root = repository(tmp_path / "repo")
    write(root, {".git/config": '[remote "origin"]\n\turl = https://example.org/one/two\n'})
    write(home, {".gitconfig": f"{head}\n  path = more/config\n", "more/config": "[core]\nexcludesFile=~/rules\n"})
    assert names(root, home) == (["b.py"] if counts else ["a.py", "b.py"])


def test_files_that_include_each_other_end(tmp_path: Path, home: Path) -> None:
    root = repository(tmp_path / "repo")
    write(home, {".gitconfig": "[include]\npath = .gitconfig\n" * 50 + "[core]\nexcludesFile = ~/rules\n"})
    assert names(root, home) == ["b.py"]


def test_without_configuration_the_persons_default_file_counts(tmp_path: Path, home: Path) -> None:
    root = repository(tmp_path / "repo")
    write(home, {".config/git/ignore": "a.py\n", "elsewhere/git/ignore": "b.py\n"})
    assert names(root, home) == ["b.py"]
    assert names(root, home, XDG_CONFIG_HOME=str(home / "elsewhere")) == ["a.py"]
    write(home, {".gitconfig": "[core]\nexcludesFile =\n"})
    assert names(root, home) == ["a.py", "b.py"]


def test_the_persons_rules_are_weaker_than_the_repositorys(tmp_path: Path, home: Path) -> None:
    root = repository(tmp_path / "repo", **{".gitignore": "!a.py\n"})
    write(home, {".config/git/ignore": "*.py\n"})
    assert names(root, home) == ["a.py"]


def test_variables_name_configuration_too(tmp_path: Path, home: Path) -> None:
    root = repository(tmp_path / "repo")
    given = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.excludesFile", "GIT_CONFIG_VALUE_0": "~/rules"}
    assert names(root, home, **given) == ["b.py"]
    write(home, {"other": "[core]\nexcludesFile = ~/rules\n"})
    assert names(root, home, GIT_CONFIG_GLOBAL=str(home / "other")) == ["b.py"]


def test_a_person_without_a_home_is_no_fault(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", **{".gitignore": "a.py\n"})
    write(root, {".git/config": "[core]\nexcludesFile = ~/rules\n"})
    assert [file.path for file in tree.walk([root], environ={})[0]] == ["b.py"]


def test_what_follows_a_mistake_in_configuration_is_left_alone() -> None:
    text = '[a]\nx = 1\n[b "c\\"d"]\ny = "2" # z\n[e.F]\nz\n  = ]\n[core]\nexcludesFile = x\n'
    assert list(parse(text)) == [("a", "", "x", "1"), ("b", 'c"d', "y", "2"), ("e", "f", "z", None)]


@pytest.mark.parametrize("kind", ["a linked work tree", "a submodule"])
def test_rules_in_the_common_directory_count(tmp_path: Path, home: Path, kind: str) -> None:
    root = repository(tmp_path / "repo")
    linked = tmp_path / "linked" if kind == "a linked work tree" else root / "linked"
    own = root / ".git" / ("worktrees" if kind == "a linked work tree" else "modules") / "linked"
    write(linked, {".git": f"gitdir: {os.path.relpath(own, linked)}\n", "a.py": "1", "b.py": "1"})
    write(own, {"HEAD": "0" * 40 + "\n"})
    common = root / ".git" if kind == "a linked work tree" else own
    if kind == "a linked work tree":
        write(own, {"commondir": "../..\n"})
    else:
        (own / "objects").mkdir()
        (own / "refs").mkdir()
    write(common, {"info/exclude": "a.py\n"})
    assert names(linked, home) == ["b.py"]


@pytest.mark.parametrize("kind", ["folder", "file", "a file that leads nowhere", "a link that leads nowhere"])
def test_a_leftover_git_entry_does_not_switch_outer_rules_off(tmp_path: Path, home: Path, kind: str) -> None:
    root = repository(tmp_path / "repo", **{".gitignore": "a.py\n", "pkg/a.py": "1", "pkg/b.py": "1"})
    mark = root / "pkg" / ".git"
    if kind == "folder":
        mark.mkdir()
    elif kind == "a link that leads nowhere":
        mark.symlink_to("nowhere")
    else:
        mark.write_text("" if kind == "file" else "gitdir: /nowhere/at/all\n")
    assert names(root, home) == ["b.py", "pkg/b.py"]
    assert names(root / "pkg", home) == ["b.py"]


def test_tracked_files_are_read_though_a_pattern_matches(tmp_path: Path, home: Path) -> None:
    files = {".gitignore": "a.py\nout/\n", "out/a.py": "1", "out/deep/c.py": "1", "out/b.py": "1"}
    root = repository(tmp_path / "repo", **files)
    (root / ".git" / "index").write_bytes(index_of("a.py", "out/deep/c.py"))
    assert names(root, home) == ["a.py", "b.py", "out/deep/c.py"]
    assert names(root / "a.py", home) == ["a.py"]
    (root / ".git" / "index").write_bytes(index_of("a.py", "out/deep/c.py")[:-40])  # damaged: nothing is tracked
    assert names(root, home) == ["b.py"]
    assert names(root / "a.py", home) == []


def test_a_rule_file_that_is_no_file_of_a_fair_size(tmp_path: Path, home: Path) -> None:
    root = repository(tmp_path / "repo", **{"pkg/c.py": "1"})
    write(root, {"shared": "a.py\n"})
    (root / ".gitignore").symlink_to("shared")  # which git does not follow
    (root / "pkg" / ".gitignore").write_text("#" * 1_100_000)
    assert names(root, home) == ["a.py", "b.py"]
    write(root, {".git/info/exclude": "#" * 1_100_000})
    with pytest.raises(CorpusError, match=r"exclude: cannot be read \(File too large\)"):
        names(root / "pkg", home)


def test_no_program_is_started(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a program is started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "system", refuse)
    root = repository(tmp_path / "repo", **{".gitignore": "a.py\n"})
    write(
        root, {".git/config": "[core]\nfsmonitor = touch started\nhooksPath = .\n[alias]\nls-files = !touch started\n"}
    )
    (root / ".git" / "index").write_bytes(index_of("a.py"))
    assert names(root, home, PATH="") == ["a.py", "b.py"]


@NEEDS_GIT
@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_reads_the_index_that_git_writes(tmp_path: Path, home: Path, version: str) -> None:
    root = tmp_path / "repo"
    paths = ["a.py", "b.py", "out/a.py", f"out/{'long/' * 30}c.py", "out/\u00e9.py"]
    write(root, {**dict.fromkeys(paths, "1"), ".gitignore": "*\n"})
    environ = {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    for command in (
        ["init", "-q"],
        ["add", "-f", *paths[2:]],
        ["add", "-f", *(["-N"] if version == "3" else []), "b.py"],
        ["update-index", "--index-version", version],
    ):
        subprocess.run(["git", "-C", str(root), *command], env=environ, check=True)
    assert names(root, home) == sorted(paths[1:])
