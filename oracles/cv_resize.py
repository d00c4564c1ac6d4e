"""Images of another size: nearest pixels, interpolation by kernels, means over areas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import FLOAT64, Bounded, OneOf, contract, entering, exact, fixed, truncated
from oracles.conventions import plain
from oracles.cv_borders import without_single_channel
from oracles.cv_filtering import stored_as
from oracles.sampling_grid import hat


def sides(image: Any, dsize: tuple[int, int] | None, fx: float, fy: float) -> list[tuple[int, int, Any]]:
    """For rows and columns: how many there are, how many there will be, and the step from one to the next in pixels of the source.

    dsize (width, height); without it round(fx · width), round(fy · height), and the steps are 1 / fy and 1 / fx
    Source: cv::resize, dsize, fx and fy.
    """
    rows, columns = image.shape[:2]
    wanted = dsize[::-1] if dsize else tuple(int(np.rint(factor * side)) for factor, side in ((fy, rows), (fx, columns)))
    whole = [exact(side, doubled(image)) if isinstance(image, Bounded) else float(side) for side in (rows, columns)]
    steps = [side / many for side, many in zip(whole, wanted, strict=True)] if dsize else [whole[0] ** 0 / fy, whole[1] ** 0 / fx]
    return list(zip((rows, columns), wanted, steps, strict=True))


def doubled(image: Bounded) -> Any:
    """The arithmetic of coordinates: double precision."""
    return image.by.but(compute=FLOAT64, accumulate=FLOAT64, constant_bits=None)


def nearest(image: Any, *, dsize: tuple[int, int] | None, fx: float, fy: float, interpolation: int) -> Any:
    """The pixel in which the upper left corner of each new pixel lies; where rounding may put a corner into two, either.

    dst(x, y) = src(⌊x · step⌋, ⌊y · step⌋)

    image (H, W) or (H, W, C) → (height, width) or (height, width, C)
    Source: cv::INTER_NEAREST; the convention, opencv/opencv#9096.
    """
    pixels, ends = without_single_channel(plain(image)), []
    for side, wanted, step in sides(image, dsize, fx, fy):
        corners = np.arange(wanted) * step
        least, most = (np.floor(plain(corners) + sign * getattr(corners, "error", 0.0)) for sign in (-1, 1))
        ends.append([np.clip(end, 0, side - 1).astype(int) for end in (least, most)])
    return OneOf([pixels[rows][:, columns] for rows in ends[0] for columns in ends[1]])


def nearest_exact(image: Any, *, dsize: tuple[int, int] | None, fx: float, fy: float, interpolation: int) -> Any:
    """The pixel in which the centre of each new pixel lies; of two that are equally near either, along an axis.

    dst(x, y) = src(⌊(x + 1/2) · W / width⌋, ⌊(y + 1/2) · H / height⌋)

    image (H, W) or (H, W, C) → (height, width) or (height, width, C)
    Source: cv::INTER_NEAREST_EXACT, "the same results as the nearest neighbor method in PIL, scikit-image or Matlab".
    """
    pixels, ends = without_single_channel(plain(image)), []
    for side, wanted, _ in sides(image, dsize, fx, fy):
        twice = (2 * np.arange(wanted) + 1) * side
        ends.append([np.maximum(-(-twice // (2 * wanted)) - 1, 0), np.minimum(twice // (2 * wanted), side - 1)])
    return OneOf([pixels[rows][:, columns] for rows in ends[0] for columns in ends[1]])


def cubic(t: Any) -> Any:
    """Keys' cubic convolution with a = −3/4.

    (a + 2)|t|³ − (a + 3)|t|² + 1 up to 1, a|t|³ − 5a|t|² + 8a|t| − 4a up to 2
    Source: Keys 1981, IEEE Trans. ASSP 29:1153, (4); cv::INTER_CUBIC.
    """
    a, t = -0.75, np.abs(t)
    inner, outer = ((a + 2) * t - (a + 3)) * t * t + 1, ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, inner, np.where(t < 2, outer, 0 * t))


STEEPEST = 1.38  # of the windowed sinc below


def lanczos(t: Any) -> Any:
    """sinc(t) · sinc(t / 4) up to 4: a quotient, its square, a product and their constants, eight roundings; sines near 0 are off by one.

    Source: cv::INTER_LANCZOS4, over 8 × 8 pixels; Duchon 1979.
    """
    at = plain(t)
    value = np.where(np.abs(at) < 4, np.sinc(at) * np.sinc(at / 4), 0.0)
    if not isinstance(t, Bounded):
        return value
    return Bounded(value, STEEPEST * t.error + t.by.unit * (8 * np.abs(value) + ((at != 0) & (np.abs(at) < 4))), t.by)


def through(image: Any, pixels: list[np.ndarray], weights: list[Any], near: list[np.ndarray]) -> Any:
    """Σ over pixels of both axes of weight · weight · pixel, across first.

    Anything where an infinity, NaN or what is nearly one is `near`: a weight of 0 may or may not keep it out.
    """
    odd = ~(np.abs(plain(image)) < np.ldexp(1.0, image.by.compute.emax - 8)) if isinstance(image, Bounded) else np.zeros(image.shape, bool)
    tame: Any = np.where(odd, 0, image) if odd.any() else image
    for axis in (1, 0):
        spec = "hat...,at->ha..." if axis else "at...,at->a..."
        tame = contract(spec, np.take(tame, pixels[axis], axis=axis), weights[axis])
        beside = near[axis].reshape(near[axis].shape + (1,) * (image.ndim - 1 - axis))
        odd = np.any(np.take(odd, pixels[axis], axis=axis) & beside, axis=axis + 1)
    return Bounded(tame.value, np.where(odd, np.inf, tame.error), tame.by) if odd.any() else tame


def by_kernel(kernel: Callable[[Any], Any], reach: int, normal: bool = False, lerp: bool = False) -> Any:
    """The oracle of interpolation with a kernel that is 0 beyond `reach`; `normal`: its weights are divided by their sum.

    `lerp`: as p + w · (q − p), a rounded difference and a rounded product of weight 1 more of either pixel, even of one whose weight is 0.
    """

    def interpolated(image: Any, *, dsize: tuple[int, int] | None, fx: float, fy: float, interpolation: int) -> Any:
        """The sum of pixels around the centre of each new pixel, weighted by a kernel of the distance; beyond the edge it is replicated.

        dst(x) = Σ over i of kernel(f − i) · src(i), f = (x + 1/2) · step − 1/2, so along rows and columns

        image (H, W) or (H, W, C) → (height, width) or (height, width, C)
        Source: cv::resize, cv::InterpolationFlags.
        """
        image, pixels, weights, near = without_single_channel(image), [], [], []
        for side, wanted, step in sides(image, dsize, fx, fy):
            middle = entering((np.arange(wanted) + 0.5) * step - 0.5, getattr(image, "by", None))
            around = np.floor(plain(middle)).astype(int)[:, None] + np.arange(-reach, reach + 2)
            away = middle[:, None] - around
            weight = kernel(away)
            weight = weight / np.sum(weight, axis=1, keepdims=True) if normal else weight
            pixels.append(np.clip(around, 0, side - 1))
            inside = np.clip(plain(middle), 0, side - 1)[:, None]
            near.append(np.abs(inside - pixels[-1]) <= reach + getattr(away, "error", 0.0))
            if lerp and isinstance(weight, Bounded):
                weight = Bounded(weight.value, weight.error + near[-1] * 2 * weight.by.unit, weight.by)
            weights.append(fixed(weight))
        return stored_as(truncated(through(image, pixels, weights, near)))

    return interpolated


linear = by_kernel(hat, 1)
linear.formulations = (by_kernel(hat, 1, lerp=True),)
bicubic, lanczos4 = by_kernel(cubic, 2), by_kernel(lanczos, 4, normal=True)


def area_by(complement: bool) -> Any:
    """The oracle of areas; `complement`: one of two weights may be what the other leaves of 1."""

    def area(image: Any, *, dsize: tuple[int, int] | None, fx: float, fy: float, interpolation: int) -> Any:
        """The mean of the source over the area of each new pixel, each old one weighted by how much of it is covered.

        dst(x) = Σ over i of |[x · step, (x + 1) · step] ∩ [i, i + 1]| · src(i) / Σ of the same, so along rows and columns

        image (H, W) or (H, W, C) → (height, width) or (height, width, C)
        Source: cv::INTER_AREA, "resampling using pixel area relation".
        """
        image, pixels, weights, near = without_single_channel(image), [], [], []
        by = getattr(image, "by", None)
        for side, wanted, step in sides(image, dsize, fx, fy):
            left, right, old = (np.arange(wanted) * step)[:, None], (np.arange(1, wanted + 1) * step)[:, None], np.arange(side)
            covered = np.maximum(np.minimum(right, old + 1) - np.maximum(left, old), 0)
            weight = entering(covered / np.sum(covered, axis=1, keepdims=True), by)
            if by is not None and complement:
                rest = np.where((weight.value > 0) & (weight.value < 1), by.unit, 0.0)
                weight = Bounded(weight.value, weight.error + rest, by)
            pixels.append(np.broadcast_to(old, covered.shape))
            beside = np.minimum(np.floor(plain(left)), side - 1) + complement  # of two pixels the second may have the weight 0
            near.append((plain(covered) + getattr(covered, "error", 0.0) > 0) | (old == beside))
            weights.append(fixed(weight))
        return stored_as(truncated(through(image, pixels, weights, near)))

    return area


area, area_zoomed = area_by(False), area_by(True)
