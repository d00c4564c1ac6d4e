"""Sums and means over boxes in any depth, and medians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.cv_borders import REPLICATE, extended, without_single_channel
from oracles.cv_filtering import box, running_sums, window_sums
from oracles.cv_linear import results


def box_filter_by(sums: Callable[..., Any]) -> Any:
    """The oracle of one way to sum."""

    def box_filter(
        image: Any, *, ddepth: int, ksize: tuple[int, int], anchor: tuple[int, int], normalize: bool, borderType: int
    ) -> dict[str, Any]:
        """The sum over the box around each pixel, or its mean.

        dst(x, y) = α · Σ over the box of src(x + i − anchor.x, y + j − anchor.y), α = 1 / (width · height) or, unnormalised, 1

        image (H, W) or (H, W, C) → as image, one channel without its axis, in the depth asked for
        Source: cv::boxFilter, the kernel K.
        """
        summed = box(sums, image, ksize, anchor, borderType)
        return results(summed / (ksize[0] * ksize[1]) if normalize else summed * 1, ddepth, image)

    return box_filter


def sqr_box_filter_by(sums: Callable[..., Any]) -> Any:
    """The oracle of one way to sum."""

    def sqr_box_filter(
        image: Any, *, ddepth: int, ksize: tuple[int, int], anchor: tuple[int, int], normalize: bool, borderType: int
    ) -> dict[str, Any]:
        """The same of squared pixels.

        dst(x, y) = α · Σ over the box of src(x + i − anchor.x, y + j − anchor.y)²

        image (H, W) or (H, W, C) → as image, one channel without its axis, in the depth asked for
        Source: cv::sqrBoxFilter.
        """
        summed = box(sums, np.square(image), ksize, anchor, borderType)
        return results(summed / (ksize[0] * ksize[1]) if normalize else summed * 1, ddepth, image)

    return sqr_box_filter


box_filter, sqr_box_filter = box_filter_by(window_sums), sqr_box_filter_by(window_sums)
box_filter.formulations = (box_filter_by(running_sums),)
sqr_box_filter.formulations = (sqr_box_filter_by(running_sums),)


def median_blur(image: Any, *, ksize: int) -> Any:
    """The median of the ksize × ksize pixels around each one, channel by channel; the border is replicated.

    image (H, W) or (H, W, C) → as image, one channel without its axis
    Source: cv::medianBlur.
    """
    reach = ksize // 2
    around = extended(without_single_channel(image), reach, reach, reach, reach, REPLICATE)
    windows = np.lib.stride_tricks.sliding_window_view(around, (ksize, ksize), axis=(0, 1))
    cells = windows.reshape(*windows.shape[:-2], ksize * ksize)
    return np.sort(cells, axis=-1)[..., ksize * ksize // 2] * 1
