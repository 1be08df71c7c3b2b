"""Arrays outside the heap."""

from __future__ import annotations

import numpy as np
import pytest

from tinycoder.transformer.pages import pages


@pytest.mark.parametrize("shape", [(3, 5), (1,), (0,), (4, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_is_empty_takes_values_and_outlives_the_name_of_its_room(shape: tuple[int, ...], dtype: type) -> None:
    array = pages(shape, dtype)
    assert (array.shape, array.dtype) == (shape, dtype)
    assert not array.any()
    array += 1
    part = array[:1]
    del array
    assert (part == 1).all()
