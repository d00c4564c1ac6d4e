"""Contrast limited adaptive histogram equalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, contract, exact
from oracles.conventions import plain
from oracles.cv_borders import REFLECT_101, extended, without_single_channel
from oracles.cv_filtering import stored_as


def tiled(pixels: np.ndarray, tiles: tuple[int, int]) -> np.ndarray:
    """The image in tiles (rows · columns, pixels), with as many reflected rows and columns added as make it divisible."""
    columns, rows = tiles
    below, right = -pixels.shape[0] % rows, -pixels.shape[1] % columns
    around = extended(pixels, 0, below, 0, right, REFLECT_101)
    height, width = around.shape[0] // rows, around.shape[1] // columns
    return np.asarray(around.reshape(rows, height, columns, width).swapaxes(1, 2).reshape(rows * columns, height * width))


def limited(counts: np.ndarray, limit: int) -> np.ndarray:
    """Histograms (…, bins) without what is above the limit, which is given to all bins alike, the rest of it to bins at equal distances."""
    bins = counts.shape[-1]
    excess = np.maximum(counts - limit, 0).sum(axis=-1, keepdims=True)
    rest = excess % bins
    step = np.maximum(bins // np.maximum(rest, 1), 1)
    at = np.arange(bins)
    return np.asarray(np.minimum(counts, limit) + excess // bins + ((at % step == 0) & (at // step < rest)))


def tables(tiles: np.ndarray, clip: float, bins: int, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """For each tile the least and the greatest gray value that each one may become: the cumulative histogram, scaled and rounded."""
    offsets = np.arange(len(tiles))[:, None] * bins
    counts = np.bincount((tiles + offsets).ravel(), minlength=len(tiles) * bins).reshape(len(tiles), bins)
    area = tiles.shape[1]
    counts = limited(counts, max(int(min(clip * area / bins, area)), 1)) if clip > 0 else counts
    spread = np.cumsum(counts, axis=1) * ((bins - 1) / area)
    room = 2 * unit * spread  # the scale and the product are rounded
    return np.ceil(spread - room - 0.5), np.minimum(np.floor(spread + room + 0.5), bins - 1)


def clahe(image: Any, *, clipLimit: float, tileGridSize: tuple[int, int]) -> Any:
    """Each pixel is mapped by the equalized histograms of the four tiles around it, interpolated between their centres.

    The histogram of a tile is limited to clipLimit · area / bins, at least 1, unless clipLimit is 0 or less; what is above the limit is
    spread over all bins. lut(v) = round((bins − 1) / area · Σ up to v).

    image (H, W) of 8 or 16 bits, tileGridSize (columns, rows) → (H, W)
    Source: cv::CLAHE; Zuiderveld 1994, Graphics Gems IV, VIII.5.
    """
    by = image.by
    pixels = without_single_channel(plain(image)).astype(np.int64)
    bins, (columns, rows) = int(by.storage.highest) + 1, tileGridSize
    tiles = tiled(pixels, tileGridSize)
    low, high = tables(tiles, clipLimit, bins, by.compute.unit)
    weights, near = [], []
    for side, many in zip(pixels.shape, (rows, columns), strict=True):
        at = exact(np.arange(side), by) / -(-side // many) - 0.5  # in tiles, from the centre of the first
        first = np.floor(at.value).astype(int)[:, None] + np.arange(-1, 3)
        weights.append(np.maximum(1 - np.abs(at[:, None] - first), 0))
        near.append(np.clip(first, 0, many - 1))
    which = near[0][:, None, :, None] * columns + near[1][None, :, None, :]
    ends = low[which, pixels[..., None, None]], high[which, pixels[..., None, None]]
    mapped = Bounded((ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2, by)
    across = contract("hwab,wb->hwa", mapped, weights[1])
    return stored_as(contract("hwa,ha->hw", across, weights[0]))
