"""Weights that outlive the server."""

from pathlib import Path

import pytest

from tinycoder.memory.mixer import Mixer
from tinycoder.memory.mixer_file import MixerFile, load_mixer


def learnt() -> Mixer:
    mixer = Mixer()
    mixer.weights[0] += 1.5
    mixer.steps[0] += 2
    return mixer


def test_what_was_learnt_is_there_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "memory" / "project.mixer.json"
    mixer = Mixer()
    kept = MixerFile(mixer, file)
    kept.save()
    assert not file.exists()  # nothing was learnt
    mixer.weights[:], mixer.steps[:] = learnt().weights, learnt().steps
    kept.save()
    again = Mixer()
    MixerFile(again, file)
    assert again.weights[0] == pytest.approx(mixer.weights[0], abs=1e-3)
    assert again.steps[0] == pytest.approx(mixer.steps[0], abs=1e-3)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"format": 1}', b"3", b"[" * 100_000])
def test_a_damaged_file_is_a_line_in_the_log_and_the_defaults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    file = tmp_path / "project.mixer.json"
    file.write_bytes(damage)
    mixer = Mixer()
    kept = MixerFile(mixer, file)
    assert mixer.weights == Mixer().weights
    assert len(caplog.messages) == 1
    assert file.name in caplog.messages[0]
    assert "\n" not in caplog.messages[0]
    mixer.weights[0] += 1
    kept.save()
    assert load_mixer(file) is not None


def test_a_disk_that_refuses_is_a_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "memory").write_text("in the way")
    mixer = Mixer()
    kept = MixerFile(mixer, tmp_path / "memory" / "project.mixer.json")
    caplog.clear()
    mixer.weights[0] += 1
    kept.save()
    assert len(caplog.messages) == 1
    assert "cannot keep what was learnt" in caplog.messages[0]
