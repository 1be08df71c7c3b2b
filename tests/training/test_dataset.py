import numpy as np
import pytest

from tinycoder_training.dataset import Windows, evaluation_windows


def test_targets_are_the_next_ids() -> None:
    inputs, targets = Windows(np.arange(1000), context=16, batch_size=4, seed=0).batch(3)
    assert inputs.shape == targets.shape == (4, 16)
    np.testing.assert_array_equal(targets, inputs + 1)


def test_a_step_depends_on_seed_and_step_alone() -> None:
    first, again = (Windows(np.arange(1000), 16, 4, seed=1) for _ in range(2))
    later = first.batch(40)
    np.testing.assert_array_equal(again.batch(40), later)
    assert not np.array_equal(Windows(np.arange(1000), 16, 4, seed=2).batch(40), later)


def test_an_epoch_meets_every_window_once() -> None:
    windows = Windows(np.arange(1000), 16, 1, seed=0)
    starts = {int(windows.batch(step)[0][0, 0]) for step in range(windows.per_epoch)}
    assert len(starts) == windows.per_epoch
    assert len({start % 16 for start in starts}) == 1
    next_epoch = {int(windows.batch(windows.per_epoch + step)[0][0, 0]) for step in range(windows.per_epoch)}
    assert next_epoch != starts


@pytest.mark.parametrize("length", [17, 18, 33, 100])
def test_short_streams_still_fill_windows(length: int) -> None:
    inputs, _ = Windows(np.arange(length), 16, 2, seed=0).batch(5)
    assert inputs.shape == (2, 16)


@pytest.mark.parametrize("length", [2, 5, 17, 18, 33, 49, 100])
def test_evaluation_counts_every_target_once(length: int) -> None:
    inputs, targets = evaluation_windows(np.arange(length), 16, None)
    counted = targets[targets >= 0]
    np.testing.assert_array_equal(np.sort(counted), np.arange(1, length))
    np.testing.assert_array_equal(inputs[targets >= 0] + 1, counted)


def test_part_of_the_stream_is_spread_evenly() -> None:
    inputs, _ = evaluation_windows(np.arange(10_001), 10, 100)
    assert len(inputs) == 10
    assert inputs[0, 0] == 0
    assert inputs[-1, 0] == 9990
