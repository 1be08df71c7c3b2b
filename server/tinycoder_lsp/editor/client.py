"""Ask the client for our section of its configuration, and to say when that or a file changes.

A client that cannot be asked, refuses, or never answers is a line in the log at most.
"""

import asyncio
import logging

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from tinycoder_lsp.settings import SECTION

logger = logging.getLogger(__name__)

WATCHED = "**/{*.py,*.pyi,pyproject.toml}"  # files whose changes the editor tells

_PATIENCE = 2.0  # seconds for an editor to answer what is configured; some never do


async def configured(server: LanguageServer) -> list[object]:
    """What the client has configured in our section, as the only item; none if it does not say."""
    able = server.client_capabilities.workspace
    if able is None or not able.configuration:
        return []
    item = lsp.ConfigurationItem(section=SECTION)
    answer = asyncio.wrap_future(server.workspace_configuration(lsp.ConfigurationParams(items=[item])))
    await asyncio.wait((answer,), timeout=_PATIENCE)
    try:
        return [answer.result()[0]]
    except (asyncio.InvalidStateError, IndexError, JsonRpcException) as error:
        logger.info("the editor did not say what is configured: %r", error)
        return []


async def watch(server: LanguageServer) -> bool:
    """Ask the client to say when our section of its settings changes, or a Python file or a pyproject.toml on the disk.

    Without that VS Code keeps the settings to itself. Returns whether it will say when a file changes.
    """
    able = server.client_capabilities.workspace
    configuration = able.did_change_configuration if able else None
    files = able.did_change_watched_files if able else None
    wanted: dict[str, object] = {}
    if configuration is not None and configuration.dynamic_registration:
        wanted[lsp.WORKSPACE_DID_CHANGE_CONFIGURATION] = {"section": SECTION}
    if files is not None and files.dynamic_registration:
        wanted[lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES] = {"watchers": [{"globPattern": WATCHED}]}
    registrations = [lsp.Registration(id=key, method=key, register_options=options) for key, options in wanted.items()]
    if not registrations:
        return False
    try:
        await server.client_register_capability_async(lsp.RegistrationParams(registrations=registrations))
    except JsonRpcException as error:
        logger.info("the editor will not say when settings or files change: %s", error)
        return False
    return lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES in wanted
