"""JPEG files: what imread must make of coefficients, and which coefficients imwrite may write of an image.

Levels are ranges of integers: where a sum of products is rounded to the nearest level, both neighbours are accepted only where rounding
errors reach the middle between them. The transforms' errors are those of libjpeg's accurate integer method (jfdctint.c, jidctint.c):
constants of 13 fractional bits, intermediate results of 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oracles.bounded import Exactly, OneOf
from oracles.cv_file import WholeFile
from oracles.cv_reading import COLOR_RGB, IGNORE_ORIENTATION, UNCHANGED, Range, as_colour, found
from oracles.exif import orientation_of, upright
from oracles.jpeg import JPEG, JPEGError, Sampling, read_jpeg
from oracles.jpeg_tables import CHROMINANCE, LUMINANCE, scaled

QUALITY, LUMA_QUALITY, CHROMA_QUALITY, SAMPLING = 1, 5, 6, 7
BEST = 95
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]])
TO_RGB = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136286, -0.714136286], [1.0, 1.772, 0.0]])
FIXED = 2.0**-8  # three constants of 16 fractional bits, each times a level
WAVES = np.array([[np.cos((2 * x + 1) * u * np.pi / 16) / (2 if u else np.sqrt(8)) for x in range(8)] for u in range(8)])
FORWARD_ERROR = 0.6  # see docs/bounds.md
INVERSE_ERROR, INVERSE_SHARE = 0.125, 2.0**-13  # the second of the sum of the coefficients' magnitudes


def nearest(low: Any, high: Any, error: float = 0.0) -> Range:
    """The levels to which numbers of a range may be rounded."""
    return np.clip(np.ceil(low - error - 0.5), 0, 255), np.clip(np.floor(high + error + 0.5), 0, 255)


def components(image: np.ndarray) -> Iterator[Range]:
    """Y of a gray image, or Y, Cb, Cr of one of B, G, R and a fourth channel that is dropped (JFIF)."""
    if image.ndim == 2:
        yield image.astype(float), image.astype(float)
        return
    for weights, middle in zip(TO_YCC, (0, 128, 128), strict=True):
        exact = image[..., 2::-1].astype(float) @ weights + middle
        yield nearest(exact, exact, FIXED)


def subsampled(plane: np.ndarray, by: Sampling, rows: int, columns: int) -> np.ndarray:
    """The means of by[1] × by[0] pixels."""
    return np.asarray(plane.reshape(rows, by[1], columns, by[0]).mean(axis=(1, 3)))


def filled(plane: np.ndarray, by: Sampling, rows: int, columns: int) -> Iterator[np.ndarray]:
    """The subsampled plane of rows × columns samples: what lies beyond the image repeats its edge, before or after it is subsampled."""
    height, width = plane.shape
    for late_rows, late_columns in ((False, False), (True, False), (True, True)):
        tall, wide = -(-height // by[1]) if late_rows else rows, -(-width // by[0]) if late_columns else columns
        padded = np.pad(plane, ((0, tall * by[1] - height), (0, wide * by[0] - width)), mode="edge")
        yield np.pad(subsampled(padded, by, tall, wide), ((0, rows - tall), (0, columns - wide)), mode="edge")


def quantised(levels: Range, by: Sampling, table: np.ndarray, shape: tuple[int, ...]) -> Range:
    """The coefficients (rows, columns, 8, 8) that a plane of levels may have."""
    rows, columns = 8 * shape[0], 8 * shape[1]
    low = np.min([nearest(plane, plane)[0] for plane in filled(levels[0], by, rows, columns)], axis=0)
    high = np.max([nearest(plane, plane)[1] for plane in filled(levels[1], by, rows, columns)], axis=0)
    middle, radius = ((a.reshape(shape[0], 8, shape[1], 8).swapaxes(1, 2)) for a in ((low + high) / 2 - 128, (high - low) / 2))
    wave, error = WAVES @ middle @ WAVES.T, np.abs(WAVES) @ radius @ np.abs(WAVES.T) + FORWARD_ERROR
    return np.ceil((wave - error) / table - 0.5), np.floor((wave + error) / table + 0.5)


class Photograph(WholeFile):
    """JPEG files (bytes) whose coefficients may be those of an image, of the quality and sampling asked for."""

    kind = "a JPEG file of the image"

    def __init__(self, image: np.ndarray, parameters: tuple[int, ...], file: np.ndarray) -> None:
        super().__init__(image[..., 0] if image.shape[2:] == (1,) else image, parameters, file)

    def look(self, file: np.ndarray) -> str:
        """What is wrong with a file, in a few words."""
        try:
            jpeg = read_jpeg(np.asarray(file).tobytes())
        except JPEGError as error:
            return f"it is not baseline JPEG: {error}"
        planes = list(components(self.image))
        if (jpeg.height, jpeg.width, len(jpeg.sampling)) != (*self.image.shape[:2], len(planes)):
            return f"it holds {len(jpeg.sampling)} components of {jpeg.height} × {jpeg.width}"
        wanted = self.asked.get(SAMPLING)
        if len(planes) == 3 and wanted and [across << 4 | down for across, down in jpeg.sampling] != [wanted >> 16, 17, 17]:
            return f"its sampling is {jpeg.sampling}"
        for i, levels in enumerate(planes):
            if complaint := self.look_at(jpeg, i, levels):
                return complaint
        return ""

    def look_at(self, jpeg: JPEG, i: int, levels: Range) -> str:
        """What is wrong with a component."""
        table = self.table(i)
        if not np.array_equal(jpeg.tables[i], table):
            return f"the quantisation of component {i} begins with {jpeg.tables[i][0, :3].tolist()}, not {table[0, :3].tolist()}"
        by = tuple(max(s[k] for s in jpeg.sampling) // jpeg.sampling[i][k] for k in (0, 1))
        there = jpeg.coefficients[i]
        low, high = quantised(levels, (by[0], by[1]), table, there.shape)
        rows, columns = (-(-side // 8) for side in jpeg.size(i))  # the blocks of a unit beyond them are nobody's
        wrong = np.argwhere(((there < low) | (there > high))[:rows, :columns])
        if not len(wrong):
            return ""
        at = tuple(wrong[0].tolist())
        return f"coefficient {at[2:]} of block {at[:2]} of component {i} is {there[at]}, it may be {low[at]:.0f} to {high[at]:.0f}"

    def table(self, component: int) -> np.ndarray:
        """The quantisation of a component: Annex K's, scaled to the quality."""
        luma = self.asked.get(LUMA_QUALITY, self.asked.get(QUALITY, BEST))
        quality = self.asked.get(CHROMA_QUALITY, luma) if component else luma
        return scaled(CHROMINANCE if component else LUMINANCE, quality)


def written_jpeg(image: np.ndarray, *, name: str, parameters: tuple[int, ...], observed: Any = None) -> dict[str, Any]:
    """The file's tables are Annex K's at the quality (95 if none is given), its coefficients the image's DCT over them, rounded.

    IMWRITE_JPEG_QUALITY is from 0 to 100, _LUMA_QUALITY and _CHROMA_QUALITY are that of a part, _SAMPLING_FACTOR says how many samples Y
    has of each of Cb and Cr.

    image (H, W), (H, W, 3) as B, G, R or (H, W, 4), whose alpha is dropped; uint8
    Source: cv::imwrite, cv::ImwriteFlags; ITU-T T.81, A.3 and A.2.4 (extension); JFIF 1.02.
    """
    return {"written": Exactly(True), "file": Photograph(image, parameters, observed["file"])}


def plane(jpeg: JPEG, i: int) -> Range:
    """The levels of a component, of its own size."""
    waves = jpeg.coefficients[i] * jpeg.tables[i]
    error = INVERSE_ERROR + np.abs(waves).sum(axis=(2, 3), keepdims=True) * INVERSE_SHARE
    rows, columns = waves.shape[:2]
    pixels, error = ((a + np.zeros((8, 8))).swapaxes(1, 2).reshape(8 * rows, 8 * columns) for a in (WAVES.T @ waves @ WAVES + 128, error))
    height, width = jpeg.size(i)
    low, high = nearest(pixels - error, pixels + error)
    return low[:height, :width], high[:height, :width]


def enlarged(levels: np.ndarray, axis: int, by: int, smooth: bool) -> np.ndarray:
    """`by` times as many samples: each repeated, or three parts of the nearer one and one of the next."""
    twice = np.repeat(levels, by, axis)
    if not smooth or by != 2:
        return twice
    index = np.arange(twice.shape[axis])
    neighbour = np.clip(index // 2 + np.where(index % 2, 1, -1), 0, levels.shape[axis] - 1)
    return np.asarray((3 * twice + np.take(levels, neighbour, axis)) / 4)


def of_image_size(jpeg: JPEG, i: int, smooth: bool) -> Range:
    """The levels of a component for each pixel of the image."""
    by = [max(s[k] for s in jpeg.sampling) // jpeg.sampling[i][k] for k in (0, 1)]
    low, high = (enlarged(enlarged(level, 0, by[1], smooth), 1, by[0], smooth)[: jpeg.height, : jpeg.width] for level in plane(jpeg, i))
    return nearest(low, high)


def colours(jpeg: JPEG, smooth: bool) -> Range:
    """R, G, B of each pixel."""
    planes = [of_image_size(jpeg, i, smooth) for i in range(3)]
    low, high = (np.stack([levels[end] - middle for levels, middle in zip(planes, (0, 128, 128), strict=True)], axis=2) for end in (0, 1))
    up, down = np.maximum(TO_RGB.T, 0), np.minimum(TO_RGB.T, 0)
    return nearest(low @ up + high @ down, high @ up + low @ down, FIXED)


def read_photograph(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a baseline JPEG file: the inverse DCT of its coefficients, in the colours of JFIF.

    How Cb and Cr are enlarged is the decoder's choice: each sample repeated, or three quarters of the nearer and one of the next.

    file: the bytes → (H, W) or (H, W, 3)
    Source: cv::ImreadModes; ITU-T T.81, A.3; JFIF 1.02.
    """
    try:
        jpeg = read_jpeg(np.asarray(file).tobytes())
    except JPEGError:
        return {"read": Exactly(False)}
    three = len(jpeg.sampling) == 3
    light = np.empty((1, 1, len(jpeg.sampling)), np.uint8)
    coloured = three if flags == UNCHANGED else as_colour(light, flags)
    as_it_lies = flags == UNCHANGED or flags & IGNORE_ORIENTATION

    def seen(levels: Range) -> dict[str, Any]:
        low, high = (np.atleast_3d(end) for end in levels)
        if coloured:
            order = slice(None) if flags != UNCHANGED and flags & COLOR_RGB else slice(None, None, -1)
            low, high = (np.broadcast_to(end, (*end.shape[:2], 3))[..., order] for end in (low, high))
        turned = (end if as_it_lies else upright(end, orientation_of(jpeg.exif)) for end in (low, high))
        return found(*(end.astype(np.uint8) for end in turned))

    if not (coloured and three):
        return seen(plane(jpeg, 0))
    ways = [seen(colours(jpeg, smooth)) for smooth in (True, False)]
    return {**ways[0], "output": OneOf([way["output"] for way in ways])}
