"""Which server writes ghost text, and whether code may be sent to it. Imports nothing heavy."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from tinycoder.errors import ConfigError
from tinycoder_lsp.settings import SECTION, RemoteSettings

_URL = f"the setting {SECTION}.remote.url"


@dataclass(frozen=True, kw_only=True)
class Address:
    """A server: the ``base`` of its addresses, what it understands, and its ``key``, which nothing may show."""

    base: str
    host: str
    kind: Literal["openai", "llama.cpp"]
    model: str | None
    key: str | None = field(default=None, repr=False)

    @property
    def is_here(self) -> bool:
        """Whether it is this machine."""
        return _is_loopback(self.host)

    @property
    def where(self) -> str:
        """The server in a sentence: its host and port."""
        return urlsplit(self.base).netloc


def address_of(settings: RemoteSettings, environ: Mapping[str, str]) -> Address | None:
    """The server that a person named, if any. Raises ``ConfigError`` where code may not be sent to it."""
    if settings.url is None:
        return None
    base, host = _parsed(settings.url)
    if not _is_loopback(host) and settings.allow_host != host:
        raise ConfigError(
            f"{_URL} names another machine, and no code is sent there; "
            f'if that is meant, set {SECTION}.remote.allowHost to "{host}"'
        )
    key = None
    if settings.key_env is not None:
        key = environ.get(settings.key_env, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            raise ConfigError(
                f"the environment variable that {SECTION}.remote.keyEnv names is not set to a key; "
                "set it where the editor is started"
            )
    return Address(base=base, host=host, kind=settings.kind, model=settings.model, key=key)


def _parsed(url: str) -> tuple[str, str]:
    """The address without what every server has in common, and its host. Raises ``ConfigError``."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not url.isprintable() or not url.isascii():
        raise ConfigError(f"{_URL} is no address of a server; write one such as http://127.0.0.1:8080")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            f"{_URL} holds more than a server's address; leave names, keys and questions out of it and "
            f"put a key into an environment variable that {SECTION}.remote.keyEnv names"
        )
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}", host


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
