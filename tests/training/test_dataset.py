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


def test_documents_are_shuffled_anew_each_epoch() -> None:
    end = 0
    ids = np.concatenate([np.r_[np.full(9, document), end] for document in range(1, 41)])
    windows = Windows(ids, 10, 1, seed=0, end=end)
    plain = Windows(ids, 10, 1, seed=0)

    def neighbours(epoch: int) -> set[tuple[int, int]]:
        """Documents that meet in a window of the epoch, the earlier one first."""
        pairs = set()
        for step in range(epoch * windows.per_epoch, (epoch + 1) * windows.per_epoch):
            row = windows.batch(step)[0][0]
            pairs |= {(int(row[i - 1]), int(row[i + 1])) for i in np.flatnonzero(row == end) if 0 < i < len(row) - 1}
        return pairs

    assert all(later == earlier + 1 for earlier, later in neighbours(0))
    second, third = neighbours(1), neighbours(2)
    assert len(second) > 20
    assert len(second & third) < 5
    assert sum(later == earlier + 1 for earlier, later in second) < 5
    for step in (3, windows.per_epoch - 1):
        np.testing.assert_array_equal(windows.batch(step), plain.batch(step))
    again = Windows(ids, 10, 1, seed=0, end=end)
    np.testing.assert_array_equal(again.batch(100), windows.batch(100))  # on the epoch and the seed alone


def test_a_batch_over_the_end_of_an_epoch_has_rows_of_both() -> None:
    ids = np.tile(np.r_[np.arange(1, 20), 0], 10)
    rows, single = Windows(ids, 10, 4, seed=0, end=0), Windows(ids, 10, 1, seed=0, end=0)
    for step in range(2 * rows.per_epoch):
        expected = np.concatenate([single.batch(4 * step + row)[0] for row in range(4)])
        np.testing.assert_array_equal(rows.batch(step)[0], expected)


def test_a_stream_without_documents_keeps_its_order() -> None:
    ids = np.arange(1, 400)
    windows, plain = Windows(ids, 16, 1, seed=0, end=0), Windows(ids, 16, 1, seed=0)
    np.testing.assert_array_equal(windows.batch(60), plain.batch(60))


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
