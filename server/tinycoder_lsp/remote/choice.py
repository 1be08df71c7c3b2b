"""The server that writes ghost text, as a person's own settings name it; changes with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from tinycoder.errors import ConfigError
from tinycoder_lsp.editor.status import StatusReporter
from tinycoder_lsp.jobs.background import Background
from tinycoder_lsp.personal import read_personal
from tinycoder_lsp.remote.address import address_of
from tinycoder_lsp.settings import SECTION, RemoteSettings

if TYPE_CHECKING:
    from tinycoder_lsp.remote.client import Remote

NEEDS_HTTPX = (
    f"the setting {SECTION}.remote.url needs the package httpx; install it where TinyCoder is: "
    "pipx inject tinycoder httpx"
)


class RemoteChoice:
    """Holds the ``server`` in use, if there is one. All methods are called from the event loop's thread.

    ``vouched``: what the editor sends of ``remote`` is the person's own; else ``file`` alone counts.
    """

    vouched = False

    def __init__(
        self,
        file: Path,
        environ: Mapping[str, str],
        reporter: StatusReporter,
        background: Background,
        *,
        pause_s: float,
    ) -> None:
        self.server: Remote | None = None
        self._file = file
        self._environ = environ
        self._reporter = reporter
        self._background = background
        self._pause_s = pause_s
        self._settings = RemoteSettings()

    def settle(self, sent: RemoteSettings) -> None:
        """Follow what the person has set; ``sent`` is what the editor said last."""
        settings, problems = (sent, []) if self.vouched else read_personal(self._file)
        if not self.vouched and sent != RemoteSettings():
            problems.append(
                f"the settings {SECTION}.remote are not taken from the editor, which may have them from the "
                f"workspace; write them to the table remote of {self._file}"
            )
        self._reporter.warn_of(problems)
        if settings == self._settings:
            return
        self._settings = settings
        self.close()
        self.server = self._opened(settings)
        self._reporter.show_remote(self.server.address if self.server else None)

    def close(self) -> None:
        """Ask no more."""
        server, self.server = self.server, None
        if server is not None:
            self._background.start("closing the connection to the server", server.close())

    def _opened(self, settings: RemoteSettings) -> Remote | None:
        try:
            address = address_of(settings, self._environ)
            if address is None:
                return None
            from tinycoder_lsp.remote.client import Remote

            return Remote(address, self._warn, pause=self._pause_s)
        except ConfigError as error:
            self._refuse(str(error))
        except ImportError:
            self._refuse(NEEDS_HTTPX)
        return None

    def _refuse(self, problem: str) -> None:
        self._warn(f"TinyCoder: {problem}. Ghost text comes from this machine.")

    def _warn(self, message: str) -> None:
        """Once for each message: a line in the log, and a message that pops up."""
        if self._reporter.is_new(message):
            self._reporter.log(lsp.MessageType.Warning, message)
            self._reporter.say(lsp.MessageType.Warning, message)
