"""TIFF files: what imread must find in ours, and what our reader must find in the library's."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Exactly
from oracles.cv_file import Holds
from oracles.cv_reading import ANYDEPTH, UNCHANGED, as_read
from oracles.tiff import BLACK_IS_ZERO, PALETTE, RGB, ROWS, TIFF, WHITE_IS_ZERO, read_tiff
from oracles.tiff import COMPRESSION as SCHEME
from oracles.tiff import PREDICTOR as PREDICTED
from oracles.tiff_compression import LZW, TIFFError

COMPRESSION, ROWS_PER_STRIP, PREDICTOR = 259, 278, 317  # IMWRITE_TIFF_…

Span = tuple[np.ndarray, np.ndarray]  # the least and the greatest accepted samples


class HoldsTags(Holds):
    """TIFF files, compressed as `parameters` ask for; of floating numbers, which have a scheme of their own, in any way."""

    kind = "a TIFF file that holds the image"

    def samples(self, file: bytes) -> np.ndarray:
        """Gray or R, G, B, and alpha."""
        tiff = read_tiff(file)
        if tiff.photometric != (RGB if self.image.ndim == 3 else BLACK_IS_ZERO):
            raise TIFFError(f"its photometric interpretation is {tiff.photometric}")
        if tiff.samples.shape[2] == 4 and not tiff.extra:
            raise TIFFError("nothing says what its fourth sample is")
        asked = {SCHEME: self.asked.get(COMPRESSION, LZW), ROWS: self.asked.get(ROWS_PER_STRIP), PREDICTED: self.asked.get(PREDICTOR)}
        for tag, value in asked.items():
            if value is not None and self.image.dtype.kind != "f" and tiff.fields.get(tag, (1,)) != (value,):
                raise TIFFError(f"its field {tag} is {tiff.fields.get(tag, (1,))[0]}")
        return tiff.samples


def written_tiff(image: np.ndarray, *, name: str, parameters: tuple[int, ...], observed: Any = None) -> dict[str, Any]:
    """The file holds the image, and was compressed as it was asked for.

    IMWRITE_TIFF_COMPRESSION is a scheme of libtiff's, LZW if it is not given; IMWRITE_TIFF_ROWSPERSTRIP and IMWRITE_TIFF_PREDICTOR are
    the fields of these names.

    image (H, W), (H, W, 3) as B, G, R or (H, W, 4) as B, G, R, alpha; integers of 8, 16 and 32 bits, float32, float64. There is no folder
    “nowhere”.
    Source: cv::imwrite and cv::ImwriteFlags; TIFF 6.0.
    """
    if name.startswith("nowhere/"):
        return {"written": Exactly(False)}
    return {"written": Exactly(True), "file": HoldsTags(image, parameters, observed["file"])}


def read_tags(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a TIFF file.

    The palette's colours are looked up; samples of which 0 is white are counted from there. 16 bits that become 8, and a palette's, are a
    share of the largest, rounded in any way. What is missing or not whole gives nothing, and no error.

    file: the bytes → (H, W) or (H, W, channels)
    Source: cv::ImreadModes, cv::imread; TIFF 6.0.
    """
    try:
        tiff = read_tiff(np.asarray(file).tobytes())
    except TIFFError:
        return {"read": Exactly(False)}
    light, alpha = seen(tiff), tiff.samples[..., 3:] if tiff.samples.shape[2] == 4 else None
    narrowed = tiff.photometric == PALETTE or (light.dtype == np.uint16 and flags != UNCHANGED and not flags & ANYDEPTH)
    low, high = shares(light) if narrowed else (light, light)
    return as_read(low, alpha, flags=flags, orientation=tiff.orientation, ceiling=high)


def seen(tiff: TIFF) -> np.ndarray:
    """Samples as gray or R, G, B, from black on."""
    if tiff.photometric == PALETTE:
        assert tiff.palette is not None
        return np.asarray(tiff.palette[tiff.samples[..., 0]])
    light = tiff.samples[..., :3]
    light = light * np.uint8(255) if tiff.bits == 1 else light
    return np.iinfo(light.dtype).max - light if tiff.photometric == WHITE_IS_ZERO else light


def shares(samples: np.ndarray) -> Span:
    """16 bits as 8, rounded down and up."""
    return (samples // 257).astype(np.uint8), ((samples.astype(int) + 256) // 257).astype(np.uint8)
