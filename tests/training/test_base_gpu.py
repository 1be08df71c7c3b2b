"""The script for a machine with a GPU, on a CPU: what it carries there, and what it brings back."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import LESSON
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import load_model

SCRIPT = Path(__file__).parents[2] / "training" / "base" / "gpu.py"


def gpu(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=600
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for part, name in (("train", "a"), ("train", "b"), ("held_out", "c")):
        file = tmp_path / "corpus" / part / "package" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(LESSON.replace("counter", f"counter_{name}") * 6)
    return tmp_path / "corpus"


def test_weights_and_figures_of_both_shapes_come_back(corpus: Path, tmp_path: Path) -> None:
    packed, out = tmp_path / "corpus.tar.xz", tmp_path / "out"
    done = gpu("pack", corpus, "--out", packed)
    assert done.returncode == 0, done.stderr
    assert "3 texts" in done.stdout
    again = tmp_path / "again.tar.xz"
    gpu("pack", corpus, "--out", again)
    assert again.read_bytes() == packed.read_bytes()
    done = gpu("learn", packed, "--out", out, "--minutes", "0.01", "--batch-size", "1", "--engine", "numpy")
    assert done.returncode == 0, done.stderr
    results = json.loads((out / "results.json").read_text())
    assert [result["name"] for result in results] == ["base", "wide"]
    assert all(result["tokens"] > 0 and result["bits_per_byte"] > 0 for result in results)
    for name in ("base", "wide"):
        pieces = sorted(out.glob(f"{name}.tar.*"))
        with tarfile.open(fileobj=io.BytesIO(b"".join(piece.read_bytes() for piece in pieces))) as archive:
            archive.extractall(tmp_path / "back", filter="data")
    assert len(pieces) > 1
    base, wide = (load_model(tmp_path / "back" / name) for name in ("base", "wide"))
    assert base.config == load_model(bundled_folder()).config
    assert wide.config.width == 2 * base.config.width


def test_a_corpus_that_is_too_large_is_refused(corpus: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import gpu; gpu.MAX_PACKED = 9; gpu.main()",
            "pack",
            str(corpus),
            "--out",
            str(tmp_path / "c.tar.xz"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "give less" in done.stderr
    assert not (tmp_path / "c.tar.xz").exists()
