"""What marks a function as the handler of a message or of a command, for ``register`` to give to a server.

This is the server's edge: what no other part foresaw ends here, in the log and as an empty answer in the editor.
"""

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from tinycoder_lsp.editor.status import cause
from tinycoder_lsp.session import Session

logger = logging.getLogger(__name__)

_Function = TypeVar("_Function", bound=Callable[..., Any])

_FEATURES: list[tuple[str, object, Callable[..., Any]]] = []
_COMMANDS: list[tuple[str, Callable[..., Any]]] = []


def feature(
    *methods: str, options: object = None, otherwise: object = None, guard: bool = True
) -> Callable[[_Function], _Function]:
    """Handle these messages; ``options`` are what the server advertises of them.

    A coroutine that fails answers ``otherwise``, as an error would pop up at every keystroke; without ``guard`` the
    error is the answer.
    """

    def decorate(handler: _Function) -> _Function:
        guarded = _guarded(handler, otherwise) if guard and inspect.iscoroutinefunction(handler) else handler
        _FEATURES.extend((method, options, guarded) for method in methods)
        return handler

    return decorate


def command(name: str) -> Callable[[_Function], _Function]:
    """Handle this command of ``workspace/executeCommand``."""

    def decorate(handler: _Function) -> _Function:
        _COMMANDS.append((name, handler))
        return handler

    return decorate


def register(session: Session) -> Session:
    """The session with all handlers of the modules that are imported."""
    for method, options, handler in _FEATURES:
        session.feature(method, options)(handler)
    for name, handler in _COMMANDS:
        session.command(name)(handler)
    return session


def _guarded(handler: Callable[..., Any], otherwise: object) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def guarded(ls: Session, params: object) -> object:
        try:
            return await handler(ls, params)
        except asyncio.CancelledError:
            if not ls.stopping.is_set():
                raise
            return otherwise  # the conversation is over, which is no fault
        except Exception as error:
            if ls.reporter.is_new(f"{handler.__name__}: {cause(error)}"):  # else one for every key
                logger.exception("%s failed", handler.__name__)
            return otherwise

    return guarded
