"""Messages as a client might send them by mistake, made from those that clients do send."""

from __future__ import annotations

import random
from typing import Any

URIS = (
    "file:///somewhere/a.py",
    "file:///somewhere/b.py",
    "untitled:Untitled-1",
    "file:///closed.py",
    "",
    "::",
    "file://[::1/x.py",
    "file:///%00/\ud800.py",
    "http://x/%ff%fe.py",
)
UNKNOWN = ("nope", "", "$/nope", "textDocument/hover", "textDocument/completion ", "\x00", "é😀", "workspace/symbol")
COMMANDS = (
    "tinycoder.stopTraining",
    "tinycoder.snooze",
    "tinycoder.reindex",
    "tinycoder.showStats",
    "tinycoder.didAcceptCompletionItem",
    "nope",
    "",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    3,
    2**31,
    2**53,
    1.5,
    "",
    "text",
    "\ud83d",
    "\x00",
    [],
    {},
    [[]],
    [None],
    {"a": {}},
)


def message(chance: random.Random, number: int) -> dict[str, Any]:
    """A request with this id, or a notification, mostly with something wrong in its parameters."""
    is_request = chance.random() < 0.5
    method, params = chance.choice(_REQUESTS if is_request else _NOTIFICATIONS)(chance)
    if chance.random() < 0.6:
        params = _spoilt(params, chance)
    whole: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if is_request:
        whole["id"] = number
    if chance.random() < 0.05:
        whole.pop("params")
    return whole


def body(chance: random.Random, whole: bytes) -> bytes:
    """A body that is no JSON, or not that of a message."""
    kind = chance.randrange(6)
    if kind == 0:
        return whole[: chance.randrange(len(whole))]
    if kind == 1:
        at = chance.randrange(len(whole))
        return whole[:at] + bytes(chance.randrange(256) for _ in range(4)) + whole[at:]
    if kind == 2:
        return chance.randbytes(chance.randrange(200))
    if kind == 3:
        return b"[" * chance.randrange(1, 100_000)
    if kind == 4:
        return chance.choice(
            [b"", b"null", b"[]", b"3", b'"x"', b"{}", b"[{}]", b"NaN", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"]
        )
    return whole + chance.choice([b"}", b" x", b"\x00", whole])


def _cursor(chance: random.Random) -> dict[str, Any]:
    position = {"line": chance.randrange(4), "character": chance.randrange(9)}
    return {"textDocument": {"uri": chance.choice(URIS)}, "position": position}


def _popup(chance: random.Random) -> tuple[str, Any]:
    return "textDocument/completion", _cursor(chance) | {"context": {"triggerKind": chance.randrange(5)}}


def _ghost(chance: random.Random) -> tuple[str, Any]:
    return "textDocument/inlineCompletion", _cursor(chance) | {"context": {"triggerKind": chance.randrange(4)}}


def _open(chance: random.Random) -> tuple[str, Any]:
    text = chance.choice(["ab", "", "x = 1\r\ny\r", "\x00\x01", "\ud800", "😀" * 50])
    document = {"uri": chance.choice(URIS), "languageId": "python", "version": chance.randrange(9), "text": text}
    return "textDocument/didOpen", {"textDocument": document}


def _change(chance: random.Random) -> tuple[str, Any]:
    span = {"start": _cursor(chance)["position"], "end": _cursor(chance)["position"]}
    changes = chance.choice(
        [[{"text": "new"}], [{"range": span, "text": "x"}], [], [{"range": span, "text": "\ud800"}] * 3]
    )
    document = {"uri": chance.choice(URIS), "version": chance.choice([-1, 0, 5, 2**31 - 1])}
    return "textDocument/didChange", {"textDocument": document, "contentChanges": changes}


def _simple(chance: random.Random) -> tuple[str, Any]:
    method = chance.choice(["didSave", "didClose"])
    return f"textDocument/{method}", {"textDocument": {"uri": chance.choice(URIS)}}


def _notebook(chance: random.Random) -> tuple[str, Any]:
    uri, cell = "file:///n.ipynb", {"kind": 2, "document": f"file:///n.ipynb#{chance.randrange(3)}"}
    opened = {"uri": cell["document"], "languageId": "python", "version": 1, "text": "ab"}
    array = {"start": chance.randrange(4), "deleteCount": chance.randrange(4), "cells": [cell]}
    return chance.choice(
        [
            (
                "notebookDocument/didOpen",
                {
                    "notebookDocument": {"uri": uri, "notebookType": "x", "version": 1, "cells": [cell, cell]},
                    "cellTextDocuments": [opened],
                },
            ),
            (
                "notebookDocument/didChange",
                {
                    "notebookDocument": {"uri": uri, "version": 2},
                    "change": {"cells": {"structure": {"array": array, "didOpen": [opened]}}},
                },
            ),
            ("notebookDocument/didClose", {"notebookDocument": {"uri": uri}, "cellTextDocuments": []}),
        ]
    )


def _command(chance: random.Random) -> tuple[str, Any]:
    return "workspace/executeCommand", {"command": chance.choice(COMMANDS), "arguments": [chance.choice(VALUES)]}


def _resolve(chance: random.Random) -> tuple[str, Any]:
    return "completionItem/resolve", {"label": "x", "data": chance.choice(VALUES), "detail": "seen in a.py:3"}


def _unknown(chance: random.Random) -> tuple[str, Any]:
    return chance.choice(UNKNOWN), chance.choice(VALUES)


def _other(chance: random.Random) -> tuple[str, Any]:
    folders = {"added": [], "removed": [{"uri": chance.choice(URIS), "name": "x"}]}
    return chance.choice(
        [
            ("$/cancelRequest", {"id": chance.choice([0, 1, "x", *VALUES])}),
            ("$/setTrace", {"value": "verbose"}),
            ("workspace/didChangeConfiguration", {"settings": {"tinycoder": chance.choice(VALUES)}}),
            ("workspace/didChangeWatchedFiles", {"changes": [{"uri": chance.choice(URIS), "type": 1}]}),
            ("workspace/didChangeWorkspaceFolders", {"event": folders}),
            ("textDocument/didFocus", {"textDocument": chance.choice(VALUES)}),
            ("textDocument/didShowCompletion", {"item": chance.choice(VALUES)}),
            ("textDocument/didPartiallyAcceptCompletion", {"item": {"command": chance.choice(VALUES)}}),
            ("window/workDoneProgress/cancel", {"token": "x"}),
        ]
    )


_REQUESTS = (_popup, _ghost, _command, _resolve, _unknown)
_NOTIFICATIONS = (_open, _change, _simple, _notebook, _other, _unknown)


def _spoilt(value: Any, chance: random.Random) -> Any:
    """The same with one part, however deep, left out or replaced by something else."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        if chance.random() < 0.2:
            return {name: part for name, part in value.items() if name != key}
        return value | {key: _spoilt(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        return [*value[:at], _spoilt(value[at], chance), *value[at + 1 :]]
    return chance.choice(VALUES)
