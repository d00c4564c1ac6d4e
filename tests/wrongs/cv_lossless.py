"""What is wrong on purpose in files that keep every pixel."""

from __future__ import annotations

import numpy as np

from tests.miniatures import Miniature, never_refuses, reads_memory_in_order, with_inputs, with_output

MINIATURES = [
    Miniature("off by one", "forward", "imwrite_SunRaster", "uint8", with_output(lambda y: y ^ 1)),
    Miniature("strides are ignored", "layout", "imwrite_SunRaster", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_SunRaster", "uint8", never_refuses),
    Miniature("upside down", "forward", "imwrite_TIFF", "float64", with_output(lambda y: y[::-1])),
    Miniature("half precision", "forward", "imwrite_TIFF", "float32", with_output(lambda y: y.astype(np.float16).astype(y.dtype))),
    Miniature("eight bits", "forward", "imwrite_TIFF", "uint16", with_inputs(lambda a: {**a, "image": (a["image"] >> 8).astype(np.uint8)})),
    Miniature("red first", "forward", "imwrite_WebP", "uint8", with_output(lambda y: y[..., [2, 1, 0, 3][: y.shape[2]]])),
]
