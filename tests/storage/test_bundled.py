"""The model that ships, whichever it is: sound, quick to lay hands on, and not for writing."""

import os
import shutil
import stat
from pathlib import Path

import pytest

import tinycoder
from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.complete.generation import encode_prompt, generate
from tinycoder.config import GenerationConfig
from tinycoder.errors import CheckpointError
from tinycoder.storage import bundled
from tinycoder.storage.bundled import BUNDLED, bundled_folder, is_bundled
from tinycoder.storage.checkpoint import CONFIG, FILES, STATE, load_model, read_training, save_model
from tinycoder.storage.models import list_models
from tinycoder.transformer.model import n_params

MAX_BYTES = 12_000_000  # so that a wheel stays one that people download without a thought


def never() -> bool:
    return False


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped folder in the place of the installed one."""
    folder = Path(shutil.copytree(bundled_folder(), tmp_path / BUNDLED))
    monkeypatch.setattr(bundled, "bundled_folder", lambda: folder)
    return folder


def test_it_lies_in_the_package_and_holds_a_finished_model_and_nothing_else() -> None:
    folder = bundled_folder()
    assert folder.parent.parent == Path(tinycoder.__file__).parent
    assert {path.name for path in folder.iterdir()} == FILES - {STATE}
    assert [path.name for path in folder.parent.iterdir()] == [BUNDLED]
    assert sum(path.stat().st_size for path in folder.iterdir()) < MAX_BYTES
    training = read_training(folder)
    assert training.recipe == "code"
    assert training.finished is True
    assert str(Path.home()) not in (folder / "training.json").read_text()


def test_it_is_sound_small_and_of_code() -> None:
    model = load_model(bundled_folder())
    assert model.name == BUNDLED
    assert model.weights == "int8"
    assert 1e6 < n_params(model.config) < 10e6
    assert len(model.tokenizer.encode("\n        return self.name\n")) < 12


def test_its_config_is_as_saving_it_would_write_it(tmp_path: Path) -> None:
    model = load_model(bundled_folder())
    save_model(
        tmp_path / "again",
        config=model.config,
        params=model.params,
        tokenizer=model.tokenizer,
        training=model.training,
        weights=model.weights,
    )
    assert (tmp_path / "again" / CONFIG).read_text() == (bundled_folder() / CONFIG).read_text()


def test_it_goes_on_with_python() -> None:
    model = load_model(bundled_folder())
    prompt = encode_prompt(model, "import os\n\n\ndef read(path):\n    with open(path) as file:\n        ")
    (text,) = generate(model, prompt, GenerationConfig(max_tokens=8))
    assert text.strip()
    assert text.isprintable() or "\n" in text


def test_it_completes_words() -> None:
    engine = Engine(load_model(bundled_folder()))
    text = "class Shop:\n    def sell(self, price):\n        sel"
    words = engine.popup(Document(path="shop.py", text=text), len(text), stop=never)
    assert "self" in [word.text for word in words]


def test_it_is_told_from_other_folders_however_it_is_spelled(tmp_path: Path) -> None:
    folder = bundled_folder()
    assert is_bundled(folder)
    assert is_bundled(folder / ".." / BUNDLED)
    assert is_bundled(Path(os.path.relpath(folder)))
    assert not is_bundled(tmp_path / BUNDLED)
    assert not is_bundled(tmp_path / "a\0b")
    assert not is_bundled(folder.parent)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_reading_it_needs_no_right_to_write(installed: Path) -> None:
    for path in (*installed.iterdir(), installed):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        before = {path.name for path in installed.parent.iterdir()}
        assert load_model(installed).name == BUNDLED
        assert list_models(installed.parent)[0].problem is None
        assert {path.name for path in installed.parent.iterdir()} == before
    finally:
        installed.chmod(0o755)


@pytest.mark.parametrize("damage", ["no folder", "no weights", "weights cut", "no tokenizer"])
def test_a_damaged_installation_is_one_sentence_that_says_to_install_again(installed: Path, damage: str) -> None:
    weights = installed / "model.safetensors"
    if damage == "no folder":
        shutil.rmtree(installed)
    elif damage == "no weights":
        weights.unlink()
    elif damage == "weights cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    else:
        (installed / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="install TinyCoder again") as caught:
        load_model(installed)
    assert str(installed) in str(caught.value)
    assert "train the model again" not in str(caught.value)
    assert "\n" not in str(caught.value)
