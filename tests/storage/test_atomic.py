import errno
from pathlib import Path

import pytest

from tinycoder.storage.atomic import replace_text


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "days.json"
    replace_text(file, "old")

    def refuse(source: Path, target: Path) -> Path:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="Permission denied"):
        replace_text(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["days.json"]


def test_a_folder_in_the_place_of_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "days.json").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - each system has its own
        replace_text(tmp_path / "days.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["days.json"]
