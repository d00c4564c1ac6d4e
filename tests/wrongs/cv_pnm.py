"""What is wrong on purpose in maps of bits, gray, colours and floating numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.miniatures import (
    Call,
    Miniature,
    never_refuses,
    never_the_same,
    reads_memory_in_order,
    with_inputs,
    with_options,
    with_output,
    with_result,
)
from tests.wrongs.cv_codec import always_red_first, never_none
from tests.wrongs.images import step_of_integers


def last_byte(change: int) -> Call:
    """The last byte of the file is another one."""

    def alter(call: Call) -> Call:
        def wrong(**arguments: Any) -> Any:
            results = call(**arguments)
            file = np.array(results["file"])
            file[-1:] ^= change
            return {**results, "file": file}

        return wrong

    return alter


def red_for_blue(arguments: dict[str, Any]) -> dict[str, Any]:
    """R, G, B is taken for B, G, R."""
    image = arguments["image"]
    return {**arguments, "image": np.ascontiguousarray(image[..., [2, 1, 0, 3][: image.shape[2]]]) if image.ndim == 3 else image}


MINIATURES = [
    Miniature("the last sample is damaged", "forward", "imwrite_PNM", "uint8", last_byte(16)),
    Miniature("red first", "forward", "imwrite_PNM", "uint16", with_inputs(red_for_blue)),
    Miniature("not written", "forward", "imwrite_PNM", "uint16", with_result("written", np.logical_not)),
    Miniature("always in bytes", "forward", "imencode_PNM", "uint8", with_options(parameters=())),
    Miniature("parameters are ignored, by a law", "laws", "imwrite_PNM", "uint16", with_options(parameters=())),
    Miniature("strides are ignored", "layout", "imwrite_PNM", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_PNM", "uint8", never_refuses),
    Miniature("always in colour", "forward", "imread_PNM", "uint8", with_options(flags=1)),
    Miniature("one more everywhere", "forward", "imread_PNM", "uint16", with_output(step_of_integers)),
    Miniature("one more everywhere, by a law", "laws", "imread_PNM", "uint8", with_output(step_of_integers)),
    Miniature("never 16 bits", "forward", "imdecode_PNM", "uint16", with_inputs(lambda a: {**a, "flags": a["flags"] & ~2})),
    Miniature("what is no image is black", "forward", "imdecode_PNM", "uint8", never_none),
    Miniature("one pixel changes", "determinism", "imread_PNM", "uint16", never_the_same),
    Miniature("NaN is 0", "forward", "imencode_PFM", "float32", with_inputs(lambda a: {**a, "image": np.nan_to_num(a["image"])})),
    Miniature("red first", "forward", "imread_PFM", "float32", always_red_first),
    Miniature("half precision", "forward", "imdecode_PFM", "float32", with_output(lambda y: y.astype(np.float16).astype(y.dtype))),
    Miniature("the last sample is damaged", "forward", "imencode_PAM", "uint8", last_byte(16)),
]
