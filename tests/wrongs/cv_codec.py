"""What is wrong on purpose in PNG files and in how they are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.miniatures import Call, Miniature, never_refuses, never_the_same, reads_memory_in_order, with_inputs, with_options, with_output
from tests.wrongs.images import step_of_integers


def nearly_png(call: Call) -> Call:
    """The last byte of the pixels' stream is not what it was."""

    def wrong(**arguments: Any) -> Any:
        results = call(**arguments)
        file = np.array(results["file"])
        file[-20:-19] ^= 1
        return {**results, "file": file}

    return wrong


def always_red_first(call: Call) -> Call:
    """Red and blue are exchanged in whatever is read."""
    return with_output(lambda y: y[..., [2, 1, 0, 3][: y.shape[2]]] if y.ndim == 3 else y)(call)


def never_none(call: Call) -> Call:
    """What is no image is read as a black pixel."""

    def wrong(**arguments: Any) -> Any:
        results = call(**arguments)
        black = {"read": np.array(True), "depth": np.array("uint8"), "output": np.zeros((1, 1), np.uint8)}
        return results if results["read"] else black

    return wrong


MINIATURES = [
    Miniature("the stream is damaged", "forward", "imwrite_PNG", "uint8", nearly_png),
    Miniature("always level 9", "forward", "imwrite_PNG", "uint16", with_options(parameters=(16, 9))),
    Miniature("parameters are ignored", "forward", "imencode_PNG", "uint8", with_options(parameters=())),
    Miniature("parameters are ignored, by a law", "laws", "imwrite_PNG", "uint8", with_options(parameters=())),
    Miniature("strides are ignored", "layout", "imwrite_PNG", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_PNG", "uint8", never_refuses),
    Miniature("always in colour", "forward", "imread_PNG", "uint8", with_options(flags=1)),
    Miniature("one more everywhere", "forward", "imread_PNG", "uint16", with_output(step_of_integers)),
    Miniature("red first", "forward", "imread_PNG", "uint8", always_red_first),
    Miniature("never 16 bits", "forward", "imread_PNG", "uint16", with_inputs(lambda a: {**a, "flags": a["flags"] & ~2})),
    Miniature("the orientation is ignored", "forward", "imread_PNG", "uint8", with_inputs(lambda a: {**a, "flags": a["flags"] | 128})),
    Miniature("what is no image is black", "forward", "imdecode_PNG", "uint8", never_none),
    Miniature("one pixel changes", "determinism", "imdecode_PNG", "uint16", never_the_same),
    Miniature("one more everywhere, by a law", "laws", "imread_PNG", "uint8", with_output(step_of_integers)),
]
