"""Netpbm's maps and floating maps: what imread must find in ours, and what our readers must find in the library's."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Exactly
from oracles.cv_file import Holds
from oracles.cv_reading import as_read
from oracles.pnm import BITS, COLOURS, GRAY, PNMError, read_pam, read_pfm, read_pnm

BINARY, TUPLETYPE = 32, 128  # IMWRITE_PXM_BINARY, IMWRITE_PAM_TUPLETYPE
TUPLES_ASKED = {0: b"", 2: b"GRAYSCALE", 4: b"RGB", 5: b"RGB_ALPHA"}  # IMWRITE_PAM_FORMAT_…
KINDS = {".pbm": BITS, ".pgm": GRAY, ".ppm": COLOURS}


class HoldsMap(Holds):
    """Maps of bits, gray or colours, as the name's extension says; in decimal numbers where `parameters` ask for them."""

    kind = "a map that holds the image"

    def __init__(self, image: np.ndarray, parameters: tuple[int, ...], file: np.ndarray, extension: str) -> None:
        super().__init__(image, parameters, file)
        self.extension = extension

    def samples(self, file: bytes) -> np.ndarray:
        """Gray or R, G, B samples; of bits, black and white where the image is so, and anything elsewhere."""
        pnm = read_pnm(file)
        if pnm.plain != (self.asked.get(BINARY, 1) == 0):
            raise PNMError(f"its samples are {'decimal numbers' if pnm.plain else 'bytes'}")
        if pnm.kind != KINDS.get(self.extension, pnm.kind) or (pnm.kind == COLOURS) != (self.image.ndim == 3):
            raise PNMError(f"it is a map of the kind {pnm.kind}")
        if pnm.kind == BITS:
            image = self.image[..., None]
            return np.where(np.isin(image, (0, 255)), 255 * (1 - pnm.samples), image).astype(image.dtype)
        if pnm.most != np.iinfo(self.image.dtype).max:
            raise PNMError(f"its largest sample is {pnm.most}")
        return pnm.samples


class HoldsTuples(Holds):
    """Arbitrary maps, their tuples named where `parameters` ask for it."""

    kind = "an arbitrary map that holds the image"

    def samples(self, file: bytes) -> np.ndarray:
        """Gray or R, G, B, and alpha; of tuples without a name, of which nothing is said, also B, G, R, and alpha."""
        pam = read_pam(file)
        if pam.tuples != TUPLES_ASKED[self.asked.get(TUPLETYPE, 0)]:
            raise PNMError(f"its tuples are called {pam.tuples.decode() or 'nothing'}")
        if not pam.tuples and np.array_equal(pam.samples, self.image.reshape(pam.samples.shape)):
            return pam.samples[..., [2, 1, 0, 3][: pam.samples.shape[2]]] if pam.kind == COLOURS else pam.samples
        return pam.samples


class HoldsFloats(Holds):
    """Floating maps."""

    kind = "a floating map that holds the image"

    def samples(self, file: bytes) -> np.ndarray:
        """Gray or R, G, B."""
        return read_pfm(file).samples


def written_map(image: np.ndarray, *, name: str, parameters: tuple[int, ...], observed: Any = None) -> dict[str, Any]:
    """The file is a map of the kind that the name asks for, and holds the image.

    IMWRITE_PXM_BINARY 0 writes decimal numbers, else bytes are written; IMWRITE_PAM_TUPLETYPE names what the tuples of a .pam are. A map
    of bits (.pbm) holds what is black and what is white.
    image (H, W), (H, W, 3) as B, G, R, and for .pam (H, W, 4) as B, G, R, alpha; uint8 or uint16, for .pfm float32; there is no
    folder “nowhere”.
    Source: cv::imwrite and cv::ImwriteFlags; Netpbm's pbm(5), pgm(5), ppm(5), pam(5), pfm(5).
    """
    if name.startswith("nowhere/"):
        return {"written": Exactly(False)}
    extension, file = name[name.rindex(".") :], observed["file"]
    if extension in (".pam", ".pfm"):
        return {"written": Exactly(True), "file": (HoldsTuples if extension == ".pam" else HoldsFloats)(image, parameters, file)}
    return {"written": Exactly(True), "file": HoldsMap(image, parameters, file, extension)}


def read_map(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a map of bits, gray or colours.

    A sample is a share of the largest one, which is white: 255 of 8 bits, 65535 of 16, where it is above 255. What is missing or not whole
    gives nothing, and no error.

    file: the bytes → (H, W) or (H, W, channels)
    Source: cv::ImreadModes, cv::imread; Netpbm's pbm(5), pgm(5) and ppm(5).
    """
    try:
        pnm = read_pnm(np.asarray(file).tobytes())
    except PNMError:
        return {"read": Exactly(False)}
    most = 65535 if pnm.most > 255 else 255
    samples = 1 - pnm.samples if pnm.kind == BITS else pnm.samples
    shares = samples.astype(np.int64) * most
    below, above = ((part // pnm.most).astype(samples.dtype) for part in (shares, shares + pnm.most - 1))
    return as_read(below, flags=flags, ceiling=above)


def read_floats(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a floating map, its depth kept.

    file: the bytes → (H, W) or (H, W, 3)
    Source: cv::ImreadModes, cv::imread; pfm(5).
    """
    try:
        return as_read(read_pfm(np.asarray(file).tobytes()).samples, flags=flags)
    except PNMError:
        return {"read": Exactly(False)}
