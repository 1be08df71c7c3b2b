"""The workspace tier from folders: what is in it, what never is, and what is not read twice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tinycoder.errors import Cancelled
from tinycoder.memory.index_file import load_index, tokenizer_digest
from tinycoder.memory.indexing import index_file_of, index_workspace
from tinycoder.memory.suffix_index import SuffixIndex
from tinycoder.storage.models import workspace_model_name
from tinycoder.transformer.tokenizer import train_character_tokenizer, train_code_tokenizer

TOKENIZER = train_code_tokenizer(["def add(a, b):\n    return a + b\n\n\nclass Adder:\n    total = 0\n" * 20], 320)
OTHER = train_character_tokenizer(["def class return"])
LONG_AGO = 10**18  # nanoseconds
DAY = 86_400 * 10**9


def write(root: Path, files: Mapping[str, str | bytes], *, mtime_ns: int = LONG_AGO) -> Path:
    for path, contents in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        os.utime(file, ns=(mtime_ns, mtime_ns))
    return root


def texts(workspace: SuffixIndex) -> dict[str, str]:
    return {path: TOKENIZER.decode(ids) for path, ids in workspace.corpus.texts().items()}


def index(*folders: Path, file: Path | None = None, **options: object) -> dict[str, str]:
    return texts(index_workspace(folders, TOKENIZER, file=file, **options))  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "project", {"a.py": "a = 1\n", "pkg/b.py": "b = 2\n", "pkg/c.pyi": "c: int\n"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "memory" / "index.safetensors"


def test_python_files_with_paths_below_the_folder(root: Path) -> None:
    write(root, {"notes.md": "# no\n", "crlf.py": "x = 1\r\n\ty = 'ü'\r\n"})
    assert index(root) == {
        "a.py": "a = 1\n",
        "crlf.py": "x = 1\n\ty = 'ü'\n",
        "pkg/b.py": "b = 2\n",
        "pkg/c.pyi": "c: int\n",
    }


def test_several_folders_stand_before_the_paths(root: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "library", {"a.py": "other = 1\n"})
    assert list(index(root, other)) == ["library/a.py", "project/a.py", "project/pkg/b.py", "project/pkg/c.pyi"]


def test_no_folders_no_python_no_error(tmp_path: Path, file: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folders in ([], [tmp_path / "nowhere"], [tmp_path / "empty"]):
        workspace = index_workspace(folders, TOKENIZER, file=file)
        assert not workspace.corpus.paths
        context = np.array(TOKENIZER.encode("x" * 40), np.int32)[-32:]
        assert workspace.matches(context)[0] == []
    assert file.exists()


def test_a_missing_folder_takes_nothing_from_the_others(root: Path, tmp_path: Path) -> None:
    assert list(index(tmp_path / "nowhere", root)) == ["a.py", "pkg/b.py", "pkg/c.pyi"]


def test_what_is_ignored_vendored_or_generated_stays_out(root: Path) -> None:
    write(
        root,
        {
            ".gitignore": "secret_*.py\nlocal/\n",
            "secret_plans.py": "x = 1\n",
            "local/a.py": "x = 2\n",
            "node_modules/a.py": "x = 3\n",
            ".venv/lib/a.py": "x = 4\n",
            "thing_pb2.py": "x = 5\n",
            "made.py": "# This file is generated, do not edit\nx = 6\n",
            "blank.py": "\n\n",
            "binary.py": b"x = 7\0",
            "huge.py": "x = 8\n" * 200_000,
            "id_rsa": "x = 9\n",
            ".env.py": "x = 10\n",
        },
    )
    assert list(index(root)) == ["a.py", "pkg/b.py", "pkg/c.pyi"]


def test_a_secret_is_in_no_stored_id(root: Path, file: Path) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    write(root, {"a.py": f"TOKEN = '{token}'\n", ".env": f"T={token}\n", "key.pem": token})
    assert index(root, file=file)["a.py"] == "TOKEN = 'REDACTED'\n"
    stored = load_index(file, tokenizer_digest=tokenizer_digest(TOKENIZER), vocab_size=TOKENIZER.vocab_size)
    assert stored is not None
    everything = TOKENIZER.decode(stored.corpus.ids[stored.corpus.ids >= 0])
    assert "REDACTED" in everything
    assert token[4:12] not in everything
    assert token[4:12].encode() not in file.read_bytes()


def test_exact_duplicates_are_kept_once_and_near_ones_stay(root: Path) -> None:
    text = "".join(f"value_{i} = {i}\n" for i in range(30))
    write(root, {"one.py": text, "two.py": text, "near.py": text + "last = 1\n"})
    found = index(root)
    assert ("one.py" in found) != ("two.py" in found)
    assert "near.py" in found


def test_unchanged_files_are_not_read_again(root: Path, file: Path) -> None:
    write(root, {"generated.py": "# @generated\nx = 1\n", "twin.py": "a = 1\n"})
    first = index(root, file=file)
    assert len(first) == 3
    changed = {"a.py": "A = 9\n", "pkg/b.py": "B = 9\n", "generated.py": "# @generator\nx = 1\n", "twin.py": "T = 9\n"}
    write(root, changed)  # of the same size and time: only who reads them sees it
    assert index(root, file=file) == first
    assert index(root)["pkg/b.py"] == "B = 9\n"


def test_changed_new_and_removed_files(root: Path, file: Path) -> None:
    index(root, file=file)
    before = file.read_bytes()
    write(root, {"a.py": "a = 1_000\n", "pkg/b.py": "b = 3\n"}, mtime_ns=LONG_AGO + 1)
    write(root, {"new.py": "n = 1\n"})
    (root / "pkg" / "c.pyi").unlink()
    expected = {"a.py": "a = 1_000\n", "new.py": "n = 1\n", "pkg/b.py": "b = 3\n"}
    assert index(root, file=file) == expected
    assert file.read_bytes() != before
    again = index_workspace([root], TOKENIZER, file=file)
    assert texts(again) == expected
    scratch = index_workspace([root], TOKENIZER, file=None)
    assert np.array_equal(again.corpus.ids, scratch.corpus.ids)
    assert np.array_equal(again.order, scratch.order)


def test_nothing_is_written_where_nothing_changed(root: Path, file: Path) -> None:
    index(root, file=file)
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    index(root, file=file)
    assert file.stat().st_mtime_ns == LONG_AGO


def test_the_twin_of_a_removed_file_takes_its_place(root: Path, file: Path) -> None:
    write(root, {"twin.py": "a = 1\n"})
    found = index(root, file=file)
    assert ("a.py" in found) != ("twin.py" in found)
    kept, other = ("a.py", "twin.py") if "a.py" in found else ("twin.py", "a.py")
    (root / kept).unlink()
    assert index(root, file=file)[other] == "a = 1\n"
    write(root, {kept: "a = 1\n", other: "different = 1\n"}, mtime_ns=LONG_AGO + 1)
    assert index(root, file=file) == {**found, kept: "a = 1\n", other: "different = 1\n"}


def test_a_moved_or_touched_file_stays(root: Path, file: Path) -> None:
    index(root, file=file)
    (root / "a.py").rename(root / "moved.py")
    os.utime(root / "pkg" / "b.py")
    assert index(root, file=file) == {"moved.py": "a = 1\n", "pkg/b.py": "b = 2\n", "pkg/c.pyi": "c: int\n"}


def test_a_file_that_could_not_be_read_is_tried_again(root: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "a.py":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        assert list(index(root, file=file)) == ["pkg/b.py", "pkg/c.pyi"]
    assert list(index(root, file=file)) == ["a.py", "pkg/b.py", "pkg/c.pyi"]


def test_a_damaged_index_is_made_anew(root: Path, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    expected = index(root, file=file)
    good = file.read_bytes()
    for raw in (b"", good[:-3], good.replace(b"pkg/b.py", b"pkg/x.py")):
        file.write_bytes(raw)
        caplog.clear()
        assert index(root, file=file) == expected
        assert "made anew" in caplog.text
        again = load_index(file, tokenizer_digest=tokenizer_digest(TOKENIZER), vocab_size=TOKENIZER.vocab_size)
        assert again is not None
        assert list(again.corpus.paths) == list(expected)


def test_another_tokenizer_does_not_use_it(root: Path, file: Path) -> None:
    index(root, file=file)
    workspace = index_workspace([root], OTHER, file=file)
    assert OTHER.decode(workspace.corpus.texts()["a.py"]) == "a = 1\n"
    assert index(root, file=file)["a.py"] == "a = 1\n"


def test_an_index_that_cannot_be_kept_is_used_all_the_same(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").write_text("a file")
    found = index(root, file=tmp_path / "home" / "index.safetensors")
    assert list(found) == ["a.py", "pkg/b.py", "pkg/c.pyi"]
    assert "cannot keep the index" in caplog.text


def test_it_stops_when_told(root: Path, file: Path) -> None:
    with pytest.raises(Cancelled):
        index(root, file=file, stop=lambda: True)
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        index(root, file=file, stop=lambda: next(answers))
    assert not file.exists()


def test_progress_goes_from_nothing_to_all(root: Path) -> None:
    write(root, {f"many/{i}.py": f"x = {i}\n" for i in range(100)})
    told: list[tuple[int, int]] = []
    index(root, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[0] == (0, 103)
    assert told[-1] == (103, 103)
    assert len(told) > 2


def test_a_large_tree_is_cut_to_what_was_edited_lately_and_is_small(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "monorepo"
    write(root, {f"old_{i}.py": f"o = {i}\n" * 20 for i in range(5)})
    write(root, {"large.py": "l = 1\n" * 200, "small.py": "s = 1\n" * 20}, mtime_ns=LONG_AGO + 9 * DAY)
    small = len(TOKENIZER.encode("s = 1\n" * 20)) + 1
    assert list(index(root, file=file, max_tokens=small)) == ["small.py"]
    assert "6 files are left out" in caplog.text
    assert list(index(root, file=file, max_tokens=small)) == ["small.py"]
    large = len(TOKENIZER.encode("l = 1\n" * 200)) + 1
    found = index_workspace([root], TOKENIZER, file=file, max_tokens=small + large + small + 5)
    assert list(found.corpus.paths) == ["large.py", "old_0.py", "small.py"]
    assert len(index(root, file=file)) == 7


def test_where_the_index_lies(tmp_path: Path) -> None:
    home, one, two = (tmp_path / name for name in ("home", "one", "two"))
    file = index_file_of(home, [one], TOKENIZER)
    assert file.parent == home / "memory"
    assert file.name.startswith(workspace_model_name(one))
    assert file.suffix == ".safetensors"
    both = index_file_of(home, [one, two], TOKENIZER)
    assert both == index_file_of(home, [two, one], TOKENIZER)
    others = [index_file_of(home, [two], TOKENIZER), index_file_of(home, [], TOKENIZER)]
    others.append(index_file_of(home, [one], OTHER))
    assert len({file, both, *others}) == 5
