"""What is wrong on purpose in morphology."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.miniatures import Miniature, reads_memory_in_order, with_inputs, with_options, with_output


def reflected(arguments: dict[str, Any]) -> dict[str, Any]:
    """The element is turned around."""
    kernel = arguments["kernel"]
    return {**arguments, "kernel": kernel if kernel is None else np.ascontiguousarray(kernel[::-1, ::-1])}


MINIATURES = [
    Miniature("the element is reflected", "forward", "dilate", "uint8", with_inputs(reflected)),
    Miniature("the border is replicated", "forward", "dilate", "int16", with_options(borderType=1, borderValue=None)),
    Miniature("once is enough", "forward", "dilate", "float64", with_options(iterations=1)),
    Miniature("half of a gray value is lost", "forward", "dilate", "uint8", with_output(lambda y: y & 254)),
    Miniature("half of a gray value is lost, by a law", "laws", "dilate", "uint8", with_output(lambda y: y & 254)),
    Miniature("strides are ignored", "layout", "dilate", "uint8", reads_memory_in_order),
    Miniature("every operation opens", "forward", "morphologyEx", "uint8", with_options(op=2)),
    Miniature("opening erodes only", "laws", "morphologyEx", "uint8", lambda call: lambda **a: call(**{**a, "op": a["op"] % 2})),
    Miniature("the ellipse is a rectangle", "forward", "getStructuringElement", "uint8", with_options(shape=0)),
    Miniature("the cross is in the middle", "forward", "getStructuringElement", "uint8", with_options(anchor=(-1, -1))),
]
