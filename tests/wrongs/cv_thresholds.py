"""What is wrong on purpose in automatic thresholds and adaptive histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.miniatures import Call, Miniature, never_refuses, with_inputs, with_options, with_result


def as_given(call: Call) -> Call:
    """The threshold that is given counts."""
    return lambda **a: call(**{**a, "type": a["type"] & 7, "thresh": min(max(a["thresh"], 0.0), 255.0)})


def other_way(call: Call) -> Call:
    """Otsu's is taken for the triangle's, and the other way round."""
    return lambda **a: call(**{**a, "type": a["type"] ^ 24})


def in_eight_bits(arguments: dict[str, Any]) -> dict[str, Any]:
    """The lower eight bits of a gray value are lost."""
    return {**arguments, "image": arguments["image"] & np.uint16(0xFF00)}


def grid_on_its_side(arguments: dict[str, Any]) -> dict[str, Any]:
    """Rows of the grid are taken for its columns."""
    return {**arguments, "tileGridSize": arguments["tileGridSize"][::-1]}


MINIATURES = [
    Miniature("the threshold that is given counts", "forward", "threshold_OTSU", "uint8", as_given),
    Miniature("the triangle's", "forward", "threshold_OTSU", "uint8", other_way),
    Miniature("eight bits only", "forward", "threshold_OTSU", "uint16", with_inputs(in_eight_bits)),
    Miniature("Otsu's", "forward", "threshold_TRIANGLE", "uint8", other_way),
    Miniature("another threshold comes back", "laws", "threshold_OTSU", "uint8", with_result("threshold", lambda t: t + 0.5)),
    Miniature("nothing is refused", "rejects", "threshold_TRIANGLE", "uint8", never_refuses),
    Miniature("without a limit", "forward", "createCLAHE", "uint8", with_options(clipLimit=0.0)),
    Miniature("rows and columns of the grid are exchanged", "forward", "createCLAHE", "uint16", with_inputs(grid_on_its_side)),
    Miniature("the limit is forgotten, by a law", "laws", "createCLAHE", "uint8", with_options(clipLimit=1.0)),
    Miniature("nothing is refused", "rejects", "createCLAHE", "uint8", never_refuses),
]
