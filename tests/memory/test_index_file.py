"""The stored index: what is saved comes back; whatever is wrong with the file, nothing comes back."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from tinycoder.memory import index_file
from tinycoder.memory.index_file import Index, IndexedFile, load_index, save_index, tokenizer_digest
from tinycoder.memory.suffix_index import MAX_MATCH, NO_ID, SortedPlaces, SuffixIndex, sorted_parts, token_corpus
from tinycoder.storage import array_file
from tinycoder.transformer.tokenizer import train_character_tokenizer

SEPARATOR = 1
VOCAB_SIZE = 300
DIGEST = "f00d" * 16


def make_index(texts: dict[str, list[int]], *, vocab_size: int = VOCAB_SIZE) -> Index:
    """An index of some texts, and of a file that was left out."""
    corpus = token_corpus([(path, np.array(ids, np.int32)) for path, ids in sorted(texts.items())], SEPARATOR)
    files = [
        IndexedFile(path=path, n_bytes=3 * len(texts[path]), mtime_ns=10**18 + 1, digest="ab", start=start)
        for path, start in zip(corpus.paths, corpus.starts, strict=True)
    ]
    files.append(IndexedFile(path="zé/left_out.py", n_bytes=0, mtime_ns=-1, digest="", start=None))
    return Index(
        tokenizer_digest=DIGEST,
        vocab_size=vocab_size,
        files=tuple(files),
        corpus=corpus,
        words=frozenset({"naïve", "x"}),
    )


INDEX = make_index({"a.py": [5, 6, 7, 5, 6], "b.py": [], "c/d.py": [5, 6, 8, 299]})
CORPUS = INDEX.corpus


def load(file: Path, *, digest: str = DIGEST, vocab_size: int = VOCAB_SIZE) -> Index | None:
    return load_index(file, tokenizer_digest=digest, vocab_size=vocab_size)


def same(a: Index | None, b: Index) -> bool:
    return (
        a is not None
        and a.files == b.files
        and (a.corpus.paths, a.corpus.starts) == (b.corpus.paths, b.corpus.starts)
        and np.array_equal(a.corpus.ids, b.corpus.ids)
        and np.array_equal(a.corpus.next_ids, b.corpus.ids)
        and a.places is not None
        and np.array_equal(a.places.order, SuffixIndex(b.corpus).order)
        and a.words == b.words
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "memory" / "index.safetensors"


def test_what_is_saved_comes_back(file: Path) -> None:
    save_index(file, INDEX)
    assert same(load(file), INDEX)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_hidden_text_is_saved_all_the_same(file: Path) -> None:
    index = make_index({"a.py": [5, 6, 7], "b.py": [7, 8]})
    SuffixIndex(index.corpus).hide("a.py")
    save_index(file, index)
    assert same(load(file), index)


@pytest.mark.parametrize("maps", sorted({False, array_file.MAPS}))
def test_what_is_hidden_or_forgotten_stays_in_the_file_and_with_others_who_have_it(
    file: Path, maps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_file, "MAPS", maps)
    index = make_index({"a.py": [5, 6, 7], "b.py": [7, 8]})
    save_index(file, index)
    mine, other = load(file), load(file)
    assert mine is not None
    workspace = SuffixIndex(mine.corpus, mine.places)
    workspace.hide("a.py")
    assert mine.corpus.texts()["a.py"].tolist() == [5, 6, 7]
    workspace.erase("b.py")
    assert mine.corpus.texts()["b.py"].tolist() == [NO_ID, NO_ID]
    assert same(other, index)
    assert same(load(file), index)


def test_an_index_in_use_stays_whole_when_another_takes_its_place(file: Path) -> None:
    save_index(file, INDEX)
    used = load(file)
    save_index(file, make_index({"other.py": [9] * 5000}))
    assert same(used, INDEX)
    file.unlink()
    assert same(used, INDEX)


def test_identifiers_that_are_not_known_are_not_made_up(file: Path) -> None:
    save_index(file, dataclasses.replace(INDEX, words=None))
    found = load(file)
    assert found is not None
    assert found.words is None


def test_nothing_indexed_is_an_index_too(file: Path) -> None:
    index = make_index({})
    save_index(file, index)
    assert same(load(file), index)


def test_a_large_vocabulary_fits(file: Path) -> None:
    index = make_index({"a.py": [5, 70_000]}, vocab_size=80_000)
    save_index(file, index)
    assert same(load(file, vocab_size=80_000), index)


def test_a_token_takes_fourteen_bytes(file: Path) -> None:
    ids = [5] * 30_000
    save_index(file, make_index({"a.py": ids}))
    assert file.stat().st_size < 14 * len(ids) + 2_000


def test_other_programs_read_the_arrays(file: Path) -> None:
    save_index(file, INDEX)
    arrays = load_file(file)
    assert np.array_equal(arrays["ids"], CORPUS.ids)
    assert np.array_equal(arrays["order"], SuffixIndex(CORPUS).order)


def test_no_file_no_index(file: Path) -> None:
    assert load(file) is None
    file.mkdir(parents=True)
    assert load(file) is None


def test_another_tokenizer_or_version_is_not_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_index(file, INDEX)
    assert load(file, digest="beef" * 16) is None
    assert load(file, vocab_size=VOCAB_SIZE + 1) is None
    with monkeypatch.context() as patch:
        patch.setattr(index_file, "FORMAT_VERSION", index_file.FORMAT_VERSION + 1)
        assert load(file) is None
    with monkeypatch.context() as patch:
        patch.setattr(index_file, "__version__", "0.0.0")
        assert load(file) is None
    assert load(file) is not None


def test_tokenizers_are_told_apart() -> None:
    one, same, other = (train_character_tokenizer([text]) for text in ("abc", "abc", "abd"))
    assert tokenizer_digest(one) == tokenizer_digest(same) != tokenizer_digest(other)


@given(data=st.data())
@settings(max_examples=150)
def test_any_damage_is_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("index") / "index.safetensors"
    save_index(file, INDEX)
    raw = bytearray(file.read_bytes())
    kind = data.draw(st.sampled_from(["cut", "longer", "flipped"]))
    at = data.draw(st.integers(0, len(raw) - 1))
    if kind == "cut":
        del raw[at:]
    elif kind == "longer":
        raw += b"x" * (at + 1)
    else:
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(bytes(raw))
    found = load(file)
    assert found is None or (kind == "flipped" and same(found, INDEX))


@pytest.mark.parametrize("raw", [b"", b"\0" * 100, b"\xff" * 100, b"not an index"])
def test_another_file_is_no_index(file: Path, raw: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(raw)
    assert load(file) is None


def test_a_header_that_promises_too_much_allocates_nothing(file: Path) -> None:
    n = 2**40
    tensors = {
        "ids": {"dtype": "U16", "shape": [n], "data_offsets": [0, 2 * n]},
        "order": {"dtype": "I32", "shape": [n], "data_offsets": [2 * n, 6 * n]},
    }
    header = json.dumps(tensors).encode()
    file.parent.mkdir()
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    assert load(file) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"corpus": dataclasses.replace(CORPUS, ids=np.where(CORPUS.ids == 8, VOCAB_SIZE, CORPUS.ids))},
        {"corpus": dataclasses.replace(INDEX.corpus, ids=INDEX.corpus.ids[:-5])},
        {"files": INDEX.files[1:]},
        {"files": INDEX.files[::-1]},
        {"files": (*INDEX.files, dataclasses.replace(INDEX.files[0], start=MAX_MATCH + 1000))},
        {"files": (*INDEX.files, dataclasses.replace(INDEX.files[0], start=2**70))},
        {"files": (dataclasses.replace(INDEX.files[0], start=-1), *INDEX.files[1:])},
    ],
)
def test_positions_outside_the_texts_are_refused(file: Path, changed: dict[str, object]) -> None:
    save_index(file, dataclasses.replace(INDEX, **changed))  # type: ignore[arg-type]
    assert load(file) is None


@pytest.mark.parametrize("shift", [-1, 1])
def test_places_outside_the_texts_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    parts = [SortedPlaces(part.order + shift, part.keys) for part in sorted_parts(CORPUS.ids)]
    monkeypatch.setattr(index_file, "sorted_parts", lambda ids: parts)
    save_index(file, INDEX)
    assert load(file) is None


def test_a_failing_write_leaves_the_old_index(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_index(file, INDEX)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save_index(file, make_index({"other.py": [9]}))
    assert same(load(file), INDEX)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_place_that_cannot_be_written_to_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file")
    with pytest.raises(OSError, match=r"exist|not a directory|cannot find"):
        save_index(tmp_path / "memory" / "index.safetensors", INDEX)


def test_what_a_crash_left_is_removed_and_what_is_being_written_stays(file: Path) -> None:
    file.parent.mkdir()
    left, writing, other = (
        file.parent / name for name in (f".{file.name}~old", f".{file.name}~new", ".other.safetensors~old")
    )
    for path in (left, writing, other):
        path.write_bytes(b"half")
    for path in (left, other):
        os.utime(path, (10**9, 10**9))
    save_index(file, INDEX)
    assert sorted(path.name for path in file.parent.iterdir()) == sorted([file.name, writing.name, other.name])


def test_two_writers_at_once_leave_a_whole_index(file: Path) -> None:
    ones = [make_index({f"{name}.py": [n] * 2_000}) for n, name in enumerate("abc", 10)]
    save_index(file, ones[0])
    faults: list[Index | None] = []

    def write(index: Index) -> None:
        for _ in range(10):
            save_index(file, index)
            found = load(file)
            if not any(same(found, one) for one in ones):
                faults.append(found)

    threads = [threading.Thread(target=write, args=(index,)) for index in ones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert [path.name for path in file.parent.iterdir()] == [file.name]
