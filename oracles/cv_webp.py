"""Lossless WebP: what imread must find in ours, and what our reader must find in the library's."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Exactly, OneOf
from oracles.cv_file import Holds
from oracles.cv_reading import as_read
from oracles.webp import read_webp
from oracles.webp_codes import NoMeaningError, WebPError

QUALITY, LOSSLESS_MODE, PRESERVE_COLOR = 64, 65, 2


class HoldsWebP(Holds):
    """Lossless WebP; the colours of pixels of no opacity are kept where that is asked for."""

    kind = "a lossless WebP that holds the image"

    def samples(self, file: bytes) -> np.ndarray:
        """R, G, B, and alpha; gray where the image is and all colours are."""
        found = read_webp(file)
        if self.image.ndim == 2 and found.shape[2] == 3 and (found == found[..., :1]).all():
            return found[..., :1]
        if self.image.shape[2:] == found.shape[2:] == (4,) and self.asked.get(LOSSLESS_MODE) != PRESERVE_COLOR:
            unseen = (found[..., 3:] == 0) & (self.image[..., 3:] == 0)
            return np.where(unseen, self.image[..., [2, 1, 0, 3]], found)
        return found


def written_webp(image: np.ndarray, *, name: str, parameters: tuple[int, ...], observed: Any = None) -> dict[str, Any]:
    """The file is a lossless WebP that holds the image.

    image (H, W), (H, W, 3) as B, G, R or (H, W, 4) as B, G, R, alpha; uint8. There is no folder “nowhere”.
    Source: cv::imwrite, IMWRITE_WEBP_QUALITY (above 100: lossless), IMWRITE_WEBP_LOSSLESS_MODE; RFC 9649.
    """
    if name.startswith("nowhere/"):
        return {"written": Exactly(False)}
    return {"written": Exactly(True), "file": HoldsWebP(image, parameters, observed["file"])}


def read_lossless(file: np.ndarray, *, flags: int) -> dict[str, Any]:
    """What imread makes of a lossless WebP; of what is missing, damaged or not whole nothing, and no error.

    What is damaged may be a whole file still, of another image. Of one to which the format gives no meaning anything may be made.

    file: the bytes → (H, W) or (H, W, channels)
    Source: cv::ImreadModes, cv::imread; RFC 9649.
    """
    try:
        image = read_webp(np.asarray(file).tobytes())
    except NoMeaningError:
        return {"read": OneOf([np.array(False), np.array(True)])}
    except WebPError:
        return {"read": Exactly(False)}
    return as_read(image[..., :3], image[..., 3:] if image.shape[2] == 4 else None, flags=flags)
