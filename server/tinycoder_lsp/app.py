"""The language server: a handler for each message, and ``serve``. Imports neither numpy nor a model.

A handler takes a snapshot, asks, and converts; state is in ``session``.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp import commands as commands  # registers its handlers
from tinycoder_lsp.configuration import ours
from tinycoder_lsp.connection.handlers import feature, register
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
from tinycoder_lsp.engine import garbage
from tinycoder_lsp.engine.models import Models
from tinycoder_lsp.logs import start_log
from tinycoder_lsp.session import Session
from tinycoder_lsp.settings import SECTION

_NO_LIST = lsp.CompletionList(is_incomplete=True, items=[])
_NO_TEXT = lsp.InlineCompletionList(items=[])
_INCOMPLETE = lsp.CompletionTriggerKind.TriggerForIncompleteCompletions


def serve(
    home: Path, *, model: str | None, tcp: bool, host: str, port: int, log_file: Path | None, log_level: str
) -> None:
    """Serve one editor and end the process: with 0 if it asked for ``shutdown`` before it left, else with 1."""
    start_log(log_file, log_level)
    # While the engine computes, a message waits for Python's lock: 5.6 ms (median) at the default of 5 ms, 1.6 at 1 ms.
    sys.setswitchinterval(0.001)
    garbage.keep()
    session = register(Session(Models(home), model=model, log_level=log_level))
    asyncio.run(serve_tcp(session, host, port) if tcp else serve_stdio(session))
    leave(session.exit_code)


@feature(lsp.INITIALIZE)
def initialize(ls: Session, params: lsp.InitializeParams) -> None:
    """Take the settings along. Nothing slow: the editor waits for the answer."""
    ls.remote.vouched = _declares(params.capabilities.experimental, "personalRemote")
    ls.configure(params.initialization_options, first=True)
    if params.process_id is not None:
        ls.watch_editor(params.process_id)
    ls.reporter.pops_up = not shows_status(params.capabilities.experimental)


def shows_status(experimental: object) -> bool:
    """Whether the client has declared that it shows what ``didChangeStatus`` says."""
    return _declares(experimental, "status")


def _declares(experimental: object, name: str) -> bool:
    ours = experimental.get(SECTION) if isinstance(experimental, dict) else getattr(experimental, SECTION, None)
    return bool(ours.get(name) if isinstance(ours, dict) else getattr(ours, name, False))


@feature(lsp.INITIALIZED)
async def initialized(ls: Session, params: lsp.InitializedParams) -> None:
    """Now that the editor has its answer, ask for its configuration and load a model."""
    await ls.pull_settings()
    await ls.refresh()
    ls.looking.is_needed = not await watch(ls)


@feature(lsp.SHUTDOWN)
def shutdown(ls: Session, params: None) -> None:
    """Remember that the editor leaves in order."""
    ls.exit_code = 0


@feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
async def did_change_configuration(ls: Session, params: lsp.DidChangeConfigurationParams) -> None:
    """Editors send the settings along, or only say that there are new ones."""
    settings, problems = ours(params.settings)
    ls.reporter.warn_of(problems)
    if settings:
        ls.configure(settings)
    else:
        await ls.pull_settings()
    await ls.refresh()


@feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
async def did_change_folders(ls: Session, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Other folders may have a model of their own."""
    await ls.refresh()


@feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
async def did_change_files(ls: Session, params: lsp.DidChangeWatchedFilesParams) -> None:
    """Read the files again that have changed on the disk."""
    uris = [change.uri for change in params.changes]
    ls.reading.files_changed(uris)
    if any(uri.endswith("/pyproject.toml") for uri in uris):
        await ls.refresh()


@feature("textDocument/didFocus")
async def did_focus(ls: Session, params: Any) -> None:
    """Another document is in front: a chance to see what has changed on the disk, be it files or the model."""
    await ls.look()


@feature("textDocument/didMoveCursor")
def did_move_cursor(ls: Session, params: Any) -> None:
    """The cursor is elsewhere, by no edit: read the prompt there, before anything is asked."""
    document, position = getattr(params, "textDocument", None), getattr(params, "position", None)
    uri = getattr(document, "uri", None)
    line, character = getattr(position, "line", None), getattr(position, "character", None)
    if isinstance(uri, str) and isinstance(line, int) and isinstance(character, int) and min(line, character) >= 0:
        _prepare(ls, ls.documents.cursor_at(uri, lsp.Position(line, character)))


@feature("textDocument/didShowCompletion")
def did_show(ls: Session, params: Any) -> None:
    """The editor shows a candidate."""
    name = name_of(getattr(params, "item", None))
    if name is not None:
        ls.usage.suggestions.shown(name)


@feature("textDocument/didPartiallyAcceptCompletion")
def did_accept_part(ls: Session, params: Any) -> None:
    """The person took a part of a candidate."""
    name, length = name_of(getattr(params, "item", None)), getattr(params, "acceptedLength", None)
    if name is not None and isinstance(length, int):
        ls.usage.suggestions.partly_accepted(name, length)


@feature(lsp.TEXT_DOCUMENT_DID_OPEN)
async def did_open(ls: Session, params: lsp.DidOpenTextDocumentParams) -> None:
    """From now on the document counts as it is in the editor. Also a chance to see what has changed on the disk."""
    ls.documents.follow(params.text_document.uri)
    ls.explain(params.text_document.uri)
    await ls.look()


def _prepare(ls: Session, cursor: TextCursor | None) -> None:
    if cursor is not None and (ls.settings.popup.enable or _comes_by_itself(ls)):
        ls.answers.prepare(cursor)


def _comes_by_itself(ls: Session) -> bool:
    """Whether ghost text comes without being asked for."""
    settings = ls.settings.inline
    return settings.enable and settings.trigger == "automatic" and not ls.snooze.minutes


@feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Session, params: lsp.DidChangeTextDocumentParams) -> None:
    """The document has another text. After more than a letter the editor may wait before it asks."""
    ls.documents.follow(params.text_document.uri)
    ls.in_use()
    _prepare(ls, ls.documents.after_insertion(params.text_document.uri))


@feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Session, params: lsp.DidCloseTextDocumentParams) -> None:
    """From now on the document has the text of its file."""
    ls.documents.follow(params.text_document.uri)
    ls.in_use()


@feature(lsp.TEXT_DOCUMENT_DID_SAVE)
async def did_save(ls: Session, params: lsp.DidSaveTextDocumentParams) -> None:
    """Read the file again. Also a chance to see whether a model was trained."""
    ls.reading.files_changed([params.text_document.uri])
    await ls.retry()


@feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN, lsp.NOTEBOOK_DOCUMENT_DID_CHANGE, lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
def did_change_notebook(ls: Session, params: Any) -> None:
    """Cells came, went, or have another text."""
    ls.documents.follow_notebook(params)


# Editors ask by themselves when a word begins. Of the other characters only the dot is always followed by a name;
# after "(" the list would take the Enter that was meant for the code.
@feature(
    lsp.TEXT_DOCUMENT_COMPLETION,
    options=lsp.CompletionOptions(trigger_characters=["."], resolve_provider=True),
    otherwise=_NO_LIST,
)
async def completion(ls: Session, params: lsp.CompletionParams) -> lsp.CompletionList:
    """Names for the completion list."""
    cursor = ls.documents.cursor(params) if ls.settings.popup.enable else None
    if cursor is None:
        return _NO_LIST
    asked_s = time.monotonic()
    on_screen = params.context is not None and params.context.trigger_kind == _INCOMPLETE
    names = await ls.answers.popup(cursor, ls.settings.popup, on_screen=on_screen)
    sent = ls.usage.sent("popup", cursor, names, asked_s)
    return completion_list(sent, cursor.lines, abilities_of(ls.client_capabilities))


@feature(lsp.COMPLETION_ITEM_RESOLVE, guard=False)
async def resolve(ls: Session, item: lsp.CompletionItem) -> lsp.CompletionItem:
    """The details of a row, when the person looks at it."""
    item.documentation = await ls.details(item)
    return item


# pygls does not advertise this one without options, and some editors read `{}` as "no".
@feature(
    lsp.TEXT_DOCUMENT_INLINE_COMPLETION,
    options=lsp.InlineCompletionOptions(work_done_progress=False),
    otherwise=_NO_TEXT,
)
async def inline_completion(ls: Session, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
    """Ghost text, after the list's selected row if there is one. Where the person asks for it, it may be several."""
    settings = ls.settings.inline
    invoked = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
    wanted = settings.enable and (invoked or _comes_by_itself(ls))
    cursor = ls.documents.cursor(params) if wanted else None
    if cursor is None or (cursor.after_deletion and not invoked):
        return _NO_TEXT
    asked_s = time.monotonic()
    selected = params.context.selected_completion_info
    if selected is None:
        ghosts = await _ghosts(ls, cursor, invoked)
    else:
        ghosts = await _after_selection(ls, cursor, selected, invoked)
    return inline_list(ls.usage.sent("inline", cursor, ghosts, asked_s), cursor.lines)


async def _ghosts(ls: Session, cursor: TextCursor, invoked: bool) -> list[Candidate]:
    ask = ls.answers.alternatives if invoked else ls.answers.inline
    return await ask(cursor, ls.settings.inline)


async def _after_selection(
    ls: Session, cursor: TextCursor, selected: lsp.SelectedCompletionInfo, invoked: bool
) -> list[Candidate]:
    """Ghost text that continues the selected row of the list: the one that is shown already, if it does.

    Where the person asks for it, it is computed anew: what is shown is there already.
    """
    shown = [] if invoked else await ls.answers.cached(cursor, ls.settings.inline) or []
    agreeing = [ghost for each in shown if (ghost := from_selection(each, cursor, selected)) is not None]
    if agreeing:
        return agreeing
    accepted = with_selection(cursor, selected)
    return [without_selection(each, cursor, accepted, selected) for each in await _ghosts(ls, accepted, invoked)]
