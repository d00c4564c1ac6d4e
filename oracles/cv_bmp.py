"""Windows bitmaps: what imread must find in ours, and what our reader must find in the library's."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bmp import BMPError, read_bmp
from oracles.bounded import Exactly
from oracles.cv_file import Holds
from oracles.cv_reading import as_read


class HoldsBitmap(Holds):
    """Windows bitmaps."""

    kind = "a bitmap that holds the image"

    def samples(self, file: bytes) -> np.ndarray:
        """Gray or R, G, B, and alpha."""
        bmp = read_bmp(file)
        if not np.array_equal(bmp.light, bmp.ceiling):
            raise BMPError("its samples have fewer than 8 bits")
        light = np.broadcast_to(bmp.light, (*bmp.light.shape[:2], 3)) if self.image.ndim == 3 else bmp.light
        return light if bmp.alpha is None else np.concatenate([light, bmp.alpha], axis=2)


def written_bmp(image: np.ndarray, *, name: str, parameters: tuple[int, ...], observed: Any = None) -> dict[str, Any]:
    """The file is a bitmap that holds the image.

    image (H, W), (H, W, 3) as B, G, R or (H, W, 4) as B, G, R, alpha; uint8. There is no folder “nowhere”.
    Source: cv::imwrite; Windows GDI's bitmap headers and compression.
    """
    if name.startswith("nowhere/"):
        return {"written": Exactly(False)}
    return {"written": Exactly(True), "file": HoldsBitmap(image, parameters, observed["file"])}


def read_bitmap(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a bitmap.

    An image whose palette holds grays only is gray. Samples of fewer than 8 bits are the high bits of a byte, or its share of their
    largest, or between. What is missing or not whole gives nothing, and no error.

    file: the bytes → (H, W) or (H, W, channels)
    Source: cv::ImreadModes, cv::imread; Windows GDI's bitmap headers and compression.
    """
    try:
        bmp = read_bmp(np.asarray(file).tobytes())
    except BMPError:
        return {"read": Exactly(False)}
    return as_read(bmp.light, bmp.alpha, flags=flags, ceiling=bmp.ceiling)
