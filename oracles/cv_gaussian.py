"""Smoothing by bells: Gaussian blur."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import FLOAT64, Arithmetic, Bounded, contract, exact
from oracles.cv_borders import extended, without_single_channel
from oracles.cv_filtering import stored_as


def sides_of(ksize: tuple[int, int], sigmas: tuple[float, float], eight_bits: bool) -> tuple[int, ...]:
    """Sizes as they are; in place of 0 an odd one that reaches three (8 bits) or four standard deviations to either side.

    Source: cv::GaussianBlur, "computed from sigma"; cv::createGaussianKernels, its comment.
    """
    reach = 3 if eight_bits else 4
    return tuple(size or int(np.rint(2 * reach * sigma + 1)) | 1 for size, sigma in zip(ksize, sigmas, strict=True))


def gaussian(size: int, sigma: float, by: Arithmetic | None) -> Any:
    """α · exp(−(i − (size − 1) / 2)² / 2σ²), α such that the weights add up to one; without σ it is 0.3 · ((size − 1) / 2 − 1) + 0.8.

    The kernel is made in double precision; a subject of fixed point rounds it as it declares.
    Source: cv::getGaussianKernel, its formula and the default of ktype.
    """
    sigma = sigma if sigma > 0 else 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    away: Any = np.arange(size) - (size - 1) / 2
    if by is not None:
        away = exact(away, by.but(compute=FLOAT64, accumulate=FLOAT64))
    bell = np.exp(np.square(away / sigma) * -0.5)
    kernel = bell / np.sum(bell)
    return exact(by.weights(kernel.value), by) if by is not None and by.weights else kernel


def plainly(windows: Any, kernel: Any) -> Any:
    """Σ over i of kernel(i) · windows(…, i)."""
    return contract("...i,i->...", windows, kernel)


def folded(windows: Any, kernel: Any) -> Any:
    """The same of a symmetric kernel, the two pixels of a weight added before."""
    half = kernel.shape[0] // 2
    pairs = windows[..., :half] + windows[..., :half:-1]
    return contract("...i,i->...", np.concatenate([pairs, windows[..., half : half + 1]], axis=-1), kernel[: half + 1])


def gaussian_blur_by(weighted: Callable[..., Any], rows_first: bool) -> Any:
    """The oracle of one way to sum."""

    def gaussian_blur(image: Any, *, ksize: tuple[int, int], sigmaX: float, sigmaY: float, borderType: int) -> Any:
        """Each pixel is a mean of its neighbours, weighted by two bells.

        dst(x, y) = Σ over (i, j) of G(height, σY)(j) · G(width, σX)(i) · src(x + i − ⌊width / 2⌋, y + j − ⌊height / 2⌋)

        σY is σX if it is zero; a size of zero is computed from its σ, σ from the size if both are zero; integers are rounded and saturated

        image (H, W) or (H, W, C) → as image, one channel without its axis
        Source: cv::GaussianBlur, cv::getGaussianKernel.
        """
        sigmas = sigmaX, sigmaY if sigmaY > 0 else sigmaX
        by = image.by if isinstance(image, Bounded) else None
        sides = sides_of(ksize, sigmas, (by.storage.name if by else str(image.dtype)) == "uint8")
        across, down = (size // 2 for size in sides)
        around = extended(without_single_channel(image), down, down, across, across, borderType)
        for axis in (1, 0) if rows_first else (0, 1):
            windows = np.lib.stride_tricks.sliding_window_view(around, sides[1 - axis], axis=axis)
            around = weighted(windows, gaussian(sides[1 - axis], sigmas[1 - axis], by))
        return stored_as(around)

    return gaussian_blur


gaussian_blur = gaussian_blur_by(plainly, True)
gaussian_blur.formulations = tuple(
    gaussian_blur_by(weighted, order) for weighted, order in ((folded, True), (plainly, False), (folded, False))
)
