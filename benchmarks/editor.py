"""An editor without a screen that asks and shows as VS Code does.

At each key it sends the change, cancels what it no longer waits for, and asks again: ghost text always, the popup where
a word begins, after a dot and with each letter more. A ghost text that is typed through stays until the next answer,
which takes its place. Texts are ASCII, so that columns are the same in every encoding.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from judge import Acceptance, Key, Showing
from process import Server

POPUP, GHOST = "textDocument/completion", "textDocument/inlineCompletion"
WORD = re.compile(r"\w+|\W+?(?=\w|$)")


class Editor:
    """One document, the ghost text and the popup that are shown, and the trace of it all.

    With ``cancel`` off the answers to older requests are waited for, as clients do that know no cancelling. With
    ``selection`` the ghost text must go on from the row that the popup has selected.
    """

    def __init__(
        self, server: Server, path: Path, text: str, offset: int, *, cancel: bool = True, selection: bool = False
    ) -> None:
        self.server = server
        self.text, self.offset = text, offset
        self.keys: list[Key] = []
        self.acceptances: list[Acceptance] = []
        self.rows: list[dict[str, Any]] = []
        self.rows_offset = 0  # where the cursor was when they were asked for
        self._cancel = cancel
        self._selection = selection
        self._selected = ""  # what the last request for ghost text said of it
        self.uri = path.as_uri()
        self._version = 1
        self._latest: dict[str, tuple[int, int]] = {}  # the number and version of each method's last request
        self._cancelled: set[int] = set()
        self._answered: dict[str, int] = {}  # the newest version that was answered
        self._ghost: tuple[dict[str, Any], int, str] | None = None  # the item, its cursor, and its text from there
        self._tasks: set[asyncio.Task[None]] = set()
        document = {"uri": self.uri, "languageId": "python", "version": 1, "text": text}
        server.notify("textDocument/didOpen", {"textDocument": document})

    def close(self) -> None:
        """Close the document."""
        self._abandon()
        self.server.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})

    @property
    def ghost(self) -> str:
        """The ghost text behind the cursor, less what was typed of it."""
        if self._ghost is None:
            return ""
        _, origin, text = self._ghost
        typed = self.text[origin : self.offset]
        return text[len(typed) :] if origin <= self.offset and text.startswith(typed) else ""

    @property
    def typed_word(self) -> str:
        """What stands of the word before the cursor."""
        return re.findall(r"\w*$", self.text[self.text.rfind("\n", 0, self.offset) + 1 : self.offset])[0]

    def type(self, text: str, *, popup: bool = True) -> None:
        """Type some characters as one key: a letter, or a line break with its indentation."""
        self._edit(self.offset, self.offset, text)
        if not self.ghost:
            self._ghost = None
        self._ask_all("type", text, popup=popup and (text == "." or (text.isidentifier() and len(text) == 1)))

    def erase(self, n: int = 1) -> None:
        """Erase the characters before the cursor, with one key."""
        self._edit(self.offset - n, self.offset, "")
        self._ghost = None
        self._ask_all("erase", "", popup=False)

    def move(self, offset: int) -> None:
        """Put the cursor elsewhere."""
        self._abandon()
        self.offset = offset
        self._ghost, self.rows = None, []
        self._record("move", "")

    def accept(self, *, word: bool = False) -> str:
        """Take the ghost text, or its first word; what that put before the cursor."""
        assert self._ghost is not None
        item, origin, _ = self._ghost
        ghost = self.ghost
        taken = WORD.match(ghost)[0] if word else ghost  # type: ignore[index]
        start, end = self._span(item["range"])
        full = item["insertText"]
        if word:
            full = full[: len(full) - len(ghost) + len(taken)]
        self._take(start, end + self.offset - origin, full, taken, "word" if word else "whole")
        if not word:
            self._ghost = None
        self._ask_all("accept", taken, popup=False)
        return taken

    def accept_row(self, row: dict[str, Any]) -> str:
        """Take a row of the popup; what that put before the cursor."""
        edit = row["textEdit"]
        start, end = self._span(edit["range"])
        taken = row["label"][len(self.typed_word) :]
        self._take(start, end + self.offset - self.rows_offset, edit["newText"], taken, "row")
        self.rows = []
        self._ghost = None
        self._ask_all("accept", taken, popup=False)
        return taken

    def _take(self, start: int, end: int, new: str, taken: str, kind: Any) -> None:
        reference = self.text[: self.offset] + taken + self.text[self.offset :]
        result = self.text[:start] + new + self.text[end:]
        self.acceptances.append(
            Acceptance(at=self.server.now(), kind=kind, text=taken, result=result, reference=reference)
        )
        self._edit(self.offset, self.offset, taken)  # the session goes on as the person meant it

    def _edit(self, start: int, end: int, new: str) -> None:
        span = {"start": self._position(start), "end": self._position(end)}
        self.text = self.text[:start] + new + self.text[end:]
        self.offset = start + len(new)
        self._version += 1
        document = {"uri": self.uri, "version": self._version}
        change = {"textDocument": document, "contentChanges": [{"range": span, "text": new}]}
        self.server.notify("textDocument/didChange", change)

    def _ask_all(self, kind: Any, text: str, *, popup: bool) -> None:
        self._abandon()
        if not popup:
            self.rows = []
        self._ask_ghost()
        if popup and text == ".":
            self._ask(POPUP, {"triggerKind": 2, "triggerCharacter": "."})
        elif popup:
            self._ask(POPUP, {"triggerKind": 1 if len(self.typed_word) == 1 else 3})
        self._record(kind, text)

    def _ask_ghost(self) -> None:
        """Ask for ghost text, after the popup's selected row if there is one."""
        typed = self.typed_word
        fitting = [row["label"] for row in self.rows if row["label"].startswith(typed)] if self._selection else []
        self._selected = fitting[0] if fitting else ""
        context: dict[str, Any] = {"triggerKind": 2}
        if fitting:
            start, end = self._position(self.offset - len(typed)), self._position(self.offset)
            context["selectedCompletionInfo"] = {"range": {"start": start, "end": end}, "text": fitting[0]}
        self._ask(GHOST, context)

    def _abandon(self) -> None:
        for method in self._latest:
            self._cancel_last(method)

    def _cancel_last(self, method: str) -> None:
        number = self._latest[method][0]
        if self._cancel and self.server.cancel(number):
            self._cancelled.add(number)

    def _ask(self, method: str, context: dict[str, Any]) -> None:
        params = {
            "textDocument": {"uri": self.uri},
            "position": self._position(self.offset),
            "context": context,
        }
        number, future = self.server.request(method, params)
        self._latest[method] = number, self._version
        task = asyncio.get_running_loop().create_task(self._show(method, future, number, self._version, self.offset))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _show(self, method: str, future: asyncio.Future[Any], number: int, version: int, origin: int) -> None:
        """Show an answer: of the text as it is, or one that goes on with what was typed since."""
        try:
            result = await future
        except ConnectionError:
            return
        current = version == self._version and origin == self.offset
        if number in self._cancelled:
            return
        if not current and (self._answered.get(method, 0) > version or method == POPUP):
            return
        items = (result or {}).get("items") or []
        if method == POPUP:
            self.rows, self.rows_offset = items, origin
            if self._selection and self._selected != (items[0]["label"] if items else ""):
                self._cancel_last(GHOST)
                self._ask_ghost()
        elif current or items:
            self._show_ghost(items[0] if items else None, origin, current)
        self._answered[method] = max(version, self._answered.get(method, 0))

    def _show_ghost(self, item: dict[str, Any] | None, origin: int, current: bool) -> None:
        before = self._ghost
        self._ghost = None
        if item is not None:
            start, _ = self._span(item["range"])
            head = self.text[start:origin]
            if item["insertText"].startswith(head):
                self._ghost = item, origin, item["insertText"][len(head) :]
        if not current and not self.ghost:
            self._ghost = before
        if self.keys and self.keys[-1].shown != self.ghost:
            self.keys[-1].showings.append(Showing(at=self.server.now(), text=self.ghost))

    def _record(self, kind: Any, text: str) -> None:
        at = self.server.now()
        key = Key(at=at, kind=kind, text=text, in_flight=self.server.in_flight())
        key.showings.append(Showing(at=at, text=self.ghost))
        self.keys.append(key)

    def _position(self, offset: int) -> dict[str, int]:
        start = self.text.rfind("\n", 0, offset) + 1
        return {"line": self.text.count("\n", 0, offset), "character": offset - start}

    def _span(self, span: dict[str, dict[str, int]]) -> tuple[int, int]:
        starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        start, end = (starts[span[side]["line"]] + span[side]["character"] for side in ("start", "end"))
        return start, end
