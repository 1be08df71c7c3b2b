"""What version 0.1.0 wrote is still read: ``written_by_0_1_0`` holds a home folder, a workspace, and settings."""

import datetime
import json
import shutil
import sys
from pathlib import Path

import pytest

from tinycoder.memory.index_file import load_index, tokenizer_digest
from tinycoder.memory.mixer_file import load_mixer
from tinycoder.storage.checkpoint import load_model, read_training
from tinycoder.storage.forget_list import load_forgotten
from tinycoder.storage.models import list_models
from tinycoder.symbols.symbol_file import SymbolFile
from tinycoder_lsp.configuration import parse
from tinycoder_lsp.settings import InlineSettings, Settings
from tinycoder_lsp.stats.statistics import load

HOME = Path(__file__).with_name("written_by_0_1_0")
INDEX = "shop-9407bea8-bf91bd49.safetensors"


def test_a_model_folder() -> None:
    model = load_model(HOME / "models" / "shop")
    assert sum(array.size for array in model.params.values()) == 124_544
    assert model.tokenizer.decode(model.tokenizer.encode("self.items")) == "self.items"
    assert [summary.name for summary in list_models(HOME) if not summary.bundled] == ["shop"]
    training = json.loads((HOME / "models" / "shop" / "training.json").read_text(encoding="utf-8"))
    settings = training["settings"]
    settings["beside_memory"] = False  # which was not known
    del settings["infill"]  # which is no more
    assert read_training(HOME / "models" / "shop").to_json() == training


def test_an_index_is_made_anew_since_its_texts_may_have_other_line_ends(tmp_path: Path) -> None:
    tokenizer = load_model(HOME / "models" / "shop").tokenizer
    shutil.copy(HOME / "memory" / INDEX, tmp_path)
    index = load_index(tmp_path / INDEX, tokenizer_digest=tokenizer_digest(tokenizer), vocab_size=tokenizer.vocab_size)
    assert index is None


def test_a_file_of_symbols(tmp_path: Path) -> None:
    shutil.copy(HOME / "memory" / "shop-9407bea8-symbols.sqlite", tmp_path)
    file = SymbolFile(tmp_path / "shop-9407bea8-symbols.sqlite")
    written = {"basket.py", "basket_copy.py"} if sys.version_info[:2] == (3, 11) else set()  # others read anew
    assert file.load().keys() == written
    file.close()


def test_a_mixture_is_learnt_again(caplog: pytest.LogCaptureFixture) -> None:
    assert load_mixer(HOME / "memory" / INDEX.replace(".safetensors", ".mixer.json")) is None
    assert "the mixture's weights cannot be read" in caplog.text


def test_statistics_and_the_list_of_what_is_forgotten() -> None:
    (day,) = load(HOME).values()
    assert day.popup.answers == day.inline.answers == 1
    assert list(load(HOME)) == [datetime.date(2026, 11, 30)]
    assert load_forgotten(HOME).paths == (Path("/workspace/shop/old.py"),)


def test_settings_also_those_that_are_gone_one_of_them_with_a_sentence() -> None:
    settings, problems = parse(json.loads((HOME / "settings.json").read_text(encoding="utf-8")), Settings())
    assert len(problems) == 1
    assert "tinycoder.inline.eagerness" in problems[0]
    assert settings.model == "shop"
    assert settings.inline == InlineSettings(
        max_tokens=32, alternatives=2, deadline_ms=1000, debounce_ms=10, block="automatic", max_lines=6, prose="off"
    )
    assert settings.popup.limit == 12
    assert not settings.popup.imports
