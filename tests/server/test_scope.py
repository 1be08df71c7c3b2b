"""Which documents count, and settings that change it without a restart."""

from pathlib import Path
from typing import Any

import pytest

from tinycoder_lsp.documents.scope import Scope
from tinycoder_lsp.settings import Settings

A = "file:///project/pkg/a.py"


def holds(path: str = "pkg/a.py", language: str | None = "python", n_bytes: int = 10, **settings: Any) -> bool:
    return Scope(Settings(**settings)).holds(f"file:///project/{path}", path, language, n_bytes)


@pytest.mark.parametrize(
    ("path", "language", "expected"),
    [
        ("a.py", "python", True),
        ("a.pyi", None, True),
        ("a.pyi", "plaintext", True),
        ("untitled", "python", True),
        ("a.js", "javascript", False),
        ("a", None, False),
        ("", None, False),
        ("", "python", True),
    ],
)
def test_python_counts(path: str, language: str | None, expected: bool) -> None:
    assert holds(path, language) is expected
    assert holds(path, language, exclude=("*.txt",)) is expected


@pytest.mark.parametrize(
    ("pattern", "excluded"),
    [
        ("*.py", True),
        ("pkg/", True),
        ("/pkg/a.py", True),
        ("**/a.*", True),
        ("a.pyi", False),
        ("/a.py", False),
        ("kg/", False),
        ("", False),
        ("# a comment", False),
        ("a[.py", False),
        ("!", False),
    ],
)
def test_patterns_as_in_gitignore(pattern: str, excluded: bool) -> None:
    assert holds(exclude=(pattern,)) is not excluded
    assert holds(exclude=("nothing", pattern)) is not excluded


def test_a_pattern_takes_back_an_earlier_one() -> None:
    assert holds(exclude=("*.py", "!a.py"))
    assert not holds(exclude=("!a.py", "*.py"))


def test_languages_are_switched_off_by_their_names() -> None:
    assert not holds(disabled_languages=("python",))
    assert not holds(language=None, disabled_languages=("python",))
    assert holds(language="plaintext", disabled_languages=("python", "toml"))
    assert not holds(language="plaintext", disabled_languages=("plaintext",))


def test_large_documents_are_left_alone() -> None:
    assert holds(n_bytes=1_000_000)
    assert not holds(n_bytes=1_000_001)
    assert holds(n_bytes=1000, max_file_kb=1)
    assert not holds(n_bytes=1001, max_file_kb=1)


# In a running server.


def known(client: Any) -> set[str]:
    """The paths of the documents that the engine knows."""
    return set(client.told("file:///project/told.py", "plaintext")["open"])


@pytest.fixture
def project(start: Any) -> Any:
    """A server with a workspace that is not on the disk."""
    client = start()
    client.initialize(workspaceFolders=[{"uri": "file:///project", "name": "project"}])
    return client


@pytest.mark.parametrize(
    "settings",
    [{"exclude": ["/pkg/"]}, {"disabledLanguages": ["python"]}, {"maxFileKb": 1}],
    ids=lambda each: next(iter(each)),
)
def test_a_document_is_forgotten_and_remembered_again(project: Any, settings: dict[str, Any]) -> None:
    uri = project.open("x = 1\n" * 200 + "ab", uri=A)
    assert project.popup(uri, 200, 2) != []
    assert known(project) == {"pkg/a.py", "told.py"}
    project.configure(**settings)
    assert project.popup(uri, 200, 2) == project.ghost(uri, 200, 2) == []
    assert known(project) == {"told.py"}
    project.send(project.change(uri, project.edit(200, 0, 0, "a")))
    assert known(project) == {"told.py"}
    project.configure()
    assert project.popup(uri, 200, 3)[0]["label"] == "aab_tail"
    assert known(project) == {"pkg/a.py", "told.py"}
    assert "Traceback" not in project.log()


def test_what_was_asked_of_a_document_that_is_excluded_now_is_answered_empty(project: Any) -> None:
    uri = project.open("# slow\n", uri=A)
    numbers = [project.request("textDocument/completion", project.position(uri, 1, 0))]
    numbers.append(
        project.request("textDocument/inlineCompletion", project.position(uri, 1, 0) | {"context": {"triggerKind": 1}})
    )
    project.configure(exclude=["a.py"])
    assert [project.answer(number)["result"]["items"] for number in numbers] == [[], []]


def test_a_document_outgrows_the_limit_and_comes_back(project: Any) -> None:
    project.configure(maxFileKb=1)
    uri = project.open("ab", uri=A)
    assert project.popup(uri, 0, 2) != []
    project.send(project.change(uri, project.edit(0, 0, 0, "é" * 500)))  # two bytes each
    assert project.popup(uri, 0, 502) == []
    assert known(project) == {"told.py"}
    project.send(project.change(uri, project.edit(0, 0, 500, "")))
    assert project.popup(uri, 0, 2) != []
    assert known(project) == {"pkg/a.py", "told.py"}


def test_patterns_are_matched_anew_when_folders_change(project: Any) -> None:
    project.configure(exclude=["/generated/"])
    uri = project.open("ab", uri="file:///other/generated/a.py")
    assert project.popup(uri, 0, 2) != []  # outside of the workspace a path is the file's name
    assert known(project) == {"a.py", "told.py"}
    project.change_folders(added=[{"uri": "file:///other", "name": "other"}])
    assert project.popup(uri, 0, 2) == []
    assert known(project) == {"project/told.py"}


def test_excluded_files_are_indexed_no_more(start: Any, tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).touch()
    client = start()
    client.initialize(rootUri=tmp_path.as_uri())
    client.until(lambda: client.told()["index"] == ["a.py", "b.py"])
    client.configure(exclude=["a.py"])
    client.until(lambda: client.told()["index"] == ["b.py"])
    client.configure()
    client.until(lambda: client.told()["index"] == ["a.py", "b.py"])


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "untitled:",
        "git:/project/a.py?ref",
        "vscode-vfs://github/x/a.py",
        "file:///project/a%00b.py",
        "file:///project/%F0%9F%98%80%25%23.py",
        "file:///project/\ud800.py",
        "file://server/share/a.py",
        "file:a.py",
        "a.py",
        "x",
        "%",
    ],
)
def test_odd_uris_are_served(client: Any, uri: str) -> None:
    client.open("ab", uri=uri)
    assert client.popup(uri, 0, 2)[0]["label"] == "ab_tail"
    client.send(client.change(uri, client.edit(0, 0, 0, "x")))
    assert client.ghost(uri, 0, 3)[0]["insertText"] == "xab_tail"
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert client.popup(uri, 0, 2) == []
    assert "Traceback" not in client.log()


@pytest.mark.parametrize("uri", ["file:///a%00b", "file:", "x"])
def test_odd_folders_are_no_folders(start: Any, uri: str) -> None:
    client = start()
    client.initialize(workspaceFolders=[{"uri": uri, "name": "odd"}])
    assert client.popup(client.open("ab"), 0, 2)[0]["label"] == "ab_tail"
    assert "Traceback" not in client.log()
    assert client.leave() == 0
