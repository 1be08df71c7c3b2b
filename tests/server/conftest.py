"""Servers with a stub in place of the engine, and the clients that talk to them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.raw_client import RawClient

STUB_SERVER = Path(__file__).with_name("stub_server.py")


@pytest.fixture(scope="session")
def stub_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with models of which the stub only looks at the names."""
    home = tmp_path_factory.mktemp("home")
    for name in ("stub", "other", "broken", "bug", "stuck"):
        (home / "models" / name).mkdir(parents=True)
    return home


@pytest.fixture(scope="module")
def start(stub_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RawClient]]:
    """Start a server, by default the one with the stub; all are ended with the module."""
    clients: list[RawClient] = []

    def start(*, model: str = "stub", command: list[str] | None = None, **options: Any) -> RawClient:
        log = tmp_path_factory.mktemp("log") / "stderr.txt"
        stub = [sys.executable, str(STUB_SERVER), str(options.pop("home", stub_home)), *filter(None, [model])]
        clients.append(RawClient(command or stub, log, **options))
        return clients[-1]

    yield start
    for client in clients:
        client.end()


@pytest.fixture(scope="module")
def client(start: Callable[..., RawClient]) -> RawClient:
    """A server with the stub, initialized, shared by the tests of a module. No deadline helps anybody out."""
    client = start()
    client.initialize()
    return client
