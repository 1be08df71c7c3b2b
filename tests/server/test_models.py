"""Which model answers, and when it is loaded anew."""

import os
from pathlib import Path

from tinycoder.checkpoint import Model
from tinycoder.complete.candidate import Candidate, Document
from tinycoder.store import copy_model, workspace_model_name
from tinycoder_lsp.models import Models, Stop


class Named:
    """An engine that offers its folder's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def inline(
        self, document: Document, offset: int, *, stop: Stop, max_tokens: int = 64, n: int = 1
    ) -> list[Candidate]:
        return [Candidate(text=self.folder.name, start=offset, end=offset, probability=1.0, source="model")]

    def popup(self, document: Document, offset: int, *, stop: Stop, limit: int = 10) -> list[Candidate]:
        return []


def offered(models: Models) -> list[str]:
    found = models.inline(Document(path="a.py", text=""), 0, stop=lambda: False, max_tokens=1, n=1)
    return [candidate.text for candidate in found]


def test_a_model_is_loaded_again_when_written_again_or_overtaken(tmp_path: Path, model: Model) -> None:
    opened: list[str] = []

    def open_engine(folder: Path) -> Named:
        opened.append(folder.name)
        return Named(folder)

    workspace = tmp_path / "project"
    own = workspace_model_name(workspace)
    models = Models(tmp_path, open_engine)
    assert models.load(None, [workspace]).kind == "Warning"
    assert offered(models) == []

    copy_model(model.folder, tmp_path / "models" / "other")
    assert "learnt from other code" in models.load(None, [workspace]).message
    status = models.load(None, [workspace])
    assert offered(models) == opened == ["other"]
    assert "learnt from other code" in status.message

    copy_model(model.folder, tmp_path / "models" / own)
    assert own in models.load(None, [workspace]).message
    assert offered(models) == [own]

    written = tmp_path / "models" / own / "training.json"
    os.utime(written, ns=(written.stat().st_atime_ns, written.stat().st_mtime_ns + 1_000_000))
    models.load(None, [workspace])
    models.load(None, [workspace])
    assert opened == ["other", own, own]
