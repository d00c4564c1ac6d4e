"""What is wrong on purpose in convolution."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Miniature,
    double_work,
    in_bfloat16,
    lost_gradient,
    never_refuses,
    never_the_same,
    reads_memory_in_order,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    writes_its_input,
)


def one_tap_lost(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last weight of every filter is not used."""
    weight = arguments["weight"].clone()
    weight.reshape(len(weight), -1)[:, -1] = 0
    return {**arguments, "weight": weight}


MINIATURES = [
    Miniature("float32 computed in bfloat16", "forward", "Conv2d", "float32", in_bfloat16),
    Miniature("the last tap of a filter is lost", "forward", "Conv2d", "float32", with_inputs(one_tap_lost)),
    Miniature("the border is replicated", "forward", "Conv2d", "float64", with_options(padding_mode="replicate")),
    Miniature("one ulp too much", "forward", "Conv2d", "float32", with_output(lambda y: torch.nextafter(y, y + 1))),
    Miniature("dilation is ignored", "shape", "Conv2d", "float32", with_options(dilation=1)),
    Miniature("the gradient is one percent too large", "gradient", "Conv2d", "float32", scaled_gradient(1.01)),
    Miniature("the last output has no gradient", "gradient", "Conv2d", "float64", lost_gradient),
    Miniature("everything is computed twice", "cost", "Conv2d", "float32", double_work),
    Miniature("nothing is refused", "rejects", "Conv2d", "float32", never_refuses),
    Miniature("it is not linear", "laws", "Conv2d", "float32", with_output(lambda y: y + y.abs())),
    Miniature("strides are ignored", "layout", "Conv2d", "float32", reads_memory_in_order),
    Miniature("the input is overwritten", "purity", "Conv2d", "float32", writes_its_input),
    Miniature("one element changes from call to call", "determinism", "Conv2d", "float32", never_the_same),
    Miniature("the last tap of a filter is lost", "forward", "Conv2d_Integers", "int32", with_inputs(one_tap_lost)),
]
