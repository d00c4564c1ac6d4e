"""What imread makes of the samples of a file, whatever the format: depth, channels, orientation, size."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Between, Exactly
from oracles.cv_color import BLUE, GREEN, RED
from oracles.exif import upright

UNCHANGED, GRAYSCALE, COLOR, ANYDEPTH, ANYCOLOR, IGNORE_ORIENTATION, COLOR_RGB = -1, 0, 1, 2, 4, 128, 256
REDUCTIONS = {16: 2, 32: 4, 64: 8}

Range = tuple[Any, Any]  # the least and the greatest accepted integers, (H, W, channels)


def as_read(light: Any, alpha: Any = None, *, flags: int, orientation: int = 1, whole: bool = False, ceiling: Any = None) -> dict[str, Any]:
    """What imread makes of gray or R, G, B samples.

    IMREAD_UNCHANGED keeps depth, alpha and orientation. Without it alpha is dropped, the image turned upright unless
    IMREAD_IGNORE_ORIENTATION is set, 16 bits become 8 unless IMREAD_ANYDEPTH is; IMREAD_COLOR gives B, G, R, IMREAD_COLOR_RGB R, G, B,
    IMREAD_ANYCOLOR what the file has, and IMREAD_GRAYSCALE gray. Reduced, a side has 1/2, 1/4 or 1/8 of the pixels, at least one; where
    it is no multiple, that many or (`whole`) one more, and each lies between the least and the greatest of those that it covers.
    Samples that a format scales are between `light` and `ceiling`.

    light (H, W, 1 or 3) uint8 or uint16, alpha (H, W, 1) or None → (H, W) or (H, W, channels)
    Source: cv::ImreadModes.
    """
    if flags == UNCHANGED:
        if alpha is not None:
            return found(np.concatenate([np.broadcast_to(light, (*light.shape[:2], 3))[..., ::-1], alpha], axis=2))
        return found(light[..., ::-1], None if ceiling is None else ceiling[..., ::-1])
    narrowed = light.dtype == np.uint16 and not flags & ANYDEPTH
    depth = np.dtype(np.uint8) if narrowed else light.dtype

    def levels(samples: Any) -> Range:
        shown = samples >> 8 if narrowed else samples
        return coloured(shown, flags) if as_colour(samples, flags) else gray(samples, narrowed)

    low, high = levels(light)
    high = high if ceiling is None else levels(ceiling)[1]
    if not flags & IGNORE_ORIENTATION:
        low, high = upright(low, orientation), upright(high, orientation)
    for flag, by in REDUCTIONS.items():
        low, high = reduced((low, high), by, whole) if flags & flag else (low, high)
    return found(low.astype(depth), high.astype(depth))


def as_colour(light: np.ndarray, flags: int) -> bool:
    """Whether flags ask for three channels."""
    return bool(flags & (COLOR | COLOR_RGB) or (flags & ANYCOLOR and light.shape[2] == 3))


def coloured(light: np.ndarray, flags: int) -> Range:
    """Three channels in the order that is asked for."""
    three = np.broadcast_to(light, (*light.shape[:2], 3))
    three = three if flags & COLOR_RGB else three[..., ::-1]
    return three, three


def gray(light: np.ndarray, narrowed: bool) -> Range:
    """One channel; of colours by the codec's own conversion.

    Of that nothing is said but what it is: accepted is 0.299·R + 0.587·G + 0.114·B rounded in any way, before or after 16 bits became 8
    by dropping the lower ones, with weights that libpng cuts off after 15 fractional bits, the last being what the others leave of one.
    """
    if light.shape[2] == 1:
        level = light >> 8 if narrowed else light
        return level, level
    exact = light.astype(float) @ np.array([[RED], [GREEN], [BLUE]])
    error = light.astype(float) @ np.array([[1.0], [1.0], [2.0]]) * 2.0**-15
    unit = 256.0 if narrowed else 1.0
    low, high = (exact - error) / unit, (exact + error) / unit
    most = 255.0 if narrowed else float(np.iinfo(light.dtype).max)
    return np.clip(np.floor(low) - (1.0 if narrowed else 0.0), 0, most), np.clip(np.ceil(high), 0, most)


def reduced(levels: Range, by: int, whole: bool) -> Range:
    """Sides of 1/by; each pixel between the least and the greatest that it covers."""
    low, high = levels
    for axis in (0, 1):
        side = low.shape[axis]
        count = -(-side // by) if whole else max(1, side // by)
        step = by if whole else side / count
        starts = [int(np.floor(i * step + 1e-9)) for i in range(count)]
        ends = [min(side, int(np.ceil((i + 1) * step - 1e-9))) for i in range(count)]
        low = np.stack([np.take(low, range(s, e), axis).min(axis) for s, e in zip(starts, ends, strict=True)], axis)
        high = np.stack([np.take(high, range(s, e), axis).max(axis) for s, e in zip(starts, ends, strict=True)], axis)
    return low, high


def found(low: Any, high: Any = None) -> dict[str, Any]:
    """An image was found, and this is it; a single channel has no axis of its own."""
    low, high = (np.asarray(a)[..., 0] if np.shape(a)[2] == 1 else np.asarray(a) for a in (low, low if high is None else high))
    output = (
        Exactly(low)
        if np.array_equal(low, high, equal_nan=True)
        else Between(low.astype(float), high.astype(float), np.zeros(low.shape, bool))
    )
    return {"read": Exactly(True), "depth": Exactly(low.dtype.name), "output": output}
