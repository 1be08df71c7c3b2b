"""A language server whose answers the test dictates, with the standard library alone.

The notification ``fake/say`` sets what is suggested from then on: ``{"inline": [texts], "words": [labels], "hold":
bool, "over": columns}``. A suggestion replaces the longest end of the line before the cursor that it begins with, and
``over`` columns behind it. With ``hold`` requests for ghost text wait for ``fake/release``. ``fake/results`` sets
what commands give. With ``deaf`` nothing else is answered. ``fake/send`` sends a message back, ``fake/die`` ends the
process with exit code 3, ``fake/journal`` gives every message that came so far. FAKE_ENCODING names the encoding of
columns, FAKE_DIES makes it end at once.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

ENCODING = os.environ.get("FAKE_ENCODING", "utf-8")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
COMMANDS = (
    "train",
    "stopTraining",
    "reindex",
    "snooze",
    "listModels",
    "selectModel",
    "showStats",
    "trainingReport",
    "didAcceptCompletionItem",
)


class Fake:
    def __init__(self) -> None:
        self.said: dict[str, Any] = {"inline": [], "words": [], "hold": False, "over": 0}
        self.texts: dict[str, str] = {}
        self.journal: list[dict[str, Any]] = []
        self.held: dict[int, Any] = {}
        self.most_held = 0
        self.results: dict[str, Any] = {}

    def read(self) -> dict[str, Any] | None:
        length = 0
        while line := sys.stdin.buffer.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(sys.stdin.buffer.read(length)) if length else None

    def write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        sys.stdout.buffer.flush()

    def answer(self, number: int, result: Any) -> None:
        self.write({"id": number, "result": result})

    def take(self, message: dict[str, Any]) -> None:
        method, params, number = message.get("method"), message.get("params"), message.get("id")
        if method is None:
            return  # an answer
        if not method.startswith("fake/"):
            self.journal.append({"method": method, "params": params})
        if number is None:
            self.note(method, params)
        elif method == "textDocument/inlineCompletion":
            self.held[number] = params
            self.most_held = max(self.most_held, len(self.held))
            if not self.said["hold"]:
                self.release()
        elif not self.said.get("deaf"):
            self.answer(number, self.result(method, params))

    def note(self, method: str, params: Any) -> None:
        if method == "textDocument/didOpen":
            self.texts[params["textDocument"]["uri"]] = params["textDocument"]["text"]
        elif method == "textDocument/didChange":
            self.texts[params["textDocument"]["uri"]] = params["contentChanges"][-1]["text"]
        elif method == "$/cancelRequest":
            if self.held.pop(params["id"], None) is not None:
                self.write({"id": params["id"], "error": {"code": -32800, "message": "cancelled"}})
        elif method == "fake/say":
            self.said |= params
        elif method == "fake/results":
            self.results |= params
        elif method == "fake/send":
            self.write(params)
        elif method == "fake/release":
            self.release()
        elif method == "fake/die":
            os._exit(3)
        elif method == "exit":
            sys.exit(0)

    def result(self, method: str, params: Any) -> Any:
        if method == "initialize":
            return {
                "serverInfo": {"name": "tinycoder", "version": "0"},
                "capabilities": {
                    "positionEncoding": ENCODING,
                    "textDocumentSync": {"openClose": True, "change": 1},
                    "completionProvider": {"triggerCharacters": ["."]},
                    "inlineCompletionProvider": {"workDoneProgress": False},
                    "executeCommandProvider": {"commands": [f"tinycoder.{name}" for name in COMMANDS]},
                },
            }
        if method == "textDocument/completion":
            words = [{"label": word, "sortText": f"{i:04d}"} for i, word in enumerate(self.said["words"])]
            return {"isIncomplete": True, "items": words}
        if method == "workspace/executeCommand":
            return self.results.get(params["command"])
        if method == "fake/journal":
            return {"messages": self.journal, "most": self.most_held, "texts": list(self.texts.values())}
        return None

    def release(self) -> None:
        for number, params in list(self.held.items()):
            del self.held[number]
            self.answer(number, {"items": self.suggestions(params)})

    def suggestions(self, params: Any) -> list[dict[str, Any]]:
        text = self.texts[params["textDocument"]["uri"]]
        position = params["position"]
        codec, size = CODECS[ENCODING]
        line = text.replace("\r\n", "\n").split("\n")[position["line"]]
        before = line.encode(codec)[: position["character"] * size].decode(codec)
        several = params["context"]["triggerKind"] == 1
        items = []
        for suggested in self.said["inline"] if several else self.said["inline"][:1]:
            typed = max(n for n in range(len(suggested) + 1) if before.endswith(suggested[:n]))
            if typed == len(suggested):
                continue
            start = position["character"] - len(suggested[:typed].encode(codec)) // size
            after = {"line": position["line"], "character": position["character"] + self.said["over"]}
            command = "tinycoder.didAcceptCompletionItem"
            items.append(
                {
                    "insertText": suggested,
                    "range": {"start": {"line": position["line"], "character": start}, "end": after},
                    "command": {"title": "Accepted", "command": command, "arguments": [suggested]},
                }
            )
        return items


if __name__ == "__main__":
    if os.environ.get("FAKE_DIES"):
        sys.exit(7)
    fake = Fake()
    while (message := fake.read()) is not None:
        fake.take(message)
    sys.exit(1)
