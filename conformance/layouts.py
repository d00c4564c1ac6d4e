"""Ways for one array to lie in memory: the same values, other strides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def contiguous(x: np.ndarray) -> np.ndarray:
    """Rows one after the other."""
    return np.ascontiguousarray(x).reshape(x.shape)


def channels_last(x: np.ndarray) -> np.ndarray:
    """(N, C, …) with the channels of a pixel side by side in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def transposed(x: np.ndarray) -> np.ndarray:
    """The last two axes exchanged in memory."""
    return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)


def strided(x: np.ndarray) -> np.ndarray:
    """Every second element of a wider array, other numbers between them."""
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1] + 1), 77, x.dtype)
    view = wide[..., 1::2]
    view[...] = x
    return view


def offset(x: np.ndarray) -> np.ndarray:
    """A contiguous block that begins inside a larger storage."""
    storage = np.full(x.size + 7, 77, x.dtype)
    view = storage[5 : 5 + x.size].reshape(x.shape)
    view[...] = x
    return view


def window(x: np.ndarray) -> np.ndarray:
    """A region of interest inside a larger array, other numbers on every side."""
    surrounded = np.full([side + 4 for side in x.shape], 77, x.dtype)
    view = surrounded[tuple(slice(2, 2 + side) for side in x.shape)]
    view[...] = x
    return view


def reversed_(x: np.ndarray) -> np.ndarray:
    """Negative strides along every axis."""
    flip = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[flip])[flip]


LAYOUTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    # name: (lay out, the least number of axes that it needs)
    "contiguous": (contiguous, 0),
    "channels_last": (channels_last, 3),
    "transposed": (transposed, 2),
    "strided": (strided, 1),
    "offset": (offset, 1),
    "window": (window, 1),
    "reversed": (reversed_, 1),
}


def lay_out(x: np.ndarray, layout: str) -> np.ndarray:
    """x with equal values and the named memory layout.

    Raises KeyError for an unknown layout and ValueError for one that needs more axes than x has.
    """
    arrange, axes = LAYOUTS[layout]
    if x.ndim < axes:
        raise ValueError(f"{layout} needs an array of at least {axes} axes, this one has {x.ndim}")
    return arrange(x)
