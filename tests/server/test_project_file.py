"""``[tool.tinycoder]`` in the pyproject.toml of a workspace: read, laid under the editor's settings, and read again."""

from pathlib import Path
from typing import Any

import pytest

from tests.server.test_configuration import asked_for, limit, warnings
from tinycoder.workspace.project_file import ProjectFile, project_file
from tinycoder_lsp.project import read_project
from tinycoder_lsp.settings import InlineSettings, PopupSettings, Settings, TrainingSettings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    share(folder, 'popup.limit = 7\ninline.block = "off"\nexclude = ["/made/"]')
    return folder


def share(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.tinycoder]\n{text}\n", encoding="utf-8")


def changed(client: Any, folder: Path) -> None:
    changes = [{"uri": (folder / "pyproject.toml").as_uri(), "type": 2}]
    client.notify("workspace/didChangeWatchedFiles", {"changes": changes})


def completes(client: Any, file: Path) -> bool:
    return bool(client.popup(client.open("ab", uri=file.as_uri()), 0, 2))


def test_the_server_uses_what_the_project_shares(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri())
    assert limit(client) == 7
    assert completes(client, project / "a.py")
    assert not completes(client, project / "made" / "a.py")
    assert warnings(client) == []


def test_the_editors_setting_goes_first(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri(), initializationOptions={"popup": {"limit": 4}})
    assert limit(client) == 4
    client.configure(popup={"limit": 20, "imports": True})  # the defaults, as VS Code sends them
    assert limit(client) == 7


def test_it_is_read_again_when_it_changes_and_a_broken_one_changes_nothing(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri())
    assert limit(client) == 7
    share(project, "popup.limit = 9")
    changed(client, project)
    assert limit(client) == 9
    assert completes(client, project / "made" / "a.py")
    share(project, "popup.limit = ")
    changed(client, project)
    assert limit(client) == 9
    assert len([text for text in warnings(client) if "not TOML" in text]) == 1
    (project / "pyproject.toml").unlink()
    client.notify("textDocument/didSave", {"textDocument": {"uri": client.open("x")}})  # nobody watches files
    assert limit(client) == 20


def test_a_mistake_is_named_once_and_the_rest_holds(start: Any, project: Path) -> None:
    share(project, 'popup.limit = 6\npython = "/bin/sh"\nmodle = 1')
    client = start()
    client.initialize(rootUri=project.as_uri())
    assert limit(client) == 6
    client.configure(enable=True)
    assert asked_for(client)["limit"] == 6
    assert len(warnings(client)) == 2
    assert any("python concerns one person's machine" in text for text in warnings(client))
    assert any("tool.tinycoder.modle is unknown" in text for text in warnings(client))


def test_of_a_workspace_that_is_not_trusted_it_is_not_read(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri(), initializationOptions={"trusted": False})
    assert limit(client) == 20
    client.configure(trusted=True)
    assert limit(client) == 7


def test_every_kind_of_setting_is_laid_over_the_projects() -> None:
    table = {
        "disabledLanguages": ["a"],
        "maxFileKb": 5,
        "inline": {"maxLines": 3, "eagerness": "eager"},
        "popup": {"enable": False},
        "training": {"minutes": 2, "preset": "nano", "seed": 1},
    }
    shared, problems = read_project([ProjectFile(file=Path("pyproject.toml"), table=table)])
    assert problems == []
    own = Settings(inline=InlineSettings(eagerness="quiet"), training=TrainingSettings(preset="tiny"), python="x")
    assert shared.under(own) == Settings(
        disabled_languages=("a",),
        max_file_kb=5,
        inline=InlineSettings(max_lines=3, eagerness="quiet"),
        popup=PopupSettings(enable=False),
        training=TrainingSettings(minutes=2, preset="tiny"),
        python="x",
    )


def test_a_setting_that_another_replaces_is_named_in_a_project_too() -> None:
    table = {"inline": {"threshold": 0.5, "maxLines": 3}}
    shared, (problem,) = read_project([ProjectFile(file=Path("pyproject.toml"), table=table)])
    assert shared.inline == InlineSettings(max_lines=3)
    assert "tool.tinycoder.inline.threshold is gone" in problem
    assert "set tool.tinycoder.inline.eagerness to quiet, balanced or eager" in problem


def test_a_file_that_is_no_file_or_too_large_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    assert project_file(tmp_path) is None
    (tmp_path / "pyproject.toml").rmdir()
    share(tmp_path, "# " + "x" * 1_000_001)
    assert project_file(tmp_path) is None
