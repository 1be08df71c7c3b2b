"""One document for each file, however it is reached, and one for each other text."""

import json
from pathlib import Path
from typing import Any

import pytest

from tinycoder_lsp.documents.identity import Paths, is_view


def path_of(client: Any, uri: str, text: str = "ab") -> str:
    """The path by which the engine knows a document, which is opened."""
    path: str = json.loads(client.popup(client.open(text, uri=uri), 0, 2)[0]["detail"])["path"]
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "real" / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "a.py").write_text("x = 1\n")
    try:
        (tmp_path / "link").symlink_to(folder)
        (folder / "pkg" / "same.py").symlink_to("a.py")
    except OSError:
        pytest.skip("links need a right here")
    return folder


@pytest.mark.parametrize("root", ["link", "real/project"])
def test_a_file_by_two_paths_is_one_document(start: Any, project: Path, tmp_path: Path, root: str) -> None:
    client = start()
    client.initialize(rootUri=(tmp_path / root).as_uri())
    files = [project / "pkg" / "a.py", tmp_path / "link" / "pkg" / "a.py", project / "pkg" / "same.py"]
    assert [path_of(client, file.as_uri()) for file in files] == ["pkg/a.py"] * 3
    assert client.told()["open"].keys() == {"pkg/a.py", "told.py"}
    new = [project / "new.py", tmp_path / "link" / "new.py"]  # not on the disk yet
    assert [path_of(client, file.as_uri()) for file in new] == ["new.py"] * 2


def test_two_files_of_one_name_are_two_documents(start: Any, tmp_path: Path) -> None:
    client = start()
    client.initialize()
    one, two = ((tmp_path / name / "utils.py").as_uri() for name in ("a", "b"))
    assert (path_of(client, one, "abc"), path_of(client, two)) == ("utils.py", "b/utils.py")
    assert path_of(client, one, "abc") == "utils.py"
    assert client.told()["open"] == {"utils.py": 3, "b/utils.py": 2, "told.py": 7}
    client.notify("textDocument/didClose", {"textDocument": {"uri": one}})
    assert client.told()["open"] == {"b/utils.py": 2, "told.py": 7}


def test_a_file_outside_does_not_stand_for_one_of_the_workspace(start: Any, project: Path, tmp_path: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri())
    (project / "io.py").touch()
    assert path_of(client, (tmp_path / "other" / "io.py").as_uri()) == "other/io.py"
    outside, inside = (tmp_path / "other" / "new.py").as_uri(), (project / "new.py").as_uri()
    assert path_of(client, outside, "abc") == "new.py"
    assert path_of(client, inside) == "new.py"  # not on the disk, and opened later
    assert path_of(client, outside, "abc") == "other/new.py"
    told = client.told()["open"]
    assert (told["new.py"], told["other/new.py"]) == (2, 3)


@pytest.mark.parametrize(
    "twin",
    [
        'git:{path}?{{"ref":"HEAD"}}',
        "fugitive://{path}",
        "gitsigns:///index:{path}",
        "diffview:///{path}",
        "output:{path}",
    ],
)
def test_nothing_is_learnt_from_another_text_of_a_file(start: Any, project: Path, twin: str) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri())
    file = project / "pkg" / "a.py"
    assert path_of(client, file.as_uri(), "abc") == "pkg/a.py"
    uri = twin.format(path=file.as_posix())
    assert path_of(client, uri) != "pkg/a.py"
    client.send(client.change(uri, client.edit(0, 0, 0, "more")))
    assert client.told()["open"] == {"pkg/a.py": 3, "told.py": 7}
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert client.told()["open"] == {"pkg/a.py": 3, "told.py": 7}


@pytest.mark.parametrize(
    ("uri", "view"),
    [
        ("file:///a.py", False),
        ("untitled:Untitled-1", False),
        ("a.py", False),
        ("C:/a.py", False),
        ("vscode-vfs://github/x/a.py", False),
        ("vscode-notebook-cell:/a.ipynb#W0", False),
        ("git:/a.py", True),
        ("file://[", False),
    ],
)
def test_what_is_a_text_in_its_own_right(uri: str, view: bool) -> None:
    assert is_view(uri) is view


def test_cells_without_a_notebook_are_documents_each() -> None:
    paths = Paths(lambda path: [])
    cells = [f"vscode-notebook-cell:/project/a.ipynb#W{n}" for n in range(2)]
    assert len({paths.path(cell, [Path("/project")]) for cell in cells}) == 2
