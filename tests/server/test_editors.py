"""The real process with a real model, driven with the capabilities of real editors."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from pytest_lsp.client import make_test_lsp_client

COMMAND = [sys.executable, "-m", "tinycoder", "serve", "--stdio"]
PATIENCE = 60.0
URI = "file:///somewhere/counter.py"
SETTINGS = {"model": "counter", "inline": {"deadlineMs": 60_000}, "popup": {"deadlineMs": 60_000}}

pytestmark = pytest.mark.asyncio(loop_scope="module")


def make_client() -> LanguageClient:
    client = make_test_lsp_client()
    client.ready = asyncio.Event()  # type: ignore[attr-defined]

    @client.feature("didChangeStatus")
    def did_change_status(params: Any) -> None:
        if not params.busy:
            client.status = params  # type: ignore[attr-defined]
            client.ready.set()  # type: ignore[attr-defined]

    @client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
    def register_capability(params: lsp.RegistrationParams) -> None:
        known = {lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES}
        assert {each.method for each in params.registrations} <= known

    return client


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim", "visual_studio_code", "emacs"])
async def client(
    request: pytest.FixtureRequest, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LanguageClient]:
    workspace = tmp_path_factory.mktemp("workspace")
    environment = {**os.environ, "TINYCODER_HOME": str(home)}
    config = ClientServerConfig(server_command=COMMAND, client_factory=make_client, server_env=environment)
    client = await config.start()
    assert isinstance(client, LanguageClient)
    client.set_configuration({"tinycoder": SETTINGS})
    result = await client.initialize_session(
        lsp.InitializeParams(
            capabilities=client_capabilities(request.param),
            root_uri=workspace.as_uri(),
            initialization_options=SETTINGS,
        )
    )
    client.encoding = result.capabilities.position_encoding  # type: ignore[attr-defined]
    await asyncio.wait_for(client.ready.wait(), PATIENCE)  # type: ignore[attr-defined]
    yield client
    await asyncio.wait_for(client.shutdown_session(), PATIENCE)
    await client.stop()
    assert client._server is not None
    assert client._server.returncode == 0
    client._server._transport.close()  # type: ignore[attr-defined]
    assert [message.message for message in client.messages] == []


def open_document(client: LanguageClient, text: str) -> None:
    item = lsp.TextDocumentItem(uri=URI, language_id="python", version=1, text=text)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=item))


def change(client: LanguageClient, version: int, line: int, character: int, text: str) -> None:
    place = lsp.Position(line, character)
    part = lsp.TextDocumentContentChangePartial(range=lsp.Range(place, place), text=text)
    document = lsp.VersionedTextDocumentIdentifier(uri=URI, version=version)
    client.text_document_did_change(lsp.DidChangeTextDocumentParams(text_document=document, content_changes=[part]))


def popup_params(line: int, character: int) -> lsp.CompletionParams:
    return lsp.CompletionParams(lsp.TextDocumentIdentifier(uri=URI), lsp.Position(line, character))


def ghost_params(line: int, character: int) -> lsp.InlineCompletionParams:
    context = lsp.InlineCompletionContext(trigger_kind=lsp.InlineCompletionTriggerKind.Automatic)
    return lsp.InlineCompletionParams(context, lsp.TextDocumentIdentifier(uri=URI), lsp.Position(line, character))


async def popup(client: LanguageClient, line: int, character: int) -> list[lsp.CompletionItem]:
    answer = client.text_document_completion_async(popup_params(line, character))
    found = await asyncio.wait_for(answer, PATIENCE)
    assert isinstance(found, lsp.CompletionList)
    assert found.is_incomplete
    return list(found.items)


async def ghost(client: LanguageClient, line: int, character: int) -> list[lsp.InlineCompletionItem]:
    answer = client.text_document_inline_completion_async(ghost_params(line, character))
    found = await asyncio.wait_for(answer, PATIENCE)
    assert isinstance(found, lsp.InlineCompletionList)
    return list(found.items)


async def test_the_model_of_the_settings_answers(client: Any) -> None:
    assert client.status.kind == "Normal"
    assert client.status.message == "TinyCoder completes with the model counter."


async def test_a_half_typed_word_is_completed_by_both(client: Any) -> None:
    open_document(client, "class Counter:\n    def __init__(self, start):\n        self.total = sta")
    words = await popup(client, 2, 24)
    assert "start" in [word.label for word in words]
    lines = await ghost(client, 2, 24)
    assert lines[0].insert_text == "start"
    for item in (*words, *lines):
        edit = item.text_edit if isinstance(item, lsp.CompletionItem) else item
        assert edit.range == lsp.Range(lsp.Position(2, 21), lsp.Position(2, 24))


@pytest.mark.parametrize(
    ("text", "line", "character"),
    [
        ("", 0, 0),
        ("", 5, 5),
        ("import os", 0, 999),
        ("import os\n", 999, 0),
        ("class Counter:\r\n    def add(self, amount):\r\n        self.tot", 2, 16),
        ("class Counter:\n\tdef add(self, amount):\n\t\tself.tot", 2, 10),
        ("import os\n\x0c\nclass Cou", 2, 9),
        ("x = '\u2028'\nclass Cou", 1, 9),
        ("'\ud83d'\nclass Cou", 1, 9),
        ("\0\x01\nclass Cou", 1, 9),
        ("class Cou\n" * 200, 150, 9),
    ],
)
async def test_texts_of_all_kinds(client: Any, text: str, line: int, character: int) -> None:
    open_document(client, text)
    lines = text.replace("\r\n", "\n").split("\n")
    for item in await popup(client, line, character):
        span = item.text_edit.range
        assert span.start.line == span.end.line < len(lines)
        typed = lines[span.start.line][span.start.character : span.end.character]
        assert item.filter_text.startswith(typed)
        assert item.text_edit.new_text == item.label != typed
    for item in await ghost(client, line, character):
        typed = lines[item.range.start.line][item.range.start.character : item.range.end.character]
        assert item.insert_text.startswith(typed)
        assert "\n" not in item.insert_text


async def test_an_emoji_before_the_cursor(client: Any) -> None:
    head = "'😀😀'; "
    open_document(client, f"import os\n\n\n{head}class Cou")
    sizes = {"utf-8": len(head.encode()), "utf-16": len(head.encode("utf-16-le")) // 2, "utf-32": len(head)}
    column = sizes[client.encoding] + len("class Cou")
    words = {item.label: item for item in await popup(client, 3, column)}
    assert words
    for item in words.values():
        assert item.text_edit.range == lsp.Range(lsp.Position(3, column - 3), lsp.Position(3, column))
        assert item.label.startswith("Cou")


async def test_a_storm_of_keys_and_cancellations(client: Any) -> None:
    open_document(client, "")
    typed = "class Counter:\n    def __init__(self, start):\n        self.total = sta"
    line = column = 0
    sent: list[Any] = []
    for version, letter in enumerate(typed, start=2):
        for number, _ in sent[-2:]:
            client.cancel_request(lsp.CancelParams(id=number))
        change(client, version, line, column, letter)
        line, column = (line + 1, 0) if letter == "\n" else (line, column + 1)
        for method, params in (
            (lsp.TEXT_DOCUMENT_INLINE_COMPLETION, ghost_params(line, column)),
            (lsp.TEXT_DOCUMENT_COMPLETION, popup_params(line, column)),
        ):
            number = f"{method}-{version}"
            sent.append((number, client.protocol.send_request(method, params, msg_id=number)))
    answers = await asyncio.wait_for(
        asyncio.gather(*(asyncio.wrap_future(future) for _, future in sent), return_exceptions=True), PATIENCE
    )
    for answer in answers[:-2]:
        assert hasattr(answer, "items") or (isinstance(answer, JsonRpcException) and answer.code == -32800)
    assert answers[-2].items[0].insert_text == "start"
    assert "start" in [item.label for item in answers[-1].items]


async def test_edits_during_a_request(client: Any) -> None:
    open_document(client, "class Counter:\n    def __init__(self, start):\n        self.total = s")
    first = asyncio.ensure_future(ghost(client, 2, 22))
    await asyncio.sleep(0)  # the request is on its way
    change(client, 2, 2, 22, "t")
    change(client, 3, 2, 23, "a")
    assert [item.insert_text for item in await ghost(client, 2, 24)][:1] == ["start"]
    await first  # answered too, with or without items


async def test_a_long_file(client: Any) -> None:
    open_document(client, "value = 1\n" * 20_000 + "class Counter:\n    def __init__(self, start):\n")
    for n, letter in enumerate("        self.total = sta"):
        change(client, 2 + n, 20_002, n, letter)
    assert "start" in [word.label for word in await popup(client, 20_002, 24)]
    assert (await popup(client, 10_000, 3)) is not None
