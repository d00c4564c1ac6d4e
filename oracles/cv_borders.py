"""What lies beyond the edge of an image."""

from __future__ import annotations

from typing import Any

import numpy as np

CONSTANT, REPLICATE, REFLECT, WRAP, REFLECT_101, ISOLATED = 0, 1, 2, 3, 4, 16
MODES = {REPLICATE: "edge", REFLECT: "symmetric", WRAP: "wrap", REFLECT_101: "reflect"}


def extended(image: Any, above: int, below: int, left: int, right: int, border: int, value: float = 0) -> Any:
    """An image (H, W, …) with rows and columns added around it.

    constant  vvvv|abcd|vvvv      replicate  aaaa|abcd|dddd      reflect  dcba|abcd|dcba
    wrap      abcd|abcd|abcd      reflect_101 (default)  dcb|abcd|cba
    BORDER_ISOLATED says that nothing outside the image is looked at, which is so for every array.

    Source: cv::BorderTypes.
    """
    kind = border & ~ISOLATED
    if kind == CONSTANT:
        around = ((above, below), (left, right), *[(0, 0)] * (image.ndim - 2))
        return np.pad(image, around, constant_values=value)
    rows = np.pad(np.arange(image.shape[0]), (above, below), MODES[kind])  # type: ignore[call-overload]
    columns = np.pad(np.arange(image.shape[1]), (left, right), MODES[kind])  # type: ignore[call-overload]
    return image[rows][:, columns]


def without_single_channel(image: Any) -> Any:
    """(H, W, 1) as (H, W): cv2 returns one channel without an axis of its own."""
    return image.reshape(image.shape[:2]) if image.ndim == 3 and image.shape[2] == 1 else image


def anchored(anchor: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The anchor (x, y) within a kernel of (width, height); −1 is the middle, right of it in even kernels."""
    return tuple(side // 2 if at == -1 else at for at, side in zip(anchor, size, strict=True))  # type: ignore[return-value]
