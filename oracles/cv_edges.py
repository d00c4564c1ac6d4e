"""Edges: derivatives of images by small kernels of integers, and Canny's edges."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Exactly, OneOf
from oracles.conventions import plain
from oracles.cv_borders import REPLICATE, extended, without_single_channel
from oracles.cv_linear import correlated, results, separated

SCHARR = -1
MIDDLE = (-1, -1)


def derivative_kernel(order: int, size: int) -> np.ndarray:
    """A smoothing kernel (1, 1)^(size − order − 1) convolved with (−1, 1)^order; with size 1 nothing is smoothed.

    Source: cv::getDerivKernels; cv::Sobel, "when ksize = 1, the 3 × 1 or 1 × 3 kernel is used".
    """
    size = 3 if size == 1 and order else size
    kernel = np.ones(1)
    for step in range(size - 1):
        kernel = np.convolve(kernel, (1, 1) if step < size - order - 1 else (-1, 1))
    return kernel


def sobel_parts(dx: int, dy: int, ksize: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row whose product is the kernel of ∂^(dx+dy) / ∂x^dx ∂y^dy; ksize −1 is Scharr's (3, 10, 3) × (−1, 0, 1).

    Source: cv::Sobel, cv::Scharr.
    """
    if ksize == SCHARR:
        return tuple(np.array((-1.0, 0, 1)) if order else np.array((3.0, 10, 3)) for order in (dy, dx))  # type: ignore[return-value]
    return derivative_kernel(dy, ksize), derivative_kernel(dx, ksize)


def sobel_kernel(dx: int, dy: int, ksize: int) -> np.ndarray:
    """The kernel (height, width) itself, of whole numbers."""
    return np.asarray(np.outer(*sobel_parts(dx, dy, ksize)), int)


def laplacian_kernel(ksize: int) -> np.ndarray:
    """∂²/∂x² + ∂²/∂y² by Sobel's kernels; of size 1 the five cells 0 1 0 / 1 −4 1 / 0 1 0.

    Source: cv::Laplacian, both formulas.
    """
    if ksize == 1:
        return np.array(((0, 1, 0), (1, -4, 1), (0, 1, 0)))
    return np.asarray(sobel_kernel(2, 0, ksize) + sobel_kernel(0, 2, ksize))


def whole(image: Any, kernel: np.ndarray, ddepth: int, scale: float, delta: float, border: int) -> dict[str, Any]:
    """scale · (kernel ∗ image) + delta in a depth: what is filtered is scaled."""
    plain = without_single_channel(image)
    if scale == 1:
        return results(correlated(plain, kernel, MIDDLE, border, delta), ddepth, image)
    return results(correlated(plain, kernel, MIDDLE, border) * scale + delta, ddepth, image)


def scaled_kernel(image: Any, kernel: np.ndarray, ddepth: int, scale: float, delta: float, border: int) -> dict[str, Any]:
    """The same, the kernel scaled before."""
    return results(correlated(without_single_channel(image), kernel * scale, MIDDLE, border, delta), ddepth, image)


def sobel(image: Any, *, ddepth: int, dx: int, dy: int, ksize: int, scale: float, delta: float, borderType: int) -> dict[str, Any]:
    """A derivative of the image.

    dst = scale · ∂^(dx+dy) src / ∂x^dx ∂y^dy + delta, rounded and saturated in integer depths

    image (H, W) or (H, W, C) → as image, one channel without its axis, in the depth asked for
    Source: cv::Sobel, its formula; cv::getDerivKernels.
    """
    return whole(image, sobel_kernel(dx, dy, ksize), ddepth, scale, delta, borderType)


def sobel_by_parts(scaled: str, rows_first: bool) -> Any:
    """The same by a column and a row, of which one carries the scale."""

    def sobel(image: Any, *, ddepth: int, dx: int, dy: int, ksize: int, scale: float, delta: float, borderType: int) -> dict[str, Any]:
        column, row = sobel_parts(dx, dy, ksize)
        column, row = (column * scale, row.astype(int)) if scaled == "column" else (column.astype(int), row * scale)
        plain = without_single_channel(image)
        return results(separated(plain, column, row, MIDDLE, borderType, rows_first, delta), ddepth, image)

    return sobel


sobel.formulations = tuple(sobel_by_parts(scaled, order) for scaled in ("column", "row") for order in (True, False))  # type: ignore[attr-defined]


def scharr(image: Any, *, ddepth: int, dx: int, dy: int, scale: float, delta: float, borderType: int) -> dict[str, Any]:
    """The first derivative by the kernel (3, 10, 3) × (−1, 0, 1).

    image (H, W) or (H, W, C) → as image, one channel without its axis, in the depth asked for
    Source: cv::Scharr.
    """
    return sobel(image, ddepth=ddepth, dx=dx, dy=dy, ksize=SCHARR, scale=scale, delta=delta, borderType=borderType)


scharr.formulations = tuple(  # type: ignore[attr-defined]
    lambda image, way=way, **options: way(image, ksize=SCHARR, **options)
    for way in sobel.formulations  # type: ignore[attr-defined]
)


def laplacian(image: Any, *, ddepth: int, ksize: int, scale: float, delta: float, borderType: int) -> dict[str, Any]:
    """∂² src / ∂x² + ∂² src / ∂y².

    image (H, W) or (H, W, C) → as image, one channel without its axis, in the depth asked for
    Source: cv::Laplacian, both formulas.
    """
    return whole(image, laplacian_kernel(ksize), ddepth, scale, delta, borderType)


def laplacian_by_scaled_kernel(image: Any, *, ddepth: int, ksize: int, scale: float, delta: float, borderType: int) -> dict[str, Any]:
    """The same, the kernel scaled before."""
    return scaled_kernel(image, laplacian_kernel(ksize), ddepth, scale, delta, borderType)


laplacian.formulations = (laplacian_by_scaled_kernel,)  # type: ignore[attr-defined]


def spatial_gradient(image: Any, *, ksize: int, borderType: int) -> dict[str, Any]:
    """Both first derivatives of an 8-bit image, as 16-bit integers.

    image (H, W) → dx, dy (H, W)
    Source: cv::spatialGradient.
    """
    first, second = (correlated(image, sobel_kernel(dx, 1 - dx, ksize), MIDDLE, borderType) for dx in (1, 0))
    return {"dx": results(first, 3, image)["output"], "dy": results(second, 3, image)["output"]}


def canny(image: Any, *, threshold1: float, threshold2: float, apertureSize: int, L2gradient: bool) -> Exactly | OneOf:
    """Edges: local maxima of the gradient along its direction that are strong, or joined to strong ones by weak ones.

    With dx, dy Sobel's derivatives at a replicated border, of the channel in which it is largest, the magnitude is |dx| + |dy|, or
    √(dx² + dy²) with L2gradient. A pixel is kept where its magnitude is above that of the two neighbours on the line of its gradient
    (horizontal below 22.5°, vertical above 67.5°, else diagonal; the first of two equal ones in reading order). Kept pixels above the
    larger threshold are edges, those above the smaller one that are joined to an edge by eight neighbours are too.

    What a subject rounds may go either way: tan 22.5°, to the bits of its constants, and magnitudes beyond what its format holds exactly.

    image (H, W) or (H, W, C) → (H, W) of 0 and 255
    Source: Canny 1986; cv::Canny, and the tutorial on it (steps 2 to 4).
    """
    pixels = plain(image)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    low, high = sorted((threshold1, threshold2))
    dx, dy = (correlated(pixels, sobel_kernel(along, 1 - along, apertureSize), MIDDLE, REPLICATE) for along in (1, 0))
    size = dx**2 + dy**2 if L2gradient else np.abs(dx) + np.abs(dy)
    of = np.argmax(size, axis=-1)[..., None]
    dx, dy, size = (np.take_along_axis(x, of, -1)[..., 0] for x in (dx, dy, size))
    if L2gradient:
        low, high = (t * abs(t) if t > 0 else t for t in (low, high))
    error = lost(size, image)
    edges = []
    for sign, together in ((-1, np.logical_and), (1, np.logical_or)):  # what is an edge for certain, what may be one
        thin = together.reduce([thinned(dx, dy, size, sign * error, tangent) for tangent in tangents(image)])
        candidates = thin & (size + sign * error > low)
        edges.append(255 * joined(candidates & (size + sign * error > high), candidates).astype(np.uint8))
    return Exactly(edges[0]) if np.array_equal(edges[0], edges[1]) else OneOf(edges)


def lost(size: np.ndarray, image: Any) -> np.ndarray:
    """How far magnitudes may be from a subject's: two roundings where they are not whole numbers of its format."""
    if not isinstance(image, Bounded):
        return np.zeros(size.shape)
    inside = image.by.compute
    return np.where(size > 2.0**inside.precision, 2 * inside.unit * size, 0.0)


def tangents(image: Any) -> list[float]:
    """tan 22.5° = √2 − 1, and the same rounded to the fractional bits of a fixed-point subject's constants."""
    tangent, bits = math.sqrt(2) - 1, image.by.constant_bits if isinstance(image, Bounded) else None
    return [tangent] if bits is None else [tangent, round(tangent * 2**bits) / 2**bits]


def thinned(dx: np.ndarray, dy: np.ndarray, size: np.ndarray, error: np.ndarray, tangent: float) -> np.ndarray:
    """Where the magnitude is largest along the gradient's direction, more by its error and less by those of its neighbours.

    Beyond the edge it is 0. The tangent of 67.5° is that of 22.5° and 2.
    """
    around, here = extended(size - error, 1, 1, 1, 1, 0), size + error

    def at(j: int, i: int) -> np.ndarray:
        return np.asarray(around[1 + j : 1 + j + size.shape[0], 1 + i : 1 + i + size.shape[1]])

    x, y = np.abs(dx), np.abs(dy)
    level, steep = y < tangent * x, y > (tangent + 2) * x
    falling = (dx < 0) != (dy < 0)
    across = np.where(falling, (here > at(-1, 1)) & (here > at(1, -1)), (here > at(-1, -1)) & (here > at(1, 1)))
    along_x, along_y = (here > at(0, -1)) & (here >= at(0, 1)), (here > at(-1, 0)) & (here >= at(1, 0))
    return np.asarray(np.where(level, along_x, np.where(steep, along_y, across)))


def joined(strong: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """The candidates that are reached from strong ones through eight neighbours."""
    reached, waiting = strong.copy(), deque(map(tuple, np.argwhere(strong)))
    while waiting:
        j, i = waiting.popleft()
        near = (slice(max(0, j - 1), j + 2), slice(max(0, i - 1), i + 2))
        new = np.add(np.argwhere(candidates[near] & ~reached[near]), (max(0, j - 1), max(0, i - 1)))
        reached[tuple(new.T)] = True
        waiting.extend(map(tuple, new))
    return reached
