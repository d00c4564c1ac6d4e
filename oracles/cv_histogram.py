"""Maps of gray values, each pixel by itself or through a histogram."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Between, Exactly
from oracles.conventions import plain
from oracles.cv_borders import without_single_channel

BINARY, BINARY_INV, TRUNC, TOZERO, TOZERO_INV = range(5)


def threshold(image: Any, *, thresh: float, maxval: float, type: int) -> dict[str, Any]:
    """Pixels above a threshold, and those that are not.

    binary maxval or 0, binary_inv 0 or maxval, trunc thresh or src, tozero src or 0, tozero_inv 0 or src; in integer depths the
    threshold is rounded down, maxval to nearest and saturated.

    image (H, W) or (H, W, C) → as image, and the threshold that was used
    Source: cv::threshold, cv::ThresholdTypes.
    """
    storage, pixels = image.by.storage, without_single_channel(plain(image))
    whole = hasattr(storage, "lowest")
    limit = float(np.floor(thresh)) if whole else float(storage.round(np.array(thresh)))
    most = float(storage.round(np.array(maxval)))
    capped = np.clip(limit, storage.lowest, storage.highest) if whole else limit
    above = pixels > limit
    pairs = {BINARY: (most, 0.0), BINARY_INV: (0.0, most), TRUNC: (capped, pixels), TOZERO: (pixels, 0.0), TOZERO_INV: (0.0, pixels)}
    return {"output": Exactly(np.where(above, *pairs[type])), "threshold": Exactly(np.array(float(np.floor(thresh)) if whole else thresh))}


def equalize_hist(image: Any) -> Any:
    """Gray values spread so that their cumulative histogram is a straight line.

    lut(v) = round((H(v) − H(v₀)) / (N − H(v₀)) · 255), H the cumulative histogram and v₀ the least value that occurs; an image of one
    value stays as it is.

    image (H, W) of 8 bits → (H, W)
    Source: cv::equalizeHist, its steps; Gonzalez & Woods, section 3.3.
    """
    pixels = without_single_channel(plain(image)).astype(int)
    counts = np.bincount(pixels.ravel(), minlength=256)
    first = int(np.flatnonzero(counts)[0])
    rest = pixels.size - counts[first]
    if not rest:
        return Exactly(pixels)
    spread = (np.cumsum(counts) - counts[first]) / rest * 255
    room = 255 * 4 * image.by.compute.unit  # a division and a product, twice rounded, of numbers up to 255
    least, most = np.ceil(spread - room - 0.5), np.floor(spread + room + 0.5)
    return Between(np.maximum(least, 0)[pixels], np.minimum(most, 255)[pixels], np.zeros(pixels.shape, bool))


def look_up(image: Any, lut: Any) -> Exactly:
    """dst(I) = lut(src(I)): one table for all channels, or one for each.

    image (H, W) or (H, W, C) of 8 bits, lut (256,) or (256, C) → as image, in the table's depth
    Source: cv::LUT, its formula.
    """
    pixels, table = plain(image).astype(int), plain(lut)
    if table.ndim == 1:
        return Exactly(table[without_single_channel(pixels)])
    return Exactly(np.stack([table[pixels[..., c], c] for c in range(table.shape[1])], axis=-1))


def calc_hist(image: Any, mask: Any = None, *, histSize: int, ranges: tuple[float, float]) -> Exactly:
    """How many pixels fall into each of histSize equal bins of [ranges[0], ranges[1]), of those that the mask has.

    image (H, W), mask (H, W) → (histSize,) of counts
    Source: cv::calcHist, uniform histograms.
    """
    pixels, (low, high) = plain(image).astype(float), ranges
    chosen = np.ones(pixels.shape, bool) if mask is None else np.asarray(mask) != 0
    bins = np.floor((pixels - low) * histSize / (high - low)).astype(int)
    inside = chosen & (pixels >= low) & (pixels < high)
    return Exactly(np.bincount(bins[inside], minlength=histSize))
