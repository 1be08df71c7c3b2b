import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tinycoder.file import readable_file, replace_text


def without_rename_over(monkeypatch: pytest.MonkeyPatch, forbidden: Callable[[Path, Path], bool]) -> None:
    """As on a file system that renames over nothing, and never where ``forbidden`` says so."""
    replace, rename = Path.replace, Path.rename

    def refuse(source: Path, target: Path) -> None:
        if os.path.lexists(target) or forbidden(Path(source), Path(target)):
            raise OSError(errno.EEXIST, "File exists")

    def checked_replace(source: Path, target: Path) -> Path:
        refuse(source, target)
        return replace(source, target)

    def checked_rename(source: Path, target: Path) -> Path:
        refuse(source, target)
        return rename(source, target)

    monkeypatch.setattr(Path, "replace", checked_replace)
    monkeypatch.setattr(Path, "rename", checked_rename)


def test_a_file_is_replaced_where_nothing_can_be_renamed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_rename_over(monkeypatch, lambda source, target: False)
    file = tmp_path / "days.json"
    for text in ("old", "new"):
        replace_text(file, text)
        assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["days.json"]


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "days.json"
    replace_text(file, "old")
    without_rename_over(monkeypatch, lambda source, target: target == file and "previous" not in source.name)
    with pytest.raises(OSError, match="File exists"):
        replace_text(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["days.json"]


def test_a_folder_in_the_place_of_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "days.json").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - each system has its own
        replace_text(tmp_path / "days.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["days.json"]


def test_a_crash_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "days.json"
    replace_text(file, "old")
    file.rename(tmp_path / ".days.json~previous")
    assert readable_file(file).read_text() == "old"
    replace_text(file, "new")
    assert readable_file(file).read_text() == "new"
