"""What is wrong on purpose in TIFF files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.miniatures import Miniature, never_refuses, never_the_same, reads_memory_in_order, with_inputs, with_options, with_output
from tests.wrongs.cv_codec import always_red_first, never_none
from tests.wrongs.cv_pnm import red_for_blue
from tests.wrongs.images import step_of_integers

Alteration = Callable[[dict[str, Any]], dict[str, Any]]


def always_one(tag: int) -> Alteration:
    """A field of one 16-bit number is overlooked: it counts as 1, as it does where it is missing."""
    little, big = (tag.to_bytes(2, order) + rest for order, rest in (("little", b"\3\0\1\0\0\0"), ("big", b"\0\3\0\0\0\1")))

    def altered(arguments: dict[str, Any]) -> dict[str, Any]:
        file = np.array(arguments["file"])
        for head, at in ((little, 8), (big, 9)):
            place = file.tobytes().find(head)
            if place >= 0 and place + at < len(file):
                file[place + at] = 1
        return {**arguments, "file": file}

    return altered


MINIATURES = [
    Miniature("upside down", "forward", "imwrite_TIFF", "float64", with_inputs(lambda a: {**a, "image": a["image"][::-1]})),
    Miniature(
        "half precision", "forward", "imwrite_TIFF", "float32", with_inputs(lambda a: {**a, "image": a["image"] * np.float32(1.001)})
    ),
    Miniature("eight bits", "forward", "imwrite_TIFF", "uint16", with_inputs(lambda a: {**a, "image": (a["image"] >> 8).astype(np.uint8)})),
    Miniature("red first", "forward", "imencode_TIFF", "int16", with_inputs(red_for_blue)),
    Miniature("parameters are ignored", "forward", "imencode_TIFF", "uint8", with_options(parameters=())),
    Miniature("parameters are ignored, by a law", "laws", "imwrite_TIFF", "uint16", with_options(parameters=())),
    Miniature("strides are ignored", "layout", "imwrite_TIFF", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_TIFF", "uint8", never_refuses),
    Miniature("differences are not added", "forward", "imread_TIFF", "int32", with_inputs(always_one(317))),
    Miniature("always in colour", "forward", "imread_TIFF", "uint8", with_options(flags=1)),
    Miniature("never 16 bits", "forward", "imread_TIFF", "uint16", with_inputs(lambda a: {**a, "flags": a["flags"] & ~2})),
    Miniature("the orientation is ignored", "forward", "imdecode_TIFF", "uint8", with_inputs(always_one(274))),
    Miniature("red first", "forward", "imdecode_TIFF", "float32", always_red_first),
    Miniature("one more everywhere", "forward", "imdecode_TIFF", "int8", with_output(step_of_integers)),
    Miniature("one more everywhere, by a law", "laws", "imread_TIFF", "int16", with_output(step_of_integers)),
    Miniature("what is no image is black", "forward", "imread_TIFF", "uint8", never_none),
    Miniature("one pixel changes", "determinism", "imdecode_TIFF", "uint8", never_the_same),
    Miniature("NaN is 0", "forward", "imencode_TIFF", "float64", with_inputs(lambda a: {**a, "image": np.nan_to_num(a["image"])})),
]
