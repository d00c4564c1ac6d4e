"""PNG files: what imread must find in ours, and what our reader must find in the library's."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Exactly
from oracles.cv_file import WholeFile
from oracles.cv_reading import as_read
from oracles.exif import orientation_of
from oracles.png import GRAY_ALPHA, PALETTE, PNG, RGBA, PNGError, read_png

COMPRESSION, STRATEGY, BILEVEL = 16, 17, 18
CODES_ONLY, DEFAULT, BEST_SPEED = 2, 6, 1  # zlib's strategies from Z_HUFFMAN_ONLY on, and two of its levels


class Holds(WholeFile):
    """PNG files (bytes) in which our reader finds an image, compressed as zlib does with `parameters`."""

    kind = "a PNG file that holds the image"

    def look(self, file: np.ndarray) -> str:
        """What is wrong with a file, in a few words."""
        try:
            png = read_png(np.asarray(file).tobytes())
        except PNGError as error:
            return f"it is not PNG: {error}"
        image = self.image.reshape(*self.image.shape[:2], -1)
        depth, image = (1, (image > 0).astype(np.uint8)) if self.asked.get(BILEVEL) else (8 * image.itemsize, image)
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[image.shape[2]]
        if png.samples.shape != image.shape or png.depth != depth:
            return f"it holds {png.depth}-bit samples {png.samples.shape}"
        if not np.array_equal(png.samples, image[..., order]):
            return f"the pixel {np.argwhere(png.samples != image[..., order])[0].tolist()} differs"
        if self.asked.get(COMPRESSION) == 0 and png.stream[2] & 6:
            return "its stream is compressed, at level 0"
        if png.stream[1] >> 6 != self.effort():
            return f"its stream says that it was compressed by effort {png.stream[1] >> 6}, not {self.effort()}"
        return ""

    def effort(self) -> int:
        """What a stream says of its compressor: 0 fastest, 1 fast, 2 default, 3 slowest (RFC 1950, FLEVEL, as zlib sets it)."""
        level, strategy = self.asked.get(COMPRESSION, BEST_SPEED), self.asked.get(STRATEGY, 0)
        return 0 if strategy >= CODES_ONLY or level <= BEST_SPEED else 1 if level < DEFAULT else 2 if level == DEFAULT else 3


def written_png(image: np.ndarray, *, name: str, parameters: tuple[int, ...], observed: Any = None) -> dict[str, Any]:
    """The file holds the image, and was compressed as it was asked for.

    IMWRITE_PNG_COMPRESSION is a level from 0, which stores, to 9; 1 if it is not given. IMWRITE_PNG_STRATEGY is one of zlib's, the default
    one where a level is given. IMWRITE_PNG_BILEVEL stores whether a pixel is 0, in one bit.

    image (H, W), (H, W, 3) as B, G, R or (H, W, 4) as B, G, R, alpha; uint8 or uint16. There is no folder “nowhere”.
    Source: cv::imwrite and cv::ImwriteFlags; the PNG specification.
    """
    if name.startswith("nowhere/"):
        return {"written": Exactly(False)}
    return {"written": Exactly(True), "file": Holds(image, parameters, observed["file"])}


def read_image(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a PNG file.

    Samples of less than 8 bits are scaled to the whole range; the palette's colours, and what is transparent, are looked up. What is
    missing, damaged or not whole gives nothing, and no error.

    file: the bytes → (H, W) or (H, W, channels)
    Source: cv::ImreadModes, cv::imread; the PNG specification, 12.5 (sample depth scaling) and 13.16 (alpha channel).
    """
    try:
        png = read_png(np.asarray(file).tobytes())
    except PNGError:
        return {"read": Exactly(False)}
    return as_read(colours(png), opacity(png), flags=flags, orientation=orientation_of(png.exif))


def colours(png: PNG) -> np.ndarray:
    """Samples as 8 or 16 bits of gray or R, G, B."""
    if png.colour == PALETTE:
        assert png.palette is not None
        return np.asarray(png.palette[png.samples[..., 0]])
    light = png.samples[..., :-1] if png.colour in (RGBA, GRAY_ALPHA) else png.samples
    return light * np.uint8(255 // (2**png.depth - 1)) if png.depth < 8 else light


def opacity(png: PNG) -> np.ndarray | None:
    """Alpha (H, W, 1) of the depth of the colours, or None where nothing is transparent."""
    if png.colour in (RGBA, GRAY_ALPHA):
        return np.asarray(png.samples[..., -1:])
    if not png.transparency:
        return None
    most = np.uint16(65535) if png.depth == 16 else np.uint8(255)
    if png.colour == PALETTE:
        assert png.palette is not None
        alphas = np.full(len(png.palette), most)
        alphas[: len(png.transparency)] = np.frombuffer(png.transparency, np.uint8)
        return np.asarray(alphas[png.samples])
    level = np.frombuffer(png.transparency, ">u2").astype(png.samples.dtype)
    return np.where((png.samples == level).all(axis=2, keepdims=True), most * 0, most).astype(most.dtype)
