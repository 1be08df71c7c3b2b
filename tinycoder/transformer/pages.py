"""Arrays in pages of their own, which the system has back as soon as nobody needs them: they leave no holes."""

import math
import mmap
import os
from typing import Any

import numpy as np

from tinycoder.transformer.layers import Array

_ACCESS = mmap.ACCESS_WRITE if os.name == "nt" else mmap.ACCESS_COPY  # no process that is forked shares it


def pages(shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """A new array of zeros."""
    n, width = math.prod(shape), np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, max(1, n * width), access=_ACCESS), dtype, n).reshape(shape)
