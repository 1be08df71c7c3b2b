"""Arrays in a file, as safetensors: written in parts, checked as a whole, and mapped.

A map takes memory only for what is looked at. Whoever writes replaces the file and never changes it in place, so who
has mapped it keeps the old one. Windows replaces no file that is mapped, so there it is read.
"""

import hashlib
import json
import mmap
import os
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from tinycoder.transformer.layers import Array
from tinycoder.validate import from_json

CHUNK = 1 << 20  # bytes that are checked at a time
MAPS = os.name != "nt"  # whether files are mapped
Layout = Mapping[str, tuple[str, int]]  # type and length of each array, in the order of the file
_TYPES = {name: np.dtype(kind) for name, kind in {"U8": "<u1", "I16": "<i2", "I32": "<i4", "U64": "<u8"}.items()}
_BLANK = "0" * 32  # as long as a checksum


class ArrayWriter:
    """Writes arrays of a ``layout``, and a text of ``facts``, to an empty file."""

    def __init__(self, stream: IO[bytes], facts: str, layout: Layout) -> None:
        self._stream, self._facts, self._layout = stream, facts, layout
        start = len(_header(facts, layout, _BLANK))
        self._places = {name: start + _offset(layout, name) for name in layout}
        self._hashes = {name: _hash() for name in layout}

    def put(self, name: str, values: Array) -> None:
        """Write the next values of an array. Raises ``OSError``."""
        raw = np.ascontiguousarray(values, _TYPES[self._layout[name][0]]).tobytes()
        self._hashes[name].update(raw)
        self._stream.seek(self._places[name])
        self._stream.write(raw)
        self._places[name] += len(raw)

    def finish(self) -> None:
        """Write what makes a whole file of it. Raises ``OSError``."""
        self._stream.seek(0)
        self._stream.write(_header(self._facts, self._layout, _checksum(self._facts, self._hashes)))


class ArrayFile:
    """An open file that ``ArrayWriter`` wrote. Raises ``ValueError`` where it is another, or of another size."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        size = os.fstat(stream.fileno()).st_size
        n_header = int.from_bytes(stream.read(8), "little")
        if n_header > size - 8:
            raise ValueError("the header is longer than the file")
        table = from_json(stream.read(n_header))
        try:
            metadata = table.pop("__metadata__")
            self.facts, self._checksum = str(metadata["facts"]), metadata["checksum"]
            self.layout: Layout = {name: (row["dtype"], int(row["shape"][0])) for name, row in table.items()}
            is_ours = table == _table(self.layout) and all(length >= 0 for _, length in self.layout.values())
        except (AttributeError, KeyError, LookupError, TypeError, OverflowError) as error:
            raise ValueError(f"no header of ours ({error})") from None
        self._start = 8 + n_header
        if not is_ours or size != self._start + _offset(self.layout, None):
            raise ValueError("the arrays do not fit the file")

    def ranges(self) -> dict[str, tuple[int, int]]:
        """The least and the largest value of each array; 0, 0 of an empty one.

        Raises ``ValueError`` if anything in the file is damaged.
        """
        hashes, found = {name: _hash() for name in self.layout}, {}
        self._stream.seek(self._start)
        for name, (kind, length) in self.layout.items():
            left, least, most = length * _TYPES[kind].itemsize, [0][:0], [0][:0]
            while left:
                raw = self._stream.read(min(left, CHUNK))
                if not raw:
                    raise ValueError("the file has become shorter")
                left -= len(raw)
                hashes[name].update(raw)
                values = np.frombuffer(raw, _TYPES[kind])
                least.append(int(values.min()))
                most.append(int(values.max()))
            found[name] = min(least, default=0), max(most, default=0)
        if _checksum(self.facts, hashes) != self._checksum:
            raise ValueError("the checksum is another")
        return found

    def arrays(self, *names: str) -> dict[str, Array]:
        """These arrays as they are in the file. What is written to them stays in memory. Raises ``OSError``."""
        if not MAPS:
            return {name: self._read(name) for name in names}
        mapped = mmap.mmap(self._stream.fileno(), 0, access=mmap.ACCESS_COPY)
        return {
            name: np.frombuffer(mapped, _TYPES[kind], length, self._start + _offset(self.layout, name))
            for name, (kind, length) in self.layout.items()
            if name in names
        }

    def _read(self, name: str) -> Array:
        kind, length = self.layout[name]
        self._stream.seek(self._start + _offset(self.layout, name))
        return np.frombuffer(bytearray(self._stream.read(length * _TYPES[kind].itemsize)), _TYPES[kind])


def _offset(layout: Layout, wanted: str | None) -> int:
    """Where an array begins, from the end of the header; without a name, where all of them end."""
    at = 0
    for name, (kind, length) in layout.items():
        if name == wanted:
            break
        at += length * _TYPES[kind].itemsize
    return at


def _table(layout: Layout) -> dict[str, Any]:
    """What safetensors says of the arrays."""
    rows = {}
    for name, (kind, length) in layout.items():
        start = _offset(layout, name)
        rows[name] = {
            "dtype": kind,
            "shape": [length],
            "data_offsets": [start, start + length * _TYPES[kind].itemsize],
        }
    return rows


def _header(facts: str, layout: Layout, checksum: str) -> bytes:
    """The beginning of the file; the arrays after it lie at a multiple of 8 bytes."""
    raw = json.dumps({"__metadata__": {"facts": facts, "checksum": checksum}, **_table(layout)}).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw


def _hash() -> Any:
    return hashlib.blake2b(digest_size=16)


def _checksum(facts: str, hashes: Mapping[str, Any]) -> str:
    """Of the facts, and of the arrays in the order of the file."""
    whole = hashlib.blake2b(facts.encode(), digest_size=16)
    for each in hashes.values():
        whole.update(each.digest())
    text: str = whole.hexdigest()
    return text
