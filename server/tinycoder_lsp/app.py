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
from typing import Any, TypeVar

from lsprotocol import types as lsp

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp.commands import COMMANDS
from tinycoder_lsp.connection.lifetime import leave
from tinycoder_lsp.connection.transport import serve_stdio, serve_tcp
from tinycoder_lsp.documents.positions import TextCursor
from tinycoder_lsp.editor.client import watch
from tinycoder_lsp.editor.items import (
    abilities_of,
    completion_list,
    from_selection,
    inline_list,
    name_of,
    with_selection,
    without_selection,
)
from tinycoder_lsp.editor.status import cause
from tinycoder_lsp.engine import garbage
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.logs import start_log
from tinycoder_lsp.session import Session
from tinycoder_lsp.settings import SECTION

logger = logging.getLogger(__name__)

_GOES_ON = lsp.CompletionTriggerKind.TriggerForIncompleteCompletions

_Params = TypeVar("_Params")
_Result = TypeVar("_Result")
_Handler = Callable[[Session, _Params], Awaitable[_Result]]


def serve(
    home: Path, *, model: str | None, tcp: bool, host: str, port: int, log_file: Path | None, log_level: str
) -> None:
    """Serve one editor and end the process: with 0 if it asked for ``shutdown`` before it left, else with 1."""
    start_log(log_file, log_level)
    # While the engine computes, a message waits for Python's lock: 5.6 ms (median) at the default of 5 ms, 1.6 at 1 ms.
    sys.setswitchinterval(0.001)
    garbage.wait_for_rest()
    session = add_handlers(Session(Models(home), model=model, log_level=log_level))
    if tcp:
        serve_tcp(session, host, port)
    else:
        serve_stdio(session)
    leave(session.exit_code)


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
    session.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)(did_open_notebook)
    session.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)(did_change_notebook)
    session.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)(did_close_notebook)
    # Editors ask by themselves when a word begins. Of the other characters only the dot is sure to be
    # followed by one; after "(" the list would take the Enter that was meant for the code.
    popup_options = lsp.CompletionOptions(trigger_characters=["."], resolve_provider=True)
    session.feature(lsp.TEXT_DOCUMENT_COMPLETION, popup_options)(completion)
    session.feature(lsp.COMPLETION_ITEM_RESOLVE)(resolve)
    # pygls does not advertise this one without options, and some editors read `{}` as "no".
    inline_options = lsp.InlineCompletionOptions(work_done_progress=False)
    session.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, inline_options)(inline_completion)
    session.feature("textDocument/didFocus")(did_focus)
    session.feature("textDocument/didShowCompletion")(did_show)
    session.feature("textDocument/didPartiallyAcceptCompletion")(did_accept_part)
    for name, command in COMMANDS.items():
        session.command(name)(command)
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
            except Exception as error:
                if ls.reporter.is_new(f"{handler.__name__}: {cause(error)}"):  # else one for every key
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
    ls.editor_is(params.process_id)
    ls.reporter.pops_up = not says_status(params.capabilities.experimental)


def says_status(experimental: object) -> bool:
    """Whether the client has declared that it tells the person itself what ``didChangeStatus`` says."""
    ours = experimental.get(SECTION) if isinstance(experimental, dict) else getattr(experimental, SECTION, None)
    return bool(ours.get("status") if isinstance(ours, dict) else getattr(ours, "status", False))


@edge(_nothing)
async def initialized(ls: Session, params: lsp.InitializedParams) -> None:
    """Now that the editor has its answer, ask for its configuration and load a model."""
    await ls.pull_settings()
    await ls.refresh()
    await watch(ls)


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
    ls.files_changed(change.uri for change in params.changes)


@edge(_nothing)
async def did_focus(ls: Session, params: Any) -> None:
    """Another document is in front: a chance to see whether a model has been trained meanwhile."""
    await ls.retry()


def did_show(ls: Session, params: Any) -> None:
    """The editor shows a candidate."""
    name = name_of(getattr(params, "item", None))
    if name is not None:
        ls.usage.shown(name)


def did_accept_part(ls: Session, params: Any) -> None:
    """The person took a part of a candidate."""
    name, length = name_of(getattr(params, "item", None)), getattr(params, "acceptedLength", None)
    if name is not None and isinstance(length, int):
        ls.usage.partly_accepted(name, length)


@edge(_nothing)
async def did_open(ls: Session, params: lsp.DidOpenTextDocumentParams) -> None:
    """The document counts as it is in the editor. Also a chance to see whether a model has been trained meanwhile."""
    ls.note(params.text_document.uri)
    await ls.retry()


@edge(_nothing)
async def did_save(ls: Session, params: lsp.DidSaveTextDocumentParams) -> None:
    """As when a document is opened; and the file is another one."""
    ls.files_changed([params.text_document.uri])
    await ls.retry()


def did_change(ls: Session, params: lsp.DidChangeTextDocumentParams) -> None:
    """The document says something else."""
    ls.note(params.text_document.uri)


def did_close(ls: Session, params: lsp.DidCloseTextDocumentParams) -> None:
    """What counts from now on is the file on the disk."""
    ls.note(params.text_document.uri)


def did_open_notebook(ls: Session, params: lsp.DidOpenNotebookDocumentParams) -> None:
    """Every cell is a document."""
    ls.note_notebook(params.notebook_document.uri, [cell.uri for cell in params.cell_text_documents])


def did_change_notebook(ls: Session, params: lsp.DidChangeNotebookDocumentParams) -> None:
    """Cells came, went, or say something else."""
    cells = params.change.cells
    if cells is not None and (cells.structure or cells.text_content):
        changed = [content.document.uri for content in cells.text_content or []]
        if cells.structure is not None:
            changed += [cell.uri for cell in cells.structure.did_open or []]
            changed += [cell.uri for cell in cells.structure.did_close or []]
        ls.note_notebook(params.notebook_document.uri, changed)


def did_close_notebook(ls: Session, params: lsp.DidCloseNotebookDocumentParams) -> None:
    """No cell is open any more."""
    ls.note_notebook(params.notebook_document.uri, [cell.uri for cell in params.cell_text_documents])


@edge(_no_words)
async def completion(ls: Session, params: lsp.CompletionParams) -> lsp.CompletionList:
    """Words for the popup."""
    cursor = ls.cursor(params) if ls.settings.popup.enable else None
    if cursor is None:
        return _no_words()
    begun = ls.usage.begin()
    on_screen = params.context is not None and params.context.trigger_kind == _GOES_ON
    words = await ls.answers.popup(cursor, ls.settings.popup, on_screen=on_screen)
    return completion_list(ls.usage.popup(cursor, words, begun), cursor.lines, abilities_of(ls.client_capabilities))


async def resolve(ls: Session, item: lsp.CompletionItem) -> lsp.CompletionItem:
    """The details of a word, when the person looks at it."""
    item.documentation = await ls.details(item)
    return item


@edge(_no_text)
async def inline_completion(ls: Session, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
    """Ghost text, after the popup's selected word if there is one. Asked for by hand it may be several."""
    settings = ls.settings.inline
    by_hand = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
    cursor = ls.cursor(params) if settings.enable and (by_hand or settings.trigger == "automatic") else None
    if cursor is None:
        return _no_text()
    begun = ls.usage.begin()
    selected = params.context.selected_completion_info
    found = (
        await _ghosts(ls, cursor, by_hand) if selected is None else await _beside_popup(ls, cursor, selected, by_hand)
    )
    return inline_list(ls.usage.inline(cursor, found, begun), cursor.lines)


async def _ghosts(ls: Session, cursor: TextCursor, by_hand: bool) -> list[Candidate]:
    ask = ls.answers.alternatives if by_hand else ls.answers.inline
    return await ask(cursor, ls.settings.inline)


async def _beside_popup(
    ls: Session, cursor: TextCursor, selected: lsp.SelectedCompletionInfo, by_hand: bool
) -> list[Candidate]:
    """Ghost text that goes on from the popup's selected word: the one that is shown already, if it does.

    Asked for by hand it is thought about anew: what is shown is there already.
    """
    shown = [] if by_hand else await ls.answers.cached(cursor, ls.settings.inline) or []
    found = [agreeing for each in shown if (agreeing := from_selection(each, cursor, selected)) is not None]
    if found:
        return found
    accepted = with_selection(cursor, selected)
    return [without_selection(each, cursor, accepted, selected) for each in await _ghosts(ls, accepted, by_hand)]
