"""A pretend language server: `fake_server.py MODE TRUTHS.json [DELAY_MS]`, which the tests of the benchmarks start.

oracle  knows the held-out files (TRUTHS.json has their texts by the end of their address) and answers with the truth,
        hidden among noise
half    as oracle, but every second ghost text is wrong after its first word
silent  answers with nothing, to both methods
ranges  as oracle, with edits and ranges that replace what is typed
words   offers each word of TRUTHS.json that begins as typed, with the import of the module that is named in it
all     the same, also where nothing is typed

The others check that the buffer which they are sent is the truth up to the cursor.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

POPUP, INLINE = "textDocument/completion", "textDocument/inlineCompletion"
MODE, DELAY_S = sys.argv[1], float((sys.argv[3:] or ["0"])[0]) / 1000
TRUTHS: dict[str, str] = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
BUFFERS: dict[str, str] = {}


def reply(number: int, result: object) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    sys.stdout.buffer.flush()


def offset(text: str, position: dict[str, int]) -> int:
    start = 0
    for _ in range(position["line"]):
        start = text.index("\n", start) + 1
    line = text[start:].split("\n")[0]
    return start + len(line.encode("utf-16-le")[: 2 * position["character"]].decode("utf-16-le"))


def word_at(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[0] if match else ""


def answer(method: str, params: dict[str, Any], count: int) -> object:
    uri, where = params["textDocument"]["uri"], params["position"]
    text = BUFFERS[uri]
    at = offset(text, where)
    typed = word_at(r"\w*\Z", text[:at])
    span = {"start": {**where, "character": where["character"] - len(typed)}, "end": where}
    if MODE == "silent":
        return None
    if MODE in ("words", "all"):
        return words(typed) if method == POPUP else None
    truth = next(text for name, text in TRUTHS.items() if uri.endswith("/" + name))
    assert text[:at] == truth[:at], "the buffer is not the truth up to the cursor"
    rest = truth[at:].split("\n")[0]
    if method == POPUP:
        word = typed + word_at(r"^\w*", rest)
        item: dict[str, Any] = {"label": word, "sortText": "0"}
        if MODE == "ranges":
            item = {"label": word + "(x, y)", "sortText": "0", "textEdit": {"range": span, "newText": word}}
        return {"isIncomplete": False, "items": [{"label": typed + "AAAA", "sortText": "1"}, {"label": "?"}, item]}
    if MODE == "half" and count % 2:
        rest = word_at(r"^\s*(\w+|.?)", rest) + " wrong)"
    return {"items": [{"insertText": typed + rest, "range": span} if MODE == "ranges" else {"insertText": rest}]}


def words(typed: str) -> object:
    top = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    items = [{"label": word, "data": module} for word, module in TRUTHS.items() if word.startswith(typed)]
    items = items if typed or MODE == "all" else []
    for item in items:
        if module := item["data"]:
            text = f"from {module} import {item['label']}\n"
            item["additionalTextEdits"] = [{"range": top, "newText": text}]  # type: ignore[assignment]
    return {"isIncomplete": False, "items": items}


def main() -> None:
    count = 0
    while header := sys.stdin.buffer.readline():
        length = int(header.split(b":")[1])
        sys.stdin.buffer.readline()
        message = json.loads(sys.stdin.buffer.read(length))
        method, params = message.get("method"), message.get("params")
        if method == "initialize":
            able = {"completionProvider": {"triggerCharacters": ["."]}, "inlineCompletionProvider": {}}
            reply(message["id"], {"serverInfo": {"name": MODE}, "capabilities": {"textDocumentSync": 2, **able}})
        elif method == "textDocument/didOpen":
            BUFFERS[params["textDocument"]["uri"]] = params["textDocument"]["text"]
        elif method == "textDocument/didChange":
            for change in params["contentChanges"]:
                uri, span = params["textDocument"]["uri"], change["range"]
                start, end = (offset(BUFFERS[uri], span[side]) for side in ("start", "end"))
                BUFFERS[uri] = BUFFERS[uri][:start] + change["text"] + BUFFERS[uri][end:]
        elif method == "shutdown":
            reply(message["id"], None)
        elif method == "exit":
            break
        elif method in (POPUP, INLINE):
            time.sleep(DELAY_S)
            count += 1
            reply(message["id"], answer(method, params, count))


if __name__ == "__main__":
    main()
