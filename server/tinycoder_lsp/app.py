"""The language server: a handler for each message, and ``serve``. Imports neither numpy nor a model.

A handler takes a snapshot, asks, and converts; state is in ``session``. This is the server's edge: what no
other part foresaw ends in the log here, and as an empty answer in the editor.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from lsprotocol import types as lsp

from tinycoder_lsp.items import completion_list, inline_list, with_selection, without_selection
from tinycoder_lsp.logs import start_log
from tinycoder_lsp.models import Models
from tinycoder_lsp.session import Session
from tinycoder_lsp.settings import SECTION
from tinycoder_lsp.transport import serve_stdio, serve_tcp

logger = logging.getLogger(__name__)

_Params = TypeVar("_Params")
_Result = TypeVar("_Result")
_Handler = Callable[[Session, _Params], Awaitable[_Result]]


def serve(
    home: Path, *, model: str | None, tcp: bool, host: str, port: int, log_file: Path | None, log_level: str
) -> None:
    """Serve one editor and exit: with 0 if it asked for ``shutdown`` before it left, else with 1."""
    start_log(log_file, log_level)
    # While the engine computes, a message waits for Python's lock: 5.6 ms (median) at the default of 5 ms, 1.6 at 1 ms.
    sys.setswitchinterval(0.001)
    session = add_handlers(Session(Models(home), model=model, log_level=log_level))
    if tcp:
        serve_tcp(session, host, port)
    else:
        serve_stdio(session)
    sys.exit(0 if session.protocol.ended_well else 1)


def add_handlers(session: Session) -> Session:
    """The session with all handlers."""
    session.feature(lsp.INITIALIZE)(initialize)
    session.feature(lsp.INITIALIZED)(initialized)
    session.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)(did_change_configuration)
    session.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(did_change_folders)
    session.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)(did_change_files)
    session.feature(lsp.TEXT_DOCUMENT_DID_OPEN)(did_open)
    session.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(did_change)
    session.feature(lsp.TEXT_DOCUMENT_DID_SAVE)(did_save)
    session.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(did_close)
    # Editors ask by themselves when a word begins. Of the other characters only the dot is sure to be
    # followed by one; after "(" the list would take the Enter that was meant for the code.
    popup_options = lsp.CompletionOptions(trigger_characters=["."])
    session.feature(lsp.TEXT_DOCUMENT_COMPLETION, popup_options)(completion)
    # pygls does not advertise this one without options, and some editors read `{}` as "no".
    inline_options = lsp.InlineCompletionOptions(work_done_progress=False)
    session.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, inline_options)(inline_completion)
    return session


def edge(
    otherwise: Callable[[], _Result],
) -> Callable[[_Handler[_Params, _Result]], _Handler[_Params, _Result]]:
    """Let a handler that fails answer ``otherwise()``; an error would pop up at every keystroke."""

    def decorate(handler: _Handler[_Params, _Result]) -> _Handler[_Params, _Result]:
        @functools.wraps(handler)
        async def guarded(ls: Session, params: _Params) -> _Result:
            try:
                return await handler(ls, params)
            except asyncio.CancelledError:
                if not ls.stopping.is_set():
                    raise
                return otherwise()  # the conversation is over, which is no fault
            except Exception:
                logger.exception("%s failed", handler.__name__)
                return otherwise()

        return guarded

    return decorate


def _nothing() -> None:
    return None


def _no_words() -> lsp.CompletionList:
    return lsp.CompletionList(is_incomplete=True, items=[])


def _no_text() -> lsp.InlineCompletionList:
    return lsp.InlineCompletionList(items=[])


def initialize(ls: Session, params: lsp.InitializeParams) -> None:
    """Take the settings along. Nothing slow: the editor waits for the answer."""
    ls.configure(params.initialization_options, first=True)


@edge(_nothing)
async def initialized(ls: Session, params: lsp.InitializedParams) -> None:
    """Now that the editor has its answer, ask for its configuration and load a model."""
    await ls.pull_settings()
    await ls.refresh()
    await ls.watch()


@edge(_nothing)
async def did_change_configuration(ls: Session, params: lsp.DidChangeConfigurationParams) -> None:
    """Editors send the settings along, or only say that there are new ones."""
    if isinstance(params.settings, dict) and SECTION in params.settings:
        ls.configure(params.settings[SECTION])
    else:
        await ls.pull_settings()
    await ls.refresh()


@edge(_nothing)
async def did_change_folders(ls: Session, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Other folders may have a model of their own."""
    await ls.refresh()


def did_change_files(ls: Session, params: lsp.DidChangeWatchedFilesParams) -> None:
    """Files of the workspace are other ones now."""
    ls.indexing.files_changed()


@edge(_nothing)
async def did_open(ls: Session, params: lsp.DidOpenTextDocumentParams) -> None:
    """The document counts as it is in the editor. Also a chance to see whether a model has been trained meanwhile."""
    ls.note(params.text_document.uri)
    await ls.retry()


@edge(_nothing)
async def did_save(ls: Session, params: lsp.DidSaveTextDocumentParams) -> None:
    """As when a document is opened; and the file is another one."""
    ls.indexing.files_changed()
    await ls.retry()


def did_change(ls: Session, params: lsp.DidChangeTextDocumentParams) -> None:
    """The document says something else."""
    ls.note(params.text_document.uri)


def did_close(ls: Session, params: lsp.DidCloseTextDocumentParams) -> None:
    """What counts from now on is the file on the disk."""
    ls.note(params.text_document.uri)


@edge(_no_words)
async def completion(ls: Session, params: lsp.CompletionParams) -> lsp.CompletionList:
    """Words for the popup."""
    spot = ls.spot(params) if ls.settings.popup.enable else None
    if spot is None:
        return _no_words()
    return completion_list(await ls.answers.popup(spot, ls.settings.popup), spot.lines)


@edge(_no_text)
async def inline_completion(ls: Session, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
    """Ghost text, after the popup's selected word if there is one. Asked for by hand it may be several."""
    spot = ls.spot(params) if ls.settings.inline.enable else None
    if spot is None:
        return _no_text()
    by_hand = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
    ask = ls.answers.alternatives if by_hand else ls.answers.inline
    settings = ls.settings.inline
    selected = params.context.selected_completion_info
    if selected is None:
        return inline_list(await ask(spot, settings), spot.lines)
    accepted = with_selection(spot, selected)
    found = await ask(accepted, settings)
    return inline_list([without_selection(each, spot, accepted, selected) for each in found], spot.lines)
