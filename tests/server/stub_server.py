"""The real server with a stub in place of the engine. The document's first line says what the stub does.

`# slow`: tokens until it is stopped. `# deaf`: the same, but it does not look at `stop`, only for a file that
lets it go. `# fault`: raises. Else a candidate for the word before the cursor that says, in its source, what
was asked.
"""

import json
import re
import sys
import threading
from pathlib import Path

from tinycoder.complete.candidate import Candidate, Document
from tinycoder.errors import Cancelled, CheckpointError
from tinycoder_lsp.app import create_session
from tinycoder_lsp.logs import start_log
from tinycoder_lsp.models import Models, Stop
from tinycoder_lsp.transport import serve_stdio


class Stub:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.name == "broken":
            raise CheckpointError(f"{folder.name}/config.json is damaged; train the model again")
        if folder.name == "bug":
            raise KeyError("nobody foresaw this")
        while folder.name == "stuck" and not (folder / "let_go").exists():
            threading.Event().wait(0.001)
        print("a library that prints to stdout")

    def inline(
        self, document: Document, offset: int, *, stop: Stop, max_tokens: int = 64, n: int = 1
    ) -> list[Candidate]:
        return [self._complete(document, offset, stop, {"max_tokens": max_tokens, "n": n})] * n

    def popup(self, document: Document, offset: int, *, stop: Stop, limit: int = 10) -> list[Candidate]:
        return [self._complete(document, offset, stop, {"limit": limit})]

    def _complete(self, document: Document, offset: int, stop: Stop, asked: dict[str, int]) -> Candidate:
        mode = document.text.split("\n", 1)[0].strip()
        if mode == "# fault":
            raise ValueError("the engine has a fault")
        while mode == "# slow":
            if stop():
                raise Cancelled
            threading.Event().wait(0.001)
        while mode == "# deaf" and not (self.folder / "let_go").exists():
            threading.Event().wait(0.001)
        word = re.search(r"\w*\Z", document.text[:offset])
        assert word is not None
        facts = {"path": document.path, "offset": offset, "length": len(document.text), **asked}
        return Candidate(
            text=f"{word.group()}_tail",
            start=word.start(),
            end=offset,
            probability=0.5,
            source=json.dumps(facts),
        )


if __name__ == "__main__":
    home, model = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    start_log(None, "info")
    session = create_session(Models(home, Stub), model=model)
    serve_stdio(session)
    sys.exit(0 if session.protocol.ended_well else 1)
