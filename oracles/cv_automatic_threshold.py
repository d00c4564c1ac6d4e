"""Thresholds that are found in the histogram: Otsu's and the triangle's."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from oracles.bounded.arithmetic import ORACLE
from oracles.conventions import plain
from oracles.cv_borders import without_single_channel
from oracles.cv_histogram import threshold

OTSU, TRIANGLE = 8, 16


def variances(values: np.ndarray, counts: np.ndarray) -> list[Fraction]:
    """ω₀ · ω₁ · (μ₀ − μ₁)² · N² of the pixels up to each of the sorted values and of those above it, without the last.

    Source: Otsu 1979, IEEE Trans. SMC 9:62, (14).
    """
    below, sums = (np.cumsum(x).tolist() for x in (counts, counts * values))
    total, whole = below[-1], sums[-1]
    pairs = zip(below[:-1], sums[:-1], strict=True)
    return [Fraction((s * (total - n) - (whole - s) * n) ** 2, n * (total - n)) for n, s in pairs]


def doubt(values: np.ndarray, counts: np.ndarray) -> list[float]:
    """What roundings of double precision may be of each variance: two means, updated at each gray value, are subtracted."""
    total, steps = int(counts.sum()), int(values[-1]) + 1
    above = total - np.cumsum(counts)[:-1]
    apart = np.sqrt([float(v) for v in variances(values, counts)]) * total / np.sqrt(np.cumsum(counts)[:-1] * above * 1.0) / total
    return list(8 * steps * ORACLE * steps * (1 + 2 * total / above) / np.maximum(apart, ORACLE))


def otsu_thresholds(pixels: np.ndarray) -> np.ndarray:
    """Every threshold that parts the pixels into two classes of the largest variance between them; any, where there is one value only."""
    values, counts = np.unique(pixels.astype(np.int64), return_counts=True)
    if len(values) == 1:
        return np.arange(-1, np.iinfo(pixels.dtype).max + 1)
    found = variances(values, counts)
    rooms = [Fraction(room) for room in doubt(values, counts)]
    least = max(v * (1 - room) for v, room in zip(found, rooms, strict=True))
    best = [i for i, (v, room) in enumerate(zip(found, rooms, strict=True)) if v * (1 + room) >= least]
    return np.concatenate([np.arange(values[i], values[i + 1]) for i in best])


def triangle_thresholds(pixels: np.ndarray) -> np.ndarray:
    """The gray values farthest below the line from the histogram's peak to its farther end, or those next to them on the end's side.

    The end is the last value that occurs, or the first that does not, and lies on the line; any value, where only one occurs.
    Source: Zack, Rogers & Latt 1977, J. Histochem. Cytochem. 25:741.
    """
    counts = np.bincount(pixels.ravel(), minlength=256)
    occurring = np.flatnonzero(counts)
    if len(occurring) == 1:
        return np.arange(-1, 256)
    levels: list[int] = []
    for beyond in (0, 1):
        low, high, peak = max(occurring[0] - beyond, 0), min(occurring[-1] + beyond, 255), int(np.argmax(counts))
        turned = peak - low < high - peak
        heights, end, top = (counts[::-1], 255 - high, 255 - peak) if turned else (counts, low, peak)
        for foot in {0, int(heights[end])}:  # the line ends on the axis, or on the histogram
            at = np.arange(end, top + 1)
            depth = (heights[top] - foot) * (at - end) - (top - end) * (heights[at] - foot)
            depth[0] = 0
            best = at[depth == depth.max()]
            levels += [255 - t if turned else t for t in (*best, *(best - 1))]
    return np.array(levels)


def automatic_threshold(image: Any, *, thresh: float, maxval: float, type: int, observed: Any) -> dict[str, Any]:
    """The threshold is computed, thresh does not count; then as `cv2.threshold`.

    Otsu's parts the pixels into the two classes with the largest variance between them, the triangle's is where the histogram is farthest
    below the line from its peak to its end; where several are equally good any of them may be taken, and must be that of the result.

    image (H, W) of 8 bits, or of 16 for Otsu's → as image, and the threshold that was used
    Source: cv::threshold, cv::THRESH_OTSU, cv::THRESH_TRIANGLE.
    """
    pixels = without_single_channel(plain(image)).astype(image.by.storage.name)
    allowed = otsu_thresholds(pixels) if type & OTSU else triangle_thresholds(pixels)
    used = float(observed["threshold"])
    chosen = used if used in allowed else float(allowed[0])
    return threshold(image, thresh=chosen, maxval=maxval, type=type & 7)
