"""Bytes in and out: stdin and stdout, or one TCP connection. pygls reads the messages from them.

A thread reads whatever has come. pygls' own reader of stdin hands every header line to a thread pool, which takes twice
as long (a popup 0.6 ms instead of 0.3), and notices that the editor has gone only while the event loop is free.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial

from pygls.io_ import run_async

from tinycoder.errors import ConfigError
from tinycoder_lsp.connection.lifetime import leave_soon, when_ended
from tinycoder_lsp.session import Session

logger = logging.getLogger(__name__)

_OF_PORTS = (errno.EADDRINUSE, errno.EACCES)  # what is wrong with a port, not with a host


async def serve_stdio(session: Session) -> None:
    """Talk over stdin and stdout until the client says ``exit`` or hangs up."""
    source, sink = _claim_stdio()
    stream = asyncio.StreamReader()
    pump = partial(_pump, source, asyncio.get_running_loop(), stream, partial(leave_soon, session))
    threading.Thread(target=pump, name="stdin", daemon=True).start()
    await _converse(session, stream, partial(_write, sink), same_machine=True)


async def serve_tcp(session: Session, host: str, port: int) -> None:
    """Wait for one client at ``host:port`` and talk to it. Port 0 picks a free one; the log says which.

    Raises ``ConfigError`` if nobody can listen there.
    """
    connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    connected = asyncio.get_running_loop().create_future()

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close() if connected.done() else connected.set_result((reader, writer))

    try:
        listener = await asyncio.start_server(connect, host, port)
    except (OSError, UnicodeError) as error:  # the latter for what can be no name of a machine
        raise ConfigError(f"cannot listen at {host}:{port}: {_why(error)}") from None
    address = listener.sockets[0].getsockname()
    logger.warning("listening at %s:%s", *address[:2])
    reader, writer = await connected
    listener.close()
    try:
        await _converse(session, reader, writer.write)
    finally:
        writer.close()


def _why(error: OSError | UnicodeError) -> str:
    """Which of host and port is refused, and the reason."""
    if not isinstance(error, OSError) or isinstance(error, socket.gaierror) or error.errno is None:
        return "no machine has this name; choose another --host"
    reason = os.strerror(error.errno)
    return f"{reason}; choose another {'--port' if error.errno in _OF_PORTS else '--host'}"


def _claim_stdio() -> tuple[int, int]:
    """Private handles of stdin and stdout. Whoever prints from now on, also from C, prints to stderr."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, sink


async def _converse(
    session: Session, stream: asyncio.StreamReader, send: Callable[[bytes], object], *, same_machine: bool = False
) -> None:
    """Talk until the client is gone: on the ``same_machine`` also when its process is, whoever holds its pipes."""
    loop = asyncio.get_running_loop()
    listening = asyncio.create_task(
        run_async(session.stopping, _Input(stream), session.protocol, error_handler=session.report_server_error)
    )

    def hang_up() -> None:
        session.stopping.set()
        listening.cancel()

    def editor_ended() -> None:
        leave_soon(session)
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(hang_up)

    if same_machine:
        session.watch_editor = lambda pid: when_ended(pid, editor_ended)
    session.protocol.set_writer(_Output(send, hang_up))
    try:
        await asyncio.wait((listening,))
        if not listening.cancelled():
            listening.result()
    finally:
        session.stopping.set()
        session.protocol.set_writer(_Output(lambda raw: None, hang_up))  # nobody reads the answers still to come
        leave_soon(session)
        session.close()


class _Input:
    """What pygls reads from. A connection that was reset, and a line without end, is the end."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    async def readline(self) -> bytes:
        """The next header line; nothing at the end.

        Before it every handler that was started takes its first step. It must see the text before the next message
        changes it, and reading what is there already does not give way by itself.
        """
        await asyncio.sleep(0)
        try:
            return await self._stream.readline()
        except (OSError, ValueError) as error:
            logger.info("the client is gone: %s", error)
            return b""

    async def readexactly(self, n: int) -> bytes:
        """A body; nothing at the end. Bytes that are no UTF-8, as of a file that was read as such, are replaced."""
        try:
            body = await self._stream.readexactly(n)
        except (OSError, asyncio.IncompleteReadError):
            return b""
        try:
            body.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return body.decode("utf-8", "replace").encode("utf-8")
        return body


class _Output:
    """What pygls writes to. A client that is gone is no fault: it ends the conversation."""

    def __init__(self, send: Callable[[bytes], object], gone: Callable[[], None]) -> None:
        self._send = send
        self._gone = gone

    def write(self, data: bytes) -> None:
        """Send one message."""
        try:
            self._send(data)
        except OSError as error:
            logger.info("the client is gone: %s", error)
            self._send = lambda raw: None
            self._gone()

    def close(self) -> None:
        """Do nothing; the handles live as long as the process."""


def _pump(
    source: int, loop: asyncio.AbstractEventLoop, stream: asyncio.StreamReader, at_end: Callable[[], object]
) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended before the client hung up
        with contextlib.suppress(OSError):  # a connection that was reset has ended
            while chunk := os.read(source, 1 << 16):
                loop.call_soon_threadsafe(stream.feed_data, chunk)
        at_end()
        loop.call_soon_threadsafe(stream.feed_eof)


def _write(sink: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]
