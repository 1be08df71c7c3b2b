"""Windows that show what follows a text before the text, and runs that learn from them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import LESSON, command_runner, run_to_end, small_job, text
from tinycoder.cli import cli
from tinycoder.config import TrainConfig
from tinycoder.errors import ConfigError
from tinycoder.storage.checkpoint import read_training
from tinycoder.transformer.fim import fim_head, suffix_first_piece, suffix_room
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import train_code_tokenizer
from tinycoder_training.corpora import validation
from tinycoder_training.dataset import Windows
from tinycoder_training.fim import infilled
from tinycoder_training.job import new_job, resumed_job

CONTEXT = 64
TOKENIZER = train_code_tokenizer([LESSON], 400)
END = TOKENIZER.end_of_text
PREFIX, SUFFIX, MIDDLE = (TOKENIZER.special[f"<|fim_{part}|>"] for part in ("prefix", "suffix", "middle"))


def rewritten(ids: Array, seed: int, rate: float = 1.0) -> Array:
    return infilled(ids, np.random.default_rng(seed), tokenizer=TOKENIZER, rate=rate)


def parts(window: Array) -> tuple[list[int], list[int], list[int]]:
    """Suffix, text up to the cut, and what comes after the end of the text."""
    ids = window.tolist()
    assert ids[:2] == [PREFIX, SUFFIX]
    middle = ids.index(MIDDLE)
    end = ids.index(END, middle)
    return ids[2:middle], ids[middle + 1 : end], ids[end + 1 :]


def stream(*texts: str) -> Array:
    documents = [[*TOKENIZER.encode_header(f"f{n}.py"), *TOKENIZER.encode(t), END] for n, t in enumerate(texts)]
    return np.concatenate(documents).astype(np.uint16)


LONG = np.array(TOKENIZER.encode(LESSON * 3), np.uint16)
inside = st.integers(0, len(LONG) - CONTEXT - 1).map(lambda start: LONG[start : start + CONTEXT + 1])


@given(inside, st.integers(0, 10**6))
def test_a_window_inside_one_document_still_tells_its_text(ids: Array, seed: int) -> None:
    made = rewritten(ids, seed)
    assert made.shape == ids.shape
    assert made.dtype == ids.dtype
    suffix, before, rest = parts(made)
    assert 1 <= len(suffix) <= suffix_room(CONTEXT)
    assert before == TOKENIZER.encode(TOKENIZER.decode(before))
    told = TOKENIZER.decode(before) + TOKENIZER.decode(suffix) + TOKENIZER.decode(rest)
    assert told in TOKENIZER.decode(ids)
    assert len(told) > len(TOKENIZER.decode(ids)) / 2
    assert not set(TOKENIZER.special.values()) & {*suffix, *before, *rest}


@given(st.lists(st.text(max_size=80), min_size=1, max_size=6), st.integers(3, 90), st.integers(0, 10**6))
def test_any_window_gives_as_many_valid_ids(texts: list[str], length: int, seed: int) -> None:
    ids = np.resize(stream(*texts), 200)[seed % 100 :][:length]
    made = rewritten(ids, seed)
    assert made.shape == ids.shape
    assert made.max() < TOKENIZER.vocab_size
    if not np.array_equal(made, ids):
        assert made[0] == PREFIX
        assert (made == MIDDLE).sum() == 1


@given(st.integers(0, 10**6))
def test_the_longest_document_is_cut_and_keeps_its_header(seed: int) -> None:
    ids = stream("x = 1\n", LESSON[:150], "y = 2\n")
    suffix, before, rest = parts(rewritten(ids, seed))
    header = TOKENIZER.encode_header("f1.py")
    assert before[: len(header)] == header
    contents = TOKENIZER.decode(before[len(header) :])
    assert LESSON.startswith(contents + TOKENIZER.decode(suffix))
    assert len(contents) >= 150 // 4
    assert len(contents) < 150
    assert TOKENIZER.special["<|file_sep|>"] in rest


def test_cuts_lie_at_any_character() -> None:
    ids = stream(LESSON[:100], LESSON[:90])
    cuts = {len(TOKENIZER.decode(parts(rewritten(ids, seed))[1])) for seed in range(1000)}
    header = len("f0.py\n")
    assert cuts == set(range(header + 25, header + 100))


def test_windows_with_nothing_to_cut_stay_as_they_are() -> None:
    for ids in (np.full(20, END), stream("")[:4], np.array(TOKENIZER.encode_header("a/long/path/of/a/file.py")[:9])):
        np.testing.assert_array_equal(rewritten(ids, 0), ids)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9, 1.0])
def test_the_rate_is_the_part_of_windows_that_change(rate: float) -> None:
    ids = LONG[: CONTEXT + 1]
    changed = sum(not np.array_equal(rewritten(ids, seed, rate), ids) for seed in range(1000))
    assert changed / 1000 == pytest.approx(rate, abs=0.04)


def test_a_window_depends_on_seed_step_and_row_alone() -> None:
    def windows(seed: int) -> Windows:
        return Windows(LONG, CONTEXT, 4, seed, lambda ids, rng: infilled(ids, rng, tokenizer=TOKENIZER, rate=0.5))

    first, again = windows(1), windows(1)
    later = first.batch(7)
    for step in (3, 7):
        inputs, targets = again.batch(step)
        assert inputs.shape == targets.shape == (4, CONTEXT)
        np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    np.testing.assert_array_equal(again.batch(7), later)
    batches = [again.batch(step)[0] for step in range(20)]
    assert 20 < sum(int((batch[:, 0] == PREFIX).sum()) for batch in batches) < 60
    assert not np.array_equal(windows(2).batch(7), later)


def test_a_suffix_is_whole_lines_where_it_can_be() -> None:
    after = ")\n    return total\n\n\ndef next_one():\n"
    assert suffix_first_piece(TOKENIZER, after, 1000) == after
    assert suffix_first_piece(TOKENIZER, after, len(TOKENIZER.encode(after)) - 1) == after[:-1]
    lines = len(TOKENIZER.encode(")\n    return total\n\n\ndef"))
    assert suffix_first_piece(TOKENIZER, after, lines) == ")\n    return total\n\n"
    windows = after.replace("\n", "\r\n")
    for n_tokens in range(2, len(TOKENIZER.encode(windows))):
        assert not suffix_first_piece(TOKENIZER, windows, n_tokens).endswith("\r")
    assert suffix_first_piece(TOKENIZER, "\n    return total\n", 3).startswith("\n    r")
    assert suffix_first_piece(TOKENIZER, "", 8) == ""
    assert suffix_first_piece(TOKENIZER, "é", 1) == ""


@given(st.text(), st.integers(1, 20))
def test_a_suffix_takes_no_more_than_its_room(after: str, n_tokens: int) -> None:
    piece = suffix_first_piece(TOKENIZER, after, n_tokens)
    assert after.startswith(piece)
    head = fim_head(TOKENIZER, piece)
    assert head[:2] == [PREFIX, SUFFIX]
    assert head[-1] == MIDDLE
    assert TOKENIZER.decode(head) == piece
    assert len(head) <= 3 + n_tokens


def ticking() -> Callable[[], float]:
    """A clock that is one second later at each look."""
    now = iter(range(10**9))
    return lambda: float(next(now))


def test_resumed_is_uninterrupted_bit_for_bit(tmp_path: Path) -> None:
    whole = small_job(tmp_path / "whole", steps=8, fim_rate=0.5)
    for _ in whole.train(stop=lambda: False, clock=ticking()):
        pass
    job = small_job(tmp_path / "parts", steps=8, fim_rate=0.5)
    for step in (3, 5, 8):
        for _ in job.train(stop=lambda job=job, step=step: job.progress.step >= step, clock=ticking()):  # type: ignore[misc]
            pass
        job = resumed_job(tmp_path / "parts") if step < 8 else job
    for name, param in whole.progress.params.items():
        assert param.tobytes() == job.progress.params[name].tobytes(), name
    plain = small_job(tmp_path / "plain", steps=8)
    run_to_end(plain)
    assert plain.progress.params["model.norm.weight"].tobytes() != whole.progress.params["model.norm.weight"].tobytes()


def test_a_run_learns_to_fill_in(tmp_path: Path) -> None:
    """One text by heart, shown in both ways; held-out text is judged without a suffix, as ever."""
    job = small_job(tmp_path / "m", steps=80, fim_rate=0.5)
    run_to_end(job)
    assert read_training(tmp_path / "m").to_json()["settings"]["infill"] == 0.5
    assert job.progress.best_bits_per_byte < 1


def test_other_recipes_fill_in_nothing(tmp_path: Path) -> None:
    settings = TrainConfig(steps=1, batch_size=2, fim_rate=0.5)
    job = new_job(validation.read(), folder=tmp_path / "m", preset="nano", settings=settings)
    assert job.record.settings.fim_rate == 0
    assert job.run.data.rewrite is None


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_lies_between_0_and_1(rate: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        TrainConfig(steps=1, fim_rate=rate)


def command(home: Path, *arguments: str) -> Result:
    return command_runner().invoke(cli, ["train", *arguments], env={"TINYCODER_HOME": str(home)})


def test_the_option_reaches_the_record(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    for n in range(4):
        (tmp_path / "code" / f"{n}.py").write_text(text("x.py", LESSON).text + f"\nvalue_{n} = {n}\n")
    options = ["--preset", "nano", "--steps", "2", "--name", "m", "--json"]
    done = command(tmp_path / "home", str(tmp_path / "code"), *options, "--fim-rate", "0.25")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["settings"]["infill"] == 0.25
    assert read_training(tmp_path / "home" / "models" / "m").to_json()["settings"]["infill"] == 0.25


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fim-rate", "1.5"],
        ["--fim-rate", "0.5", "--recipe", "validation"],
        ["--fim-rate", "0.5", "--resume"],
    ],
)
def test_the_option_is_refused_where_it_means_nothing(tmp_path: Path, arguments: list[str]) -> None:
    refused = command(tmp_path, *arguments)
    assert refused.exit_code == 2
    assert "--fim-rate" in refused.stderr
