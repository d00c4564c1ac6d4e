"""Smoothing that keeps edges: the bilateral filter."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, anything_where, exact, interpolated, weighted_mean
from oracles.conventions import plain
from oracles.cv_borders import extended, without_single_channel
from oracles.cv_filtering import stored_as


def radius_of(d: int, sigmaSpace: float) -> int:
    """Half the diameter, rounded down; of a diameter that is not positive 1.5 · sigmaSpace; at least one pixel."""
    return max(d // 2 if d > 0 else int(np.rint(1.5 * sigmaSpace)), 1)


def disc(radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns, from the corner of a square, of the pixels that are not farther from its centre than the radius."""
    down, across = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    rows, columns = np.nonzero(down**2 + across**2 <= radius**2)
    return rows, columns


def bell(squares: Any, sigma: float) -> Any:
    """exp(−distance² / 2σ²), of squares of distances."""
    return np.exp(squares * (-0.5 / sigma**2))


def bilateral_filter(image: Any, *, d: int, sigmaColor: float, sigmaSpace: float, borderType: int) -> Any:
    """Each pixel is a mean of those around it, weighted by how near they are in place and in colour.

    dst(p) = Σ over q of w(p, q) · src(q) / Σ over q of w(p, q),
    w(p, q) = exp(−|p − q|² / 2·sigmaSpace²) · exp(−D² / 2·sigmaColor²), D = Σ over channels of |src(p) − src(q)|,
    q in the disc of the radius ⌊d / 2⌋ around p, or 1.5 · sigmaSpace if d ≤ 0; integers are rounded to nearest

    A deviation that is not positive leaves the image as it is. Nothing is said of NaN and infinities.

    image (H, W) or (H, W, C) → as image, one channel without its axis
    Source: cv::bilateralFilter; Tomasi & Manduchi, Bilateral Filtering for Gray and Color Images, equations 5 to 7; for deviations
    that are not positive opencv issue 22886.
    """
    pixels = without_single_channel(image)
    if min(sigmaColor, sigmaSpace) <= 0:
        return stored_as(pixels)
    radius = radius_of(d, sigmaSpace)
    rows, columns = disc(radius)
    around = extended(pixels.reshape(*pixels.shape[:2], -1), radius, radius, radius, radius, borderType)
    windows = np.lib.stride_tricks.sliding_window_view(around, (2 * radius + 1,) * 2, axis=(0, 1))[..., rows, columns]
    away = np.sum(np.abs(windows - pixels.reshape(*pixels.shape[:2], -1, 1)), axis=2)
    colour = interpolated(lambda away: bell(np.square(away), sigmaColor), away, float(np.ptp(plain(around))), sigmaColor**-2)
    squares = (rows - radius) ** 2 + (columns - radius) ** 2
    weights = colour * bell(exact(squares, image.by) if isinstance(image, Bounded) else squares, sigmaSpace)
    odd = ~np.isfinite(plain(windows)).all(axis=(2, 3))
    return stored_as(anything_where(odd[..., None], weighted_mean(windows, weights[:, :, None, :])).reshape(pixels.shape))
