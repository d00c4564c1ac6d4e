"""Morphology: extremes over the cells of a structuring element."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded
from oracles.cv_borders import anchored, extended, without_single_channel


def erode(
    image: Any,
    kernel: np.ndarray | None = None,
    *,
    anchor: tuple[int, int],
    iterations: int,
    borderType: int,
    borderValue: float | None,
) -> Any:
    """The smallest of the pixels under the structuring element, `iterations` times.

    dst(x, y) = min over (i, j) with element(i, j) ≠ 0 of src(x + i − anchor.x, y + j − anchor.y)
    By default what lies outside is the largest number of the depth; without an element it is a square of three.

    image (H, W) or (H, W, C), kernel (height, width) → as image, one channel without its axis
    Source: cv::erode, its formula and its parameters.
    """
    image = without_single_channel(image)
    element = np.ones((3, 3)) if kernel is None else kernel
    height, width = element.shape
    x, y = anchored(anchor, (width, height))
    largest = image.by.storage.huge if isinstance(image, Bounded) else np.inf
    outside = largest if borderValue is None else borderValue
    for _ in range(iterations):
        around = extended(image, y, height - 1 - y, x, width - 1 - x, borderType, outside)
        shifted = [around[j : j + image.shape[0], i : i + image.shape[1]] for j, i in np.argwhere(element != 0)]
        image = np.min(np.stack(shifted), axis=0)
    return image * 1
