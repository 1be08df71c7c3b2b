"""Messages as LSP frames them: header lines, a blank line, and a body of so many bytes. Knows no JSON."""

from __future__ import annotations

import asyncio

MAX_BYTES = 1 << 28  # of a body; a document of this size is not edited anywhere
_MAX_DIGITS = 20


class FrameError(Exception):
    """What was sent is no frame, and where the next one begins cannot be known."""


async def read_frame(stream: asyncio.StreamReader) -> bytes | None:
    """The next body; ``None`` once the other side has hung up, be it in the middle of one. Raises ``FrameError``."""
    length = await _read_headers(stream)
    if length is None:
        return None
    try:
        return await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


async def _read_headers(stream: asyncio.StreamReader) -> int | None:
    """How many bytes the body has; ``None`` at the end."""
    length: int | None = None
    n_lines = 0
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            raise FrameError("a header line does not end") from None
        if not line.endswith(b"\n"):
            return None
        name, colon, value = line.strip().partition(b":")
        if not name and not colon:
            if length is not None:
                return length
            if n_lines:
                raise FrameError("the headers have no Content-Length")
            continue  # a line too many behind the last body does no harm
        n_lines += 1
        if not colon:
            raise FrameError("a header line has no colon")
        if name.strip().lower() == b"content-length":
            length = _length(value.strip())


def _length(value: bytes) -> int:
    if not value.isdigit() or len(value) > _MAX_DIGITS:
        raise FrameError("Content-Length is no number")
    if int(value) > MAX_BYTES:
        raise FrameError(f"Content-Length is more than {MAX_BYTES:,}")
    return int(value)
