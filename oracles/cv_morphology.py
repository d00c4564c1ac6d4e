"""Morphology: extremes over the cells of a structuring element."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, Exactly
from oracles.cv_borders import anchored, extended, without_single_channel
from oracles.cv_filtering import stored_as

ERODE, DILATE, OPEN, CLOSE, GRADIENT, TOPHAT, BLACKHAT, HITMISS = range(8)
RECTANGLE, CROSS, ELLIPSE, DIAMOND = range(4)


def extreme(
    image: Any, kernel: np.ndarray | None, anchor: tuple[int, int], iterations: int, border: int, value: float | None, least: bool
) -> Any:
    """The least or the largest pixel under the element, `iterations` times; beyond the edge lies what never wins, unless it is given."""
    element = np.ones((3, 3)) if kernel is None else kernel
    height, width = element.shape
    x, y = anchored(anchor, (width, height))
    storage = image.by.storage if isinstance(image, Bounded) else None
    never = (np.inf if least else -np.inf) if storage is None else storage.huge if least else getattr(storage, "lowest", -storage.huge)
    outside = never if value is None else value
    for _ in range(iterations):
        around = extended(image, y, height - 1 - y, x, width - 1 - x, border, outside)
        cells = [around[j : j + image.shape[0], i : i + image.shape[1]] for j, i in np.argwhere(element != 0)]
        image = (np.min if least else np.max)(np.stack(cells), axis=0)
    return image * 1


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
    return extreme(without_single_channel(image), kernel, anchor, iterations, borderType, borderValue, least=True)


def dilate(
    image: Any,
    kernel: np.ndarray | None = None,
    *,
    anchor: tuple[int, int],
    iterations: int,
    borderType: int,
    borderValue: float | None,
) -> Any:
    """The largest of the pixels under the structuring element, `iterations` times.

    dst(x, y) = max over (i, j) with element(i, j) ≠ 0 of src(x + i − anchor.x, y + j − anchor.y)
    By default what lies outside is the least number of the depth; without an element it is a square of three.

    image (H, W) or (H, W, C), kernel (height, width) → as image, one channel without its axis
    Source: cv::dilate, its formula and its parameters.
    """
    return extreme(without_single_channel(image), kernel, anchor, iterations, borderType, borderValue, least=False)


def morphology(
    image: Any,
    kernel: np.ndarray | None = None,
    *,
    op: int,
    anchor: tuple[int, int],
    iterations: int,
    borderType: int,
    borderValue: float | None,
) -> Any:
    """Compositions of erosion E and dilation D, both with the same options.

    open D(E(src)), close E(D(src)), gradient D(src) − E(src), top-hat src − open, black-hat close − src, each saturated;
    hit-or-miss of an image of 0 and 255: E by the cells that are 1, and E of the complement by those that are −1.

    image (H, W) or (H, W, C), kernel (height, width) → as image, one channel without its axis
    Source: cv::morphologyEx, cv::MorphTypes.
    """
    image = without_single_channel(image)

    def eroded(x: Any, element: Any = kernel) -> Any:
        return extreme(x, element, anchor, iterations, borderType, borderValue, least=True)

    def dilated(x: Any) -> Any:
        return extreme(x, kernel, anchor, iterations, borderType, borderValue, least=False)

    def hit_or_miss(x: Any) -> Any:
        assert kernel is not None
        parts = ((x, kernel == 1), (255 - x, kernel == -1))
        return np.min(np.stack([eroded(part, cells) for part, cells in parts if cells.any()]), axis=0)

    compositions = {
        ERODE: eroded,
        DILATE: dilated,
        OPEN: lambda x: dilated(eroded(x)),
        CLOSE: lambda x: eroded(dilated(x)),
        GRADIENT: lambda x: stored_as(dilated(x) - eroded(x)),
        TOPHAT: lambda x: stored_as(x - dilated(eroded(x))),
        BLACKHAT: lambda x: stored_as(eroded(dilated(x)) - x),
        HITMISS: hit_or_miss,
    }
    return compositions[op](image)


def structuring_element(*, shape: int, ksize: tuple[int, int], anchor: tuple[int, int]) -> Exactly:
    """A rectangle of ones; a cross through the anchor; the ellipse, or the diamond, inscribed in the rectangle.

    ellipse: row y holds the columns c − d … c + d with d = round(c·√(1 − ((y − r)/r)²)), r = height // 2, c = width // 2;
    diamond: with |x − c| + |y − r| ≤ r. A single cell is always 1.

    → (height, width) of 0 and 1
    Source: cv::getStructuringElement, cv::MorphShapes.
    """
    return Exactly(element(shape, ksize, anchor))


def element(shape: int, ksize: tuple[int, int], anchor: tuple[int, int]) -> np.ndarray:
    """The cells themselves."""
    width, height = ksize
    x, y = np.arange(width), np.arange(height)[:, None]
    if shape == RECTANGLE or ksize == (1, 1):
        return np.ones((height, width), np.uint8)
    if shape == CROSS:
        column, row = anchored(anchor, ksize)
        return np.asarray(((x == column) | (y == row)).astype(np.uint8))
    r, c = height // 2, width // 2
    if shape == DIAMOND:
        return np.asarray(np.abs(x - c) <= r - np.abs(y - r), np.uint8)
    reach = np.rint(c * np.sqrt(np.maximum(0, 1 - ((y - r) / r) ** 2))) if r else np.zeros((height, 1))
    return ((np.abs(x - c) <= reach) & (np.abs(y - r) <= r)).astype(np.uint8)
