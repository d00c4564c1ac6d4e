"""Smoothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, Integers
from oracles.cv_borders import anchored, extended, without_single_channel


def stored_as(x: Any) -> Any:
    """Integers are rounded to nearest and saturated, either way at a tie; floats are as they are."""
    return x.saturated(x.by.storage) if isinstance(x, Bounded) and isinstance(x.by.storage, Integers) else x


def window_sums(x: Any, size: int, axis: int) -> Any:
    """Σ over `size` neighbours along an axis."""
    return np.sum(np.lib.stride_tricks.sliding_window_view(x, size, axis=axis), axis=-1)


def running_sums(x: Any, size: int, axis: int) -> Any:
    """The same as differences of sums from the edge on, as a running sum has them."""
    sums = np.moveaxis(np.cumsum(x, axis=axis), axis, 0)
    later = sums[size - 1 :]
    return np.moveaxis(later - np.concatenate([sums[:1] * 0, sums[: len(later) - 1]]), 0, axis)


def box(sums: Any, image: Any, ksize: tuple[int, int], anchor: tuple[int, int], border: int) -> Any:
    """Sums over the box at every pixel."""
    (width, height), (x, y) = ksize, anchored(anchor, ksize)
    around = extended(without_single_channel(image), y, height - 1 - y, x, width - 1 - x, border)
    return sums(sums(around, height, 0), width, 1)


def blur(image: Any, *, ksize: tuple[int, int], anchor: tuple[int, int], borderType: int) -> Any:
    """The mean of the box around each pixel.

    dst(x, y) = 1 / (width · height) · Σ over the box of src(x + i − anchor.x, y + j − anchor.y),
    rounded to nearest where dst holds integers

    image (H, W) or (H, W, C) → the same, one channel without its axis
    Source: cv::blur, the kernel K; cv::saturate_cast.
    """
    return stored_as(box(window_sums, image, ksize, anchor, borderType) / (ksize[0] * ksize[1]))


def blur_by_running_sums(image: Any, *, ksize: tuple[int, int], anchor: tuple[int, int], borderType: int) -> Any:
    """The same from running sums."""
    return stored_as(box(running_sums, image, ksize, anchor, borderType) / (ksize[0] * ksize[1]))


blur.formulations = (blur_by_running_sums,)  # type: ignore[attr-defined]
