"""The ``shakespeare`` recipe: Tiny Shakespeare, downloaded once and cached, or a text file of one's own.

This is the only module that may reach the network, and only when it is asked to.
"""

import hashlib
import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tinycoder.errors import CorpusError
from tinycoder.storage.atomic import make_folder, replaced_file
from tinycoder.workspace.secrets.redaction import redact
from tinycoder.workspace.text import Text
from tinycoder_training.corpora.corpus import Corpus

URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
NAME = "tinyshakespeare.txt"
TIMEOUT = 30.0  # seconds without an answer
MAX_DOWNLOAD = 16_000_000  # bytes; the text has 1.1 million
MIN_LENGTH = 1_000  # characters, of which the last tenth is validation


def download(url: str) -> bytes:
    """The bytes behind ``url``. Raises ``OSError`` or ``http.client.HTTPException`` if there are none."""
    with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
        raw: bytes = response.read(MAX_DOWNLOAD)
    return raw


def read(
    cache_folder: Path,
    *,
    file: Path | None = None,
    download: Callable[[str], bytes] = download,
    sha256: str = SHA256,
) -> Corpus:
    """The text, of which the last tenth of the characters is validation.

    Without ``file``, the copy in ``cache_folder`` is used when its checksum is ``sha256``; else ``download``
    is asked for it, once. With ``file`` nothing is downloaded, and any UTF-8 text of 1,000 characters or more
    will do: it need not be Shakespeare, so its checksum is not looked at.

    Raises ``CorpusError`` when the file cannot be read, is not UTF-8 or too short, when the text cannot be
    downloaded or is not the one expected, and when the cache cannot be written.
    """
    if file is not None:
        raw, path = _own(file), file.name
    else:
        raw, path = _cached(cache_folder / NAME, download, sha256), NAME
    try:
        text, secrets = redact(raw.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file or cache_folder / NAME} is not UTF-8 (byte {error.start}); convert it") from None
    if len(text) < MIN_LENGTH:
        raise CorpusError(
            f"{file or cache_folder / NAME} has {len(text)} characters, too few to learn from; "
            f"give a text of at least {MIN_LENGTH:,}"
        )
    cut = len(text) * 9 // 10
    return Corpus(
        recipe="shakespeare",
        train=(Text(path=path, text=text[:cut], n_bytes=len(text[:cut].encode())),),
        validation=(Text(path=path, text=text[cut:], n_bytes=len(text[cut:].encode())),),
        secrets=secrets,
    )


def _own(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CorpusError(f"--file {file} cannot be read ({error.strerror}); give a text file") from None


def _cached(cache: Path, download: Callable[[str], bytes], sha256: str) -> bytes:
    try:
        raw = cache.read_bytes()
    except OSError:
        raw = b""
    if hashlib.sha256(raw).hexdigest() == sha256:
        return raw
    try:
        raw = download(URL)
    except (OSError, http.client.HTTPException) as error:
        raise CorpusError(
            f"cannot download Tiny Shakespeare from {URL} ({error or type(error).__name__}); "
            "check the network, or give a copy with --file"
        ) from error
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise CorpusError(
            f"{URL} gave something else than Tiny Shakespeare (its checksum is not {sha256[:12]}…); "
            "give a copy with --file"
        )
    try:
        make_folder(cache.parent)
        with replaced_file(cache) as stream:
            stream.write(raw)
    except OSError as error:
        raise CorpusError(
            f"cannot write {cache} ({error.strerror}); make the folder writable, or give a copy with --file"
        ) from None
    return raw
