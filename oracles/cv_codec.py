"""Image files: what a reader must find in ours, and what our reader must find in the library's."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, Exactly, Integers, ieee
from oracles.cv_color import BLUE, GREEN, RED
from oracles.png import GRAY, GRAY_ALPHA, PALETTE, PNG, RGBA, PNGError, read_png

UNCHANGED, GRAYSCALE, COLOR = -1, 0, 1
BYTE = Integers("uint8", 0, 255)


class Holds:
    """Files (bytes) in which our reader finds an image, stored without compression where `level` is 0."""

    def __init__(self, image: np.ndarray, level: int | None, file: np.ndarray) -> None:
        self.shape, self.free = file.shape, np.zeros(file.shape, bool)
        self.image, self.level = image, level

    def complaint(self, file: np.ndarray) -> str:
        """What is wrong with a file, in a few words."""
        try:
            png = read_png(np.asarray(file).tobytes())
        except PNGError as error:
            return f"it is not PNG: {error}"
        image = self.image.reshape(*self.image.shape[:2], -1)
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[image.shape[2]]
        if png.samples.shape != image.shape or png.depth != 8 * image.itemsize:
            return f"it holds {png.depth}-bit samples {png.samples.shape}"
        if not np.array_equal(png.samples, image[..., order]):
            return f"the pixel {np.argwhere(png.samples != image[..., order])[0].tolist()} differs"
        if self.level == 0 and png.stream[2] & 6:
            return "its stream is compressed, at level 0"
        return ""

    def accepts(self, file: Any) -> np.ndarray:
        """All of the file or nothing."""
        return np.full(self.shape, not self.complaint(file))

    def used(self, file: Any) -> np.ndarray:
        """Nothing is rounded in a file."""
        return np.zeros(self.shape)

    def describe(self, index: Any = ()) -> str:
        """In words."""
        return "any byte of a PNG file that holds the image" + (", stored at level 0" if self.level == 0 else "")


def written_png(image: Any, *, compression: int | None, observed: Any = None) -> dict[str, Any]:
    """The file holds the image, whatever the level of compression (0 stores, 9 takes longest).

    image (H, W), (H, W, 3) as B, G, R or (H, W, 4) as B, G, R, alpha
    Source: cv::imwrite and cv::IMWRITE_PNG_COMPRESSION; the PNG specification.
    """
    pixels = np.asarray(getattr(image, "value", image))
    kind = np.uint8 if observed["bits"] == 8 else np.uint16
    return {"written": Exactly(True), "bits": Exactly(observed["bits"]), "file": Holds(pixels.astype(kind), compression, observed["file"])}


def colours(png: PNG) -> np.ndarray:
    """Samples as 8 or 16 bits of gray or R, G, B, with alpha where there is one."""
    samples = png.samples
    if png.colour == PALETTE:
        assert png.palette is not None
        return np.asarray(png.palette[samples[..., 0]])
    if png.colour == GRAY and png.depth < 8:
        return samples * np.uint8(255 // (2**png.depth - 1))
    return samples


def read_image(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a PNG file.

    IMREAD_UNCHANGED keeps depth and alpha, IMREAD_COLOR gives 8-bit B, G, R without alpha, IMREAD_GRAYSCALE 8-bit gray, of colours by the
    codec's own conversion, of which nothing is said but that it is one: accepted are the integers beside 0.299·R + 0.587·G + 0.114·B.

    file: the bytes → (H, W) or (H, W, channels)
    Source: cv::ImreadModes, cv::imread; the PNG specification, 13.12 (depth rescaled).
    """
    png = read_png(np.asarray(file).tobytes())
    samples = colours(png)
    alpha = samples[..., -1:] if png.colour in (RGBA, GRAY_ALPHA) else None
    light = samples if alpha is None else samples[..., :-1]
    if flags == UNCHANGED:
        if alpha is not None:
            light = np.repeat(light, 3, axis=2) if light.shape[2] == 1 else light
            return found(np.concatenate([light[..., ::-1], alpha], axis=2))
        return found(light[..., ::-1] if light.shape[2] == 3 else light[..., 0])
    light = (light >> 8).astype(np.uint8) if light.dtype == np.uint16 else light
    if flags == COLOR:
        return found(np.repeat(light, 3, axis=2) if light.shape[2] == 1 else light[..., ::-1])
    if light.shape[2] == 1:
        return found(light[..., 0])
    gray = light.astype(float) @ np.array([RED, GREEN, BLUE])
    return {**found(light[..., 0]), "output": Bounded(gray, np.ones(gray.shape), ieee("uint8")).saturated(BYTE)}


def found(image: np.ndarray) -> dict[str, Any]:
    """Exactly this image."""
    return {"read": Exactly(True), "bits": Exactly(8 * image.itemsize), "output": Exactly(image)}
