"""What is wrong on purpose in JPEG files and in how they are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.miniatures import Call, Miniature, never_refuses, reads_memory_in_order, with_inputs, with_options, with_output


def red_first(arguments: dict[str, Any]) -> dict[str, Any]:
    """Red and blue are exchanged before the image is written."""
    image = arguments["image"]
    return {**arguments, "image": np.ascontiguousarray(image[..., [2, 1, 0, 3][: image.shape[2]]]) if image.ndim == 3 else image}


def best_of_all(call: Call) -> Call:
    """Without a quality it is 96."""
    return lambda **arguments: call(**{**arguments, "parameters": arguments["parameters"] or (1, 96)})


MINIATURES = [
    Miniature("always the default quality", "forward", "imwrite_JPEG", "uint8", with_options(parameters=())),
    Miniature("the default is 96", "forward", "imwrite_JPEG", "uint8", best_of_all),
    Miniature("red first", "forward", "imencode_JPEG", "uint8", with_inputs(red_first)),
    Miniature("one more than was given", "forward", "imencode_JPEG", "uint8", with_inputs(lambda a: {**a, "image": a["image"] ^ 16})),
    Miniature("strides are ignored", "layout", "imwrite_JPEG", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_JPEG", "uint8", never_refuses),
    Miniature("another quality, by a law", "laws", "imwrite_JPEG", "uint8", with_options(parameters=(1, 30))),
    Miniature("always in colour", "forward", "imread_JPEG", "uint8", with_options(flags=1)),
    Miniature("the orientation is ignored", "forward", "imdecode_JPEG", "uint8", with_inputs(lambda a: {**a, "flags": a["flags"] | 128})),
    Miniature("off by two", "forward", "imread_JPEG", "uint8", with_output(lambda y: y ^ 2)),
    Miniature("off by two, by a law", "laws", "imread_JPEG", "uint8", with_output(lambda y: y ^ 2)),
]
