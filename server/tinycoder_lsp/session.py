"""What one connection to an editor holds: settings, workspace folders, worker, models. The handlers are in ``app``."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from tinycoder import __version__
from tinycoder.complete.candidate import Candidate, Document
from tinycoder_lsp.documents import Spot, file_path, is_python, relative_path
from tinycoder_lsp.models import FAILED, LOADING, SWITCHED_OFF, Models, Status
from tinycoder_lsp.protocol import CodeWorkspace, Protocol
from tinycoder_lsp.settings import SECTION, Settings, parse
from tinycoder_lsp.worker import Kind, Stop, Worker

logger = logging.getLogger(__name__)

_PATIENCE = 3.0  # seconds for an editor to say what is configured; some never do


class Session(LanguageServer):
    """pygls' server and the state behind its handlers. ``model`` is the one that the command line asks for."""

    protocol: Protocol

    def __init__(self, models: Models, *, model: str | None = None, log_level: str = "info") -> None:
        super().__init__("tinycoder", __version__, protocol_cls=Protocol)
        self.models = models
        self.worker = Worker()
        self.settings = Settings()
        self._first_settings = Settings()  # from initializationOptions; what is configured later lies over them
        self._model = model
        self._log_level = log_level
        self._status: Status | None = None
        self._loaded: tuple[bool, str | None, tuple[Path, ...]] | None = None
        self._said: set[str] = set()
        self._ended = asyncio.Event()

    # --- ending

    def shutdown(self) -> None:
        """Ask the reading loop to end. Called for ``exit``."""
        self._ended.set()

    async def ended(self) -> None:
        """Wait for ``shutdown``."""
        await self._ended.wait()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Faults belong in the log; pygls would pop up a message for each."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)
