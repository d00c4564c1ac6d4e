"""What is wrong on purpose in lossless WebP."""

from __future__ import annotations

from tests.miniatures import Miniature, never_refuses, never_the_same, reads_memory_in_order, with_inputs, with_options, with_output
from tests.wrongs.cv_codec import always_red_first, never_none
from tests.wrongs.cv_pnm import red_for_blue
from tests.wrongs.images import step_of_integers

MINIATURES = [
    Miniature("red first", "forward", "imencode_WebP", "uint8", with_inputs(red_for_blue)),
    Miniature("red first", "forward", "imwrite_WebP", "uint8", with_inputs(red_for_blue)),
    Miniature("strides are ignored", "layout", "imwrite_WebP", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_WebP", "uint8", never_refuses),
    Miniature("upside down, by a law", "laws", "imwrite_WebP", "uint8", with_inputs(lambda a: {**a, "image": a["image"][::-1] ^ 1})),
    Miniature("always in colour", "forward", "imread_WebP", "uint8", with_options(flags=1)),
    Miniature("red first", "forward", "imdecode_WebP", "uint8", always_red_first),
    Miniature("one more everywhere", "forward", "imdecode_WebP", "uint8", with_output(step_of_integers)),
    Miniature("one more everywhere, by a law", "laws", "imread_WebP", "uint8", with_output(step_of_integers)),
    Miniature("what is no image is black", "forward", "imdecode_WebP", "uint8", never_none),
    Miniature("one pixel changes", "determinism", "imread_WebP", "uint8", never_the_same),
]
