"""Nested ``.gitignore`` files, by example and against git itself where it is installed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tinycoder.errors import CorpusError
from tinycoder.workspace import ignore, tree
from tinycoder.workspace.glob import parse


def write(root: Path, files: dict[str, str]) -> Path:
    for path, contents in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(contents.encode())
    return root


def read(*paths: Path) -> tuple[list[str], dict[str, str]]:
    files, skipped = tree.walk(paths)
    return [file.path for file in files], {entry.path: entry.reason for entry in skipped}


@pytest.mark.parametrize(
    ("rules", "sources", "read_files", "left_out"),
    [
        (
            {"": "local.py\n/top.py\n", "pkg/": "deep/x.py\n"},
            "local.py top.py pkg/local.py pkg/top.py pkg/deep/x.py x.py",
            ["pkg/top.py", "x.py"],
            ["local.py", "pkg/deep/x.py", "pkg/local.py", "top.py"],
        ),
        ({"": "data/\n", "data/": "!keep.py\n"}, "data/keep.py data/sub/a.py", [], ["data/"]),
        (
            {"": "*_local.py\n", "pkg/": "!a_local.py\n"},
            "pkg/a_local.py pkg/b_local.py a_local.py",
            ["pkg/a_local.py"],
            ["a_local.py", "pkg/b_local.py"],
        ),
        (
            {"": "*.gen.py\n/*\n!/src/\n"},
            "src/a.py src/b.gen.py other/c.py",
            ["src/a.py"],
            ["other/", "src/b.gen.py"],
        ),
        ({"": "gen/**\n!gen/keep.py\n"}, "gen/keep.py gen/a.py", ["gen/keep.py"], ["gen/a.py"]),
    ],
    ids=["nested", "an ignored folder is not walked", "taken back", "all but one folder", "all but one file"],
)
def test_patterns(
    tmp_path: Path, rules: dict[str, str], sources: str, read_files: list[str], left_out: list[str]
) -> None:
    write(tmp_path, {f"{folder}.gitignore": text for folder, text in rules.items()})
    write(tmp_path, dict.fromkeys(sources.split(), "1"))
    assert read(tmp_path) == (read_files, dict.fromkeys(left_out, "ignored by git"))


def test_rules_above_count_up_to_the_repository(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "b.py\n", "repo/.git/HEAD": "", "repo/.gitignore": "a.py\n/src/pkg/c.py\n"})
    write(tmp_path, {f"repo/src/pkg/{name}.py": "1" for name in "abcd"})
    write(tmp_path, {"repo/.git/info/exclude": "d.py\n"})
    assert read(tmp_path / "repo" / "src")[0] == ["pkg/b.py"]
    assert read(tmp_path / "repo" / "src" / "pkg")[0] == ["b.py"]
    assert read(tmp_path / "repo" / "src" / "pkg" / "b.py")[0] == ["b.py"]


def test_without_a_repository_the_folders_above_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "a.py\n", "src/a.py": "1", "src/b.py": "1", "src/.gitignore": "b.py\n"})
    assert read(tmp_path / "src")[0] == ["a.py"]


def test_a_repository_within_another_ignores_the_outer_rules(tmp_path: Path) -> None:
    outer = {".git/HEAD": "", ".gitignore": "*.py\n"}
    write(tmp_path, {**outer, "inner/.git/HEAD": "ref: refs/heads/main\n", "inner/a.py": "1"})
    write(tmp_path, {"inner/.git/objects/x": "", "inner/.git/refs/x": ""})
    assert read(tmp_path)[0] == ["inner/a.py"]


def test_unusual_lines_and_a_folder_of_that_name(tmp_path: Path) -> None:
    lines = ["\ufeff# comment", "a.py\r", "[", "!", "/", "  ", "\\#b.py", "\udcff", "c.py   "]
    write(tmp_path, {f"{name}.py": "1" for name in ("a", "#b", "c", "d")})
    (tmp_path / ".gitignore").write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    assert read(tmp_path)[0] == ["d.py"]
    (tmp_path / ".gitignore").unlink()
    (tmp_path / ".gitignore").mkdir()
    assert len(read(tmp_path)[0]) == 4


def test_rules_above_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {".git/HEAD": "", ".gitignore": "", "src/a.py": "1"})

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CorpusError, match=r"\.gitignore: cannot be read \(Permission denied\); make it readable"):
        tree.walk([tmp_path / "src"])


@pytest.mark.parametrize("line", ["[z-a]", "[a-", "a[", "x[[:no:]]", "[\\", "x\\", "!", "/", "//", "[", "[]", "[!]"])
def test_a_malformed_pattern_ignores_nothing(tmp_path: Path, line: str) -> None:
    write(tmp_path, {".gitignore": f"{line}\nb.py\n", "a.py": "1", "b.py": "1", "x/c.py": "1"})
    assert read(tmp_path)[0] == ["a.py", "x/c.py"]
    assert not ignore.matcher([line])("a/b.py")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("*a" * 60 + "b", "a" * 255), ("**/a*a/" * 20 + "b", "aaaa/" * 200 + "a"), ("**/" * 99 + "b", "a/" * 99)],
)
def test_slow_patterns_end(pattern: str, path: str) -> None:
    glob = parse(pattern.encode())
    assert glob is not None
    assert not glob.matches(path.encode())


def test_a_persons_own_patterns_hold_for_files_in_a_matching_folder() -> None:
    matches = ignore.matcher(["gen/", "*_pb.py", "!keep_pb.py", "/top.py"])
    assert all(map(matches, ("gen/a.py", "a/gen/b.py", "a_pb.py", "top.py")))
    assert not any(map(matches, ("gen", "keep_pb.py", "a/top.py")))


FOLDERS = ["", "a", "a/b", "a/b/a", "b", "b/lib", "b/lib/foo", "foo", "foo/a", "foo/b"]
FILES = ["x.py", "y.py", "a.py", "foo.py"]
WORDS = r"""
* /* */ ** **/ *.py x.py /x.py [xy].py [!x].py ?.py foo* foo.* [x a a/ /a /a/ **/a a/** **/foo/** a/* a/b a/b/ a/**/
a/**/x.py **/b/x.py b/lib/*.py lib/ /lib/ foo foo/ [a- x[[:alpha:]]* [[:alpha:]].py []x]* a** b/l**/foo f\oo \#x #c //
"""
PATTERNS = [*WORDS.split(), "x.py\\ ", "x.py\t", " ", "x.py  ", ""]


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git")
@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_git(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    root = write(tmp_path / "repo", {f"{folder}/{name}".lstrip("/"): "1" for folder in FOLDERS for name in FILES})
    for folder in draw.sample(FOLDERS, 3):
        lines = [("!" if draw.random() < 0.4 else "") + draw.choice(PATTERNS) for _ in range(draw.randint(1, 4))]
        (root / folder / ".gitignore").write_text("\n".join(lines) + "\n")
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | quiet
    subprocess.run(["git", "init", "-q", str(root)], check=True, env=environment)
    command = ["git", "-C", str(root), "ls-files", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout
    assert read(root)[0] == sorted(line for line in listed.splitlines() if line.endswith(".py"))
