"""Weights in fewer bits: int8 with a scale for each group of inputs, or float16.

Stored are values and scales; what computes is always float32 again. Gains of norms, a few hundred floats that all
else hangs on, stay as they are.
"""

import numpy as np

from tinycoder.config import ModelConfig
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params, param_shapes
from tinycoder.transformer.pages import pages

KINDS = ("float32", "float16", "int8")
GROUP = 64  # inputs that share a scale
SCALES = ".scales"


def quantize(params: Params, kind: str) -> dict[str, Array]:
    """Arrays to store for ``params``: float16 matrices, or int8 ones with float16 scales under NAME.scales."""
    stored: dict[str, Array] = {}
    for name, param in params.items():
        if kind == "float32" or param.ndim == 1:
            stored[name] = param
        elif kind == "float16":
            largest = np.finfo(np.float16).max
            stored[name] = np.clip(param, -largest, largest).astype(np.float16)
        else:
            stored[name], stored[name + SCALES] = quantize_rows(param)
    return stored


def dequantize(stored: dict[str, Array], kind: str) -> Params:
    """float32 parameters from what ``quantize`` made. Raises ``ValueError`` that names a tensor that does not fit."""
    params: Params = {}
    for name, array in stored.items():
        if name.endswith(SCALES) and kind == "int8":
            continue
        matrix = "float32" if array.ndim == 1 else kind
        if array.dtype != matrix:
            raise ValueError(f"tensor {name!r} is {array.dtype}, {matrix} was expected")
        if matrix == "int8":
            scales = stored.get(name + SCALES)
            if scales is None or scales.dtype != np.float16 or scales.shape != scale_shape(array.shape):
                raise ValueError(f"tensor {name!r} has no scales {scale_shape(array.shape)} of float16")
            if not np.isfinite(scales).all():
                raise ValueError(f"tensor {name + SCALES!r} holds values that are not numbers")
            params[name] = dequantize_rows(array, scales, out=pages(array.shape))
        else:
            params[name] = array.astype(np.float32, copy=False)
    return params


def stored_shapes(config: ModelConfig, kind: str) -> dict[str, tuple[int, ...]]:
    """Shape of each array that ``quantize`` makes of the parameters of a model."""
    shapes = param_shapes(config)
    if kind == "int8":
        shapes |= {name + SCALES: scale_shape(shape) for name, shape in shapes.items() if len(shape) == 2}
    return shapes


def scale_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Shape of the scales of a matrix (O,I): (O, I/GROUP), rounded up."""
    return shape[0], -(-shape[1] // GROUP)


def quantize_rows(w: Array) -> tuple[Array, Array]:  # (O,I) -> (O,I) int8, (O,I/GROUP) float16
    """Nearest of 255 steps between plus and minus the largest value of each group."""
    n_rows, n_groups = scale_shape(w.shape)
    padded = np.zeros((n_rows, n_groups * GROUP), np.float32)
    padded[:, : w.shape[1]] = w
    groups = padded.reshape(n_rows, n_groups, GROUP)
    exact = np.abs(groups).max(-1) / 127
    scales = np.minimum(exact, np.finfo(np.float16).max).astype(np.float16)
    scales[scales < exact] = np.nextafter(scales[scales < exact], np.float16(np.inf))  # so that 127 steps suffice
    scales = np.minimum(scales, np.finfo(np.float16).max)
    steps = np.where(scales == 0, 1, scales).astype(np.float32)[..., None]
    values = np.clip(np.rint(groups / steps), -127, 127).astype(np.int8)
    return np.ascontiguousarray(values.reshape(n_rows, -1)[:, : w.shape[1]]), scales


def dequantize_rows(values: Array, scales: Array, out: Array | None = None) -> Array:
    """float32 matrix (O,I) from values and scales."""
    repeated = np.repeat(scales.astype(np.float32), GROUP, axis=1)[:, : values.shape[1]]
    result: Array = np.multiply(values, repeated, out=out)
    return result
