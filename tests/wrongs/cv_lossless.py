"""What is wrong on purpose in files that keep every pixel."""

from __future__ import annotations

from tests.miniatures import Miniature, never_refuses, reads_memory_in_order, with_output

MINIATURES = [
    Miniature("off by one", "forward", "imwrite_SunRaster", "uint8", with_output(lambda y: y ^ 1)),
    Miniature("strides are ignored", "layout", "imwrite_SunRaster", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_SunRaster", "uint8", never_refuses),
]
