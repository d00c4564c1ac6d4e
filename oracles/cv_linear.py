"""Linear filters of images: correlation with a kernel, whole or as a column and a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import FORMATS, INTEGERS, Bounded, Exactly, contract
from oracles.cv_borders import anchored, extended, without_single_channel

DEPTHS = {0: "uint8", 1: "int8", 2: "uint16", 3: "int16", 4: "int32", 5: "float32", 6: "float64"}


def in_depth(x: Any, ddepth: int) -> Any:
    """Results in another depth, or in that of the image (−1): integers are rounded to nearest and saturated."""
    if not isinstance(x, Bounded):
        return x
    name = DEPTHS.get(ddepth, x.by.storage.name)
    if name in INTEGERS:
        return x.saturated(INTEGERS[name])
    return Bounded(x.value, x.error, x.by.but(storage=FORMATS[name]))


def results(x: Any, ddepth: int, image: Any) -> dict[str, Any]:
    """An image in a depth, and the depth that it must have."""
    own = image.by.storage.name if isinstance(image, Bounded) else str(image.dtype)
    return {"output": in_depth(x, ddepth), "depth": Exactly(DEPTHS.get(ddepth, own))}


def correlated(image: Any, kernel: Any, anchor: tuple[int, int], border: int, start: Any = None) -> Any:
    """start + Σ over (i, j) of kernel(i, j) · src(x + i − anchor.x, y + j − anchor.y): (H, W, …) → the same."""
    height, width = kernel.shape
    x, y = anchored(anchor, (width, height))
    around = extended(image, y, height - 1 - y, x, width - 1 - x, border)
    windows = np.lib.stride_tricks.sliding_window_view(around, (height, width), axis=(0, 1))
    return contract("...ij,ij->...", windows, kernel, start)


def separated(image: Any, column: Any, row: Any, anchor: tuple[int, int], border: int, rows_first: bool, start: Any = None) -> Any:
    """The same with the kernel column · row, one after the other."""
    x, y = anchored(anchor, (len(row), len(column)))
    across, down = row[None, :], column[:, None]
    around = extended(image, y, len(column) - 1 - y, x, len(row) - 1 - x, border)
    first, second = (across, down) if rows_first else (down, across)
    for kernel, beginning in ((first, None), (second, start)):
        windows = np.lib.stride_tricks.sliding_window_view(around, kernel.shape, axis=(0, 1))
        around = contract("...ij,ij->...", windows, kernel, beginning)
    return around


def filter2d(image: Any, kernel: Any, *, ddepth: int, anchor: tuple[int, int], delta: float, borderType: int) -> dict[str, Any]:
    """Correlation with a kernel.

    dst(x, y) = delta + Σ over (i, j) of kernel(i, j) · src(x + i − anchor.x, y + j − anchor.y), rounded and saturated in integer depths

    image (H, W) or (H, W, C), kernel (height, width) → as image, one channel without its axis, in the depth asked for
    Source: cv::filter2D, its formula.
    """
    plain = without_single_channel(image)
    return results(correlated(plain, kernel, anchor, borderType, delta), ddepth, image)


def sep_filter2d_by(rows_first: bool) -> Any:
    """The oracle of one order of the two passes."""

    def sep_filter2d(
        image: Any, kernelX: Any, kernelY: Any, *, ddepth: int, anchor: tuple[int, int], delta: float, borderType: int
    ) -> dict[str, Any]:
        """Every row is filtered with kernelX, every column with kernelY, and delta is added.

        dst(x, y) = delta + Σ over (i, j) of kernelY(j) · kernelX(i) · src(x + i − anchor.x, y + j − anchor.y)

        image (H, W) or (H, W, C), kernelX (width,), kernelY (height,) → as image, in the depth asked for
        Source: cv::sepFilter2D.
        """
        plain = without_single_channel(image)
        return results(separated(plain, kernelY, kernelX, anchor, borderType, rows_first, delta), ddepth, image)

    return sep_filter2d


sep_filter2d = sep_filter2d_by(True)
sep_filter2d.formulations = (sep_filter2d_by(False),)
