"""The windows that convolution, pooling and unfolding slide over an image: where they lie and what they hold."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

Sides = tuple[int, ...]
Margins = tuple[tuple[int, int], ...]


def spread(option: Any, rank: int) -> Sides:
    """An option given once or for every axis, as one integer for every axis."""
    return tuple(int(value) for value in np.broadcast_to(option, rank))


def extent(kernel: Sides, dilation: Sides) -> Sides:
    """How far a window reaches: d·(k − 1) + 1 cells."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


def window_counts(sides: Sides, kernel: Sides, stride: Sides, padding: Margins, dilation: Sides, ceil_mode: bool = False) -> Sides:
    """How many windows fit along every axis: ⌊(L + before + after − d·(k − 1) − 1) / s⌋ + 1.

    With ceil_mode ⌈·⌉, so that the last window may hang over, but not if it would start in the padding after the image.
    """

    def count(side: int, reach: int, step: int, margin: tuple[int, int]) -> int:
        room = side + sum(margin) - reach
        windows = (-(-room // step) if ceil_mode else room // step) + 1
        return windows - (ceil_mode and (windows - 1) * step >= side + margin[0])

    return tuple(map(count, sides, extent(kernel, dilation), stride, padding))


def windows(x: Any, kernel: Sides, stride: Sides, dilation: Sides) -> Any:
    """The windows of the last axes, x (…, H, W) → (…, H′, W′, P, Q): cell p of window i is x[i·stride + p·dilation]."""
    rank = len(kernel)
    cells: Any = np.lib.stride_tricks.sliding_window_view(x, extent(kernel, dilation), axis=tuple(range(-rank, 0)))
    return cells[(..., *(slice(None, None, step) for step in (*stride, *dilation)))]


def places(sides: Sides, kernel: Sides, stride: Sides, padding: Margins, dilation: Sides, counts: Sides) -> np.ndarray:
    """The flat index in the image of every window's cells, −1 in the padding: (H′, W′, P, Q), H′ and W′ as counted."""
    image = np.arange(math.prod(sides)).reshape(sides)
    reach = ((n - 1) * s + e for n, s, e in zip(counts, stride, extent(kernel, dilation), strict=True))
    after = (max(0, r - side - before) for r, side, (before, _) in zip(reach, sides, padding, strict=True))
    padded = np.pad(image, [(before, more) for (before, _), more in zip(padding, after, strict=True)], constant_values=-1)
    return np.asarray(windows(padded, kernel, stride, dilation)[tuple(slice(n) for n in counts)])


def of_rank(function: Callable[..., Any], rank: int) -> Callable[..., Any]:
    """The function, and its other formulations, for arrays of that many axes behind the channels."""

    @functools.wraps(function)
    def ranked(*arrays: Any, **options: Any) -> Any:
        return function(*arrays, rank=rank, **options)

    ranked.formulations = tuple(of_rank(other, rank) for other in getattr(function, "formulations", ()))  # type: ignore[attr-defined]
    return ranked
