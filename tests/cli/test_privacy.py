"""What TinyCoder keeps can be read by its owner alone, whatever the umask says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.command import ADDER, tinycoder
from tinycoder.storage.atomic import make_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other rights, and a folder of one's own by itself")


def readable_by_others(root: Path) -> list[str]:
    """What others may read of ``root``, if they may pass through the folders above it."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name).stat().st_mode & 0o011]
        found += [name for name in (*folders, *files) if Path(folder, name).stat().st_mode & 0o044]
    return found


def run(home: Path, *arguments: str | Path, cwd: Path | None = None) -> None:
    done = tinycoder(home, *arguments, cwd=cwd, umask=0o022)
    assert "Traceback" not in done.stderr, done.stderr


def test_models_reports_memory_and_lists_are_the_owners_alone(tmp_path: Path) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    for n in range(4):
        (project / f"add_{n}.py").write_text(ADDER.format(n=n) * 3)
    home.mkdir(mode=0o755)  # as older versions made it
    run(home, "train", project, "--preset", "nano", "--steps", "1", "--batch-size", "4")
    run(home, "forget", project / "add_0.py")
    run(home, "complete", "add_1.py:2:5", cwd=project)
    assert sorted(path.name for path in home.iterdir() if not path.name.startswith(".")) == [
        "forgotten.json",
        "memory",
        "models",
        "reports",
    ]
    assert readable_by_others(home) == []


def test_a_new_home_is_the_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "made" / "home"
    (tmp_path / "x.py").touch()
    run(home, "forget", tmp_path / "x.py")
    assert home.stat().st_mode & 0o777 == 0o700
    assert home.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    make_folder(tmp_path / "shared")
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o755
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")


def test_a_log_is_the_owners_alone(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "server.log"
    run(tmp_path / "home", "serve", "--log-file", log, "--log-level", "debug")
    assert log.stat().st_mode & 0o777 == 0o600
