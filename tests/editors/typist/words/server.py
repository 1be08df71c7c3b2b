"""A second language server beside TinyCoder's: it answers with words of the document, at once. Standard library alone.

It is as considerate as a server can be, so that what goes wrong beside it is not its own doing: it offers words that
are a good deal longer than what is typed, none where that may be the beginning of a word which ends soon, and says that
its list is incomplete, so that it is asked at each key. With
WORDS_TRIGGERS every letter of it is a trigger character, as for Neovim. Each row is marked as ``second``.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

SOON = 2  # letters
LONGER = 4  # letters that are still to come: at the end of a known word the list is closed long since
WORD = re.compile(r"[A-Za-z_]\w*")
MARK = "second"


class Words:
    """The open documents, and the answers."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def answer(self, method: str, params: Any) -> Any:
        if method == "initialize":
            letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
            triggers = list(letters) if os.environ.get("WORDS_TRIGGERS") else []
            return {
                "serverInfo": {"name": MARK, "version": "1"},
                "capabilities": {
                    "textDocumentSync": {"openClose": True, "change": 1},
                    "completionProvider": {"triggerCharacters": triggers},
                },
            }
        if method == "textDocument/completion":
            return {"isIncomplete": True, "items": self.items(params["textDocument"]["uri"], params["position"])}
        return None

    def note(self, method: str, params: Any) -> None:
        if method == "textDocument/didOpen":
            self.texts[params["textDocument"]["uri"]] = params["textDocument"]["text"]
        elif method == "textDocument/didChange":
            self.texts[params["textDocument"]["uri"]] = params["contentChanges"][-1]["text"]
        elif method == "exit":
            sys.exit(0)

    def items(self, uri: str, position: Any) -> list[dict[str, Any]]:
        lines = self.texts.get(uri, "").split("\n")
        before = lines[position["line"]][: position["character"]] if position["line"] < len(lines) else ""
        typed = re.search(r"[A-Za-z_]\w*$", before)
        if typed is None:
            return []
        words = [word for line in lines for word in WORD.findall(line) if word.startswith(typed[0])]
        if typed[0] in words:
            words.remove(typed[0])  # where it is typed
        if any(len(word) <= len(typed[0]) + SOON for word in words):
            return []
        longer = sorted({word for word in words if len(word) >= len(typed[0]) + LONGER})
        return [{"label": word, "kind": 6, "labelDetails": {"description": MARK}} for word in longer]


def read() -> Any:
    """The next message; None at the end."""
    length = 0
    while line := sys.stdin.buffer.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(sys.stdin.buffer.read(length)) if length else None


def main() -> None:
    words = Words()
    while (message := read()) is not None:
        if "method" not in message:
            continue
        if "id" not in message:
            words.note(message["method"], message.get("params"))
            continue
        result = words.answer(message["method"], message.get("params"))
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
