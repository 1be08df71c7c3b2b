"""The recipes ``shakespeare`` (without a network) and ``validation``."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
from pathlib import Path

import pytest

from tinycoder.errors import CorpusError
from tinycoder_training.corpora import shakespeare, validation

PLAY = "".join(f"SPEAKER {i}:\nShall I compare thee to a summer's day, the {i}th?\n\n" for i in range(50))
RAW = PLAY.encode()
CHECKSUM = hashlib.sha256(RAW).hexdigest()
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "tinyshakespeare.txt"


class Source:
    """A download that counts how often it is asked."""

    def __init__(self, raw: bytes | Exception) -> None:
        self.raw = raw
        self.urls: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        if isinstance(self.raw, Exception):
            raise self.raw
        return self.raw


def test_downloads_once(tmp_path: Path) -> None:
    source = Source(RAW)
    first = shakespeare.read(tmp_path / "new" / "cache", download=source, sha256=CHECKSUM)
    second = shakespeare.read(tmp_path / "new" / "cache", download=source, sha256=CHECKSUM)
    assert source.urls == [shakespeare.URL]
    assert first == second
    assert first.recipe == "shakespeare"
    assert [path.name for path in (tmp_path / "new" / "cache").iterdir()] == ["tinyshakespeare.txt"]


def test_the_last_tenth_is_validation(tmp_path: Path) -> None:
    corpus = shakespeare.read(tmp_path, download=Source(RAW), sha256=CHECKSUM)
    (train,), (held_out,) = corpus.train, corpus.validation
    assert train.text + held_out.text == PLAY
    assert len(train.text) == len(PLAY) * 9 // 10
    assert train.n_bytes + held_out.n_bytes == len(RAW)
    assert train.path == held_out.path == "tinyshakespeare.txt"


@pytest.mark.parametrize("damage", [b"", RAW[:-1], b"<html>captive portal</html>"])
def test_a_damaged_cache_is_replaced(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "tinyshakespeare.txt").write_bytes(damage)
    source = Source(RAW)
    assert shakespeare.read(tmp_path, download=source, sha256=CHECKSUM).train
    assert len(source.urls) == 1
    assert (tmp_path / "tinyshakespeare.txt").read_bytes() == RAW


@pytest.mark.parametrize(
    "error",
    [urllib.error.URLError("no route to host"), TimeoutError("timed out"), http.client.IncompleteRead(b"")],
)
def test_a_failing_network_names_the_way_out(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(CorpusError, match=r"cannot download Tiny Shakespeare from https://.*--file"):
        shakespeare.read(tmp_path, download=Source(error), sha256=CHECKSUM)
    assert list(tmp_path.iterdir()) == []


def test_another_text_than_expected_is_not_cached(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="something else than Tiny Shakespeare"):
        shakespeare.read(tmp_path, download=Source(b"<html>captive portal</html>"), sha256=CHECKSUM)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(CorpusError, match=r"cannot write .*--file"):
        shakespeare.read(tmp_path / "cache", download=Source(RAW), sha256=CHECKSUM)


def test_the_own_download_reads_what_a_url_gives(tmp_path: Path) -> None:
    (tmp_path / "served.txt").write_bytes(RAW)
    assert shakespeare.download((tmp_path / "served.txt").as_uri()) == RAW
    with pytest.raises(OSError, match="missing"):
        shakespeare.download((tmp_path / "missing.txt").as_uri())


def test_a_file_needs_no_network_and_no_checksum(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_bytes("Zeile für Zeile\r\n".encode() * 100)
    source = Source(RAW)
    corpus = shakespeare.read(tmp_path / "cache", file=file, download=source)
    assert corpus.train[0].text + corpus.validation[0].text == "Zeile für Zeile\r\n" * 100
    assert corpus.train[0].path == "own.txt"
    assert source.urls == []
    assert not (tmp_path / "cache").exists()


def test_files_that_will_not_do(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    with pytest.raises(CorpusError, match=r"--file .*own\.txt cannot be read"):
        shakespeare.read(tmp_path, file=file)
    file.write_bytes(b"\xff\xfe" * 1_000)
    with pytest.raises(CorpusError, match="not UTF-8"):
        shakespeare.read(tmp_path, file=file)
    file.write_bytes(b"too short")
    with pytest.raises(CorpusError, match="has 9 characters, too few to learn from; give a text of at least 1,000"):
        shakespeare.read(tmp_path, file=file)


@pytest.mark.skipif(not REAL.exists(), reason="no copy of Tiny Shakespeare here")
def test_the_real_text(tmp_path: Path) -> None:
    corpus = shakespeare.read(tmp_path, download=Source(REAL.read_bytes()))
    assert (corpus.train[0].n_bytes, corpus.validation[0].n_bytes) == (1_003_854, 111_540)
    assert corpus.n_secrets == 0


def test_validation_repeats_one_phrase() -> None:
    corpus = validation.read()
    assert corpus.recipe == "validation"
    for text in (*corpus.train, *corpus.validation):
        assert text.text.replace("hello world! ", "") == ""
        assert text.n_bytes == len(text.text) > 4 * 512
