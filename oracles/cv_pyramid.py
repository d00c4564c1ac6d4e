"""Steps of a Gaussian pyramid."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, contract
from oracles.cv_borders import REFLECT_101, extended, without_single_channel
from oracles.cv_filtering import stored_as

BINOMIAL = np.array([1, 4, 6, 4, 1])


def smoothed(around: Any) -> Any:
    """Sums of 5 × 5 pixels with the weights of two binomials, along rows and then along columns: two pixels less on every side."""
    for axis in (1, 0):
        around = contract("...i,i->...", np.lib.stride_tricks.sliding_window_view(around, 5, axis=axis), BINOMIAL)
    return around


def pyr_down(image: Any, *, dstsize: tuple[int, int] | None, borderType: int) -> Any:
    """Every second row and column of the smoothed image, from the first on.

    dst(x, y) = 1/256 · Σ over (i, j) of k(i) · k(j) · src(2x + i − 2, 2y + j − 2), k = (1, 4, 6, 4, 1)

    image (H, W) or (H, W, C) → by default (⌈H / 2⌉, ⌈W / 2⌉), and the channels; up to two pixels less or more of the source in each axis
    Source: cv::pyrDown.
    """
    image = without_single_channel(image)
    rows, columns = dstsize[::-1] if dstsize else ((side + 1) // 2 for side in image.shape[:2])
    below, right = (2 * wanted + 3 - side for wanted, side in zip((rows, columns), image.shape, strict=False))
    around = extended(image, 2, max(below, 0), 2, max(right, 0), borderType)
    return stored_as(smoothed(around[: 2 * rows + 3, : 2 * columns + 3])[::2, ::2] / 256)


def pyr_up(image: Any, *, dstsize: tuple[int, int] | None, borderType: int) -> Any:
    """The image with rows and columns of zeros after each of its own, smoothed with four times the kernel.

    dst(x, y) = 1/64 · Σ over (i, j) of k(i) · k(j) · up(x + i − 2, y + j − 2), k = (1, 4, 6, 4, 1)

    image (H, W) or (H, W, C) → by default (2H, 2W), and the channels; of an odd size one less, or one more, of which nothing is said
    Source: cv::pyrUp.
    """
    image = without_single_channel(image)
    rows, columns = dstsize[::-1] if dstsize else (2 * side for side in image.shape[:2])
    for axis in (0, 1):
        image = np.stack([image, image * 0 if not isinstance(image, Bounded) else np.zeros_like(image)], axis=axis + 1)
        image = image.reshape(*image.shape[:axis], -1, *image.shape[axis + 2 :])
    up = smoothed(extended(image, 2, 2, 2, 2, REFLECT_101)) / 64
    beyond = [np.arange(wanted) >= side for wanted, side in zip((rows, columns), up.shape, strict=False)]
    at = [np.where(far, 0, np.arange(len(far))) for far in beyond]
    taken = up[at[0]][:, at[1]]
    far = (beyond[0][:, None] | beyond[1]).reshape(rows, columns, *[1] * (up.ndim - 2))
    return stored_as(
        Bounded(taken.value, np.where(far, np.inf, taken.error), taken.by) if isinstance(taken, Bounded) and far.any() else taken
    )
