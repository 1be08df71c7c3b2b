"""The server's log: to a file or to stderr, never to stdout, which belongs to JSON-RPC.

On stderr it leaves out what is also sent to the editor's log.
"""

import io
import logging
import logging.handlers
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from tinycoder.errors import ConfigError
from tinycoder.storage.atomic import make_folder

SENT_TO_EDITOR = "tinycoder_lsp.editor.status"  # the logger of what is also sent to the editor's log
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _OwnersFile(logging.handlers.RotatingFileHandler):
    """A log that is made for its owner alone: it names the person's files."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return io.TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding, errors=self.errors)


class _Lines(logging.Formatter):
    """Says of a fault what it is and where it was raised, without its text, which may quote somebody's code."""

    def formatException(self, ei: Any) -> str:  # noqa: N802
        kind, _, at = ei
        return "".join(("Traceback (most recent call last):\n", *traceback.format_tb(at), kind.__name__))


def start_log(path: Path | None, level: str) -> None:
    """Send everything that is logged to ``path``, or to stderr. A file is kept below two megabytes.

    Raises ``ConfigError`` if the file cannot be written.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(lambda record: record.name != SENT_TO_EDITOR)  # editors show both, one above the other
    if path is not None:
        try:
            make_folder(path.parent)
            handler = _OwnersFile(path, maxBytes=1_000_000, backupCount=1, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise ConfigError(
                f"cannot write the log file {path}: {error.strerror}; choose another --log-file"
            ) from None
    handler.setFormatter(_Lines(_FORMAT))
    logging.basicConfig(handlers=[handler], force=True)
    logging.captureWarnings(True)
    set_log_level(level)


def set_log_level(level: str) -> None:
    """Log from ``level`` on.

    pygls would write whole messages, with the person's code and all that is secret in it. What goes wrong in it comes
    to ``Session.report_server_error``.
    """
    logging.getLogger().setLevel(level.upper())
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    for name in ("httpx", "httpcore"):  # which would write addresses and headers, with a key among them
        logging.getLogger(name).setLevel(logging.WARNING)
