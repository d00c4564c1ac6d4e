"""Files of the formats that keep every pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Between, Exactly


def kept(image: np.ndarray, *, name: str, parameters: tuple[int, ...]) -> dict[str, Any]:
    """The file is written, and read again as it is, it is the image.

    JPEG 2000 need not keep the pixels, only what kind of image it is.

    image (H, W) or (H, W, 3 or 4), of a depth that the format has → the same; a single channel has no axis of its own
    Source: cv::imwrite (depths and channels of each format), cv::IMREAD_UNCHANGED.
    """
    plain = image[..., 0] if image.shape[2:] == (1,) else image
    output: Any = Exactly(plain)
    if name.endswith(".jp2"):
        output = Between(np.zeros(plain.shape), np.full(plain.shape, float(np.iinfo(plain.dtype).max)), np.zeros(plain.shape, bool))
    return {"written": Exactly(True), "depth": Exactly(image.dtype.name), "output": output}
