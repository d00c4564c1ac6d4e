"""What is wrong on purpose in OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from tests.miniatures import Miniature, never_refuses, reads_memory_in_order, with_inputs, with_options, with_output


def step_of_integers(image: np.ndarray) -> np.ndarray:
    """One more wherever there is room."""
    return np.where(image < np.iinfo(image.dtype).max, image + 1, image).astype(image.dtype)


MINIATURES = [
    Miniature("the border is constant", "forward", "blur", "uint16", with_options(borderType=0)),
    Miniature("one more everywhere", "forward", "blur", "uint8", with_output(step_of_integers)),
    Miniature("the box begins at the pixel", "forward", "blur", "float32", with_options(anchor=(0, 0))),
    Miniature("one more everywhere, by a law", "laws", "blur", "uint8", with_output(step_of_integers)),
    Miniature(
        "red and blue are exchanged",
        "forward",
        "cvtColor_BGR2GRAY",
        "uint8",
        with_inputs(lambda a: {**a, "code": "BGR2GRAY", "image": np.ascontiguousarray(a["image"][..., 2::-1])}),
    ),
    Miniature("a row too many", "shape", "cvtColor_BGR2GRAY", "uint8", with_output(lambda y: np.concatenate([y, y[:1]]))),
    Miniature("the anchor is in the middle", "forward", "erode", "uint8", with_options(anchor=(-1, -1))),
    Miniature("once is enough", "forward", "erode", "float32", with_options(iterations=1)),
    Miniature("dilated", "laws", "erode", "uint8", lambda call: lambda **a: cv2.dilate(a["image"], None)),
    Miniature("strides are ignored", "layout", "erode", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "erode", "uint8", never_refuses),
]
