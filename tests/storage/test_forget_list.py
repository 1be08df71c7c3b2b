"""The list of what to forget: what it holds, that nothing of it is lost, and what is taken out of indexes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tinycoder.errors import ConfigError
from tinycoder.memory.index_file import Index, IndexedFile, load_index, purge_indexes, save_index
from tinycoder.memory.suffix_index import SuffixIndex, token_corpus
from tinycoder.storage.forget_list import (
    NOTHING_FORGOTTEN,
    Forgotten,
    add_forgotten,
    drop_forgotten,
    forgotten_file,
    load_forgotten,
    stamp_of,
    true_path,
)

SEPARATOR = 1


def save(file: Path, texts: dict[str, list[int]], folders: tuple[tuple[str, str], ...]) -> Index:
    corpus = token_corpus([(path, np.array(ids, np.int32)) for path, ids in sorted(texts.items())], SEPARATOR)
    files = tuple(
        IndexedFile(path=path, n_bytes=3, mtime_ns=1, digest="ab", start=start)
        for path, start in zip(corpus.paths, corpus.starts, strict=True)
    )
    index = Index(
        tokenizer_digest="f00d",
        vocab_size=300,
        files=files,
        corpus=corpus,
        folders=folders,
    )
    save_index(file, index)
    return index


def kept(file: Path) -> dict[str, list[int]]:
    """The texts of an index that is sound."""
    index = load_index(file, tokenizer_digest="f00d", vocab_size=300)
    assert index is not None
    assert index.places is not None
    assert np.array_equal(index.places.order, SuffixIndex(index.corpus).order)
    found = {path: ids.tolist() for path, ids in index.corpus.texts().items()}
    assert [known.path for known in index.files] == list(found)
    return found


def test_a_folder_holds_what_is_below_it_and_nothing_beside_it(tmp_path: Path) -> None:
    forgotten = Forgotten(paths=(tmp_path / "a.py", tmp_path / "pkg"))
    held = ["a.py", "pkg", "pkg/b.py", "pkg/deep/c.py"]
    assert [name for name in [*held, "a.pyi", "pkg2/b.py", "b/a.py"] if forgotten.holds(tmp_path / name)] == held
    assert not NOTHING_FORGOTTEN.holds(tmp_path)


def test_names_in_an_index_of_several_folders(tmp_path: Path) -> None:
    labels = {tmp_path / "one" / "src": "one/src/", tmp_path / "two" / "src": "two/src/"}
    for path, names in {
        "one/src/a.py": ["one/src/a.py"],
        "one/src/pkg": ["one/src/pkg/b.py"],
        "one": ["one/src/a.py", "one/src/pkg/b.py"],
        ".": ["one/src/a.py", "one/src/pkg/b.py", "two/src/a.py"],
        "three": [],
    }.items():
        is_gone = Forgotten(paths=(tmp_path / path,)).names(labels)
        assert [name for name in ["one/src/a.py", "one/src/pkg/b.py", "two/src/a.py"] if is_gone(name)] == names


def test_all_of_the_only_folder(tmp_path: Path) -> None:
    assert Forgotten(paths=(tmp_path.parent,)).names({tmp_path: ""})("any/thing.py")
    assert not Forgotten(paths=(tmp_path / "a.py",)).names({tmp_path: ""})("a.pyi")


def test_the_list_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert load_forgotten(home) == NOTHING_FORGOTTEN
    assert stamp_of(home) is None
    add_forgotten(home, [tmp_path / "b.py", tmp_path / "ü\udcff.py"])
    before = stamp_of(home)
    add_forgotten(home, [tmp_path / "a.py", tmp_path / "b.py"])
    assert stamp_of(home) != before
    assert load_forgotten(home).paths == (tmp_path / "a.py", tmp_path / "b.py", tmp_path / "ü\udcff.py")
    if os.name != "nt":
        assert forgotten_file(home).stat().st_mode & 0o777 == 0o600
    drop_forgotten(home, [tmp_path / "a.py"])
    assert load_forgotten(home).paths == (tmp_path / "b.py", tmp_path / "ü\udcff.py")


def test_what_is_not_on_the_list_cannot_be_undone(tmp_path: Path) -> None:
    add_forgotten(tmp_path, [tmp_path / "pkg"])
    with pytest.raises(ConfigError, match=r"a\.py is not on the list of what to forget; .*--list"):
        drop_forgotten(tmp_path, [tmp_path / "pkg", tmp_path / "a.py"])
    with pytest.raises(ConfigError, match=r"it lies in .*pkg, undo that"):
        drop_forgotten(tmp_path, [tmp_path / "pkg" / "a.py"])
    assert load_forgotten(tmp_path).paths == (tmp_path / "pkg",)


@pytest.mark.parametrize(
    "contents",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1}',
        '{"format": 9, "paths": []}',
        '{"format": 1, "paths": [3]}',
        "[" * 100000,
        '{"format": 1, "paths": ["relative.py"]}',
        '{"format": 1, "paths": null}',
        "�\x00",
    ],
)
def test_a_damaged_list_is_named_and_left_as_it_is(tmp_path: Path, contents: str) -> None:
    file = forgotten_file(tmp_path)
    file.write_text(contents, encoding="utf-8")
    for change in (add_forgotten, drop_forgotten):
        with pytest.raises(ConfigError, match=r"forgotten\.json, the list of what to forget, is damaged; put it right"):
            change(tmp_path, [tmp_path / "a.py"])
    assert file.read_text(encoding="utf-8") == contents


def test_a_true_path_has_no_links_also_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    root = Path(os.path.realpath(tmp_path))
    assert true_path(tmp_path / "link" / "gone" / "a.py") == root / "real" / "gone" / "a.py"
    assert true_path(tmp_path / "real" / ".." / "b.py") == root / "b.py"


def test_a_true_path_is_spelt_as_the_file_system_has_it(tmp_path: Path) -> None:
    (tmp_path / "Pkg").mkdir()
    (tmp_path / "Pkg" / "Módulo.py").write_text("")
    alike = (tmp_path / "pKG").exists()  # as on Windows, and mostly on macOS
    spelt = true_path(tmp_path / "pKG" / "mÓDULO.py").relative_to(true_path(tmp_path)).as_posix()
    assert spelt == ("Pkg/Módulo.py" if alike else "pKG/mÓDULO.py")


def test_forgotten_texts_leave_every_index_that_has_them(tmp_path: Path) -> None:
    memory, root = tmp_path / "memory", tmp_path / "project"
    for folder_there in (root, tmp_path / "project2"):
        folder_there.mkdir()
    texts = {"a.py": [5, 6, 7], "pkg/b.py": [6, 7, 8], "pkg/c.py": [9, 9]}
    folder = (root.as_posix(), "")
    save(memory / "one.safetensors", texts, (folder,))
    save(
        memory / "two.safetensors", {f"project/{path}": ids for path, ids in texts.items()}, ((folder[0], "project/"),)
    )
    save(memory / "other.safetensors", texts, ((f"{folder[0]}2", ""),))
    before = (memory / "other.safetensors").read_bytes()
    gone = purge_indexes(memory, Forgotten(paths=(root / "pkg", root / "nowhere.py")))
    assert {file.name: paths for file, paths in gone.items()} == {
        "one.safetensors": ["pkg/b.py", "pkg/c.py"],
        "two.safetensors": ["project/pkg/b.py", "project/pkg/c.py"],
    }
    assert kept(memory / "one.safetensors") == {"a.py": [5, 6, 7]}
    assert kept(memory / "two.safetensors") == {"project/a.py": [5, 6, 7]}
    assert (memory / "other.safetensors").read_bytes() == before
    assert purge_indexes(memory, Forgotten(paths=(root,)))[memory / "one.safetensors"] == ["a.py"]
    assert kept(memory / "one.safetensors") == {}


def test_the_index_of_a_folder_that_has_another_name_now_is_removed(tmp_path: Path) -> None:
    save(tmp_path / "memory" / "one.safetensors", {"a.py": [5, 6]}, ((f"{tmp_path}/before", ""),))
    purge_indexes(tmp_path / "memory", Forgotten(paths=(tmp_path / "after" / "a.py",)))
    assert not (tmp_path / "memory" / "one.safetensors").exists()


def test_an_index_that_nobody_can_read_is_removed_and_so_is_a_half_written_one(tmp_path: Path) -> None:
    (tmp_path / "old.safetensors").write_bytes(b"of another version")
    (tmp_path / ".one.safetensors~x1").write_bytes(b"half")
    (tmp_path / "one.mixer.json").write_text("{}")
    assert purge_indexes(tmp_path, Forgotten(paths=(tmp_path / "a.py",))) == {}
    assert [file.name for file in tmp_path.iterdir()] == ["one.mixer.json"]
    assert purge_indexes(tmp_path / "nowhere", NOTHING_FORGOTTEN) == {}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs rights that can be taken away")
def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    save(memory / "one.safetensors", {"a.py": [5]}, ((tmp_path.as_posix(), ""),))
    memory.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match=r"cannot take out of .*one\.safetensors what is forgotten"):
            purge_indexes(memory, Forgotten(paths=(tmp_path / "a.py",)))
    finally:
        memory.chmod(0o700)
