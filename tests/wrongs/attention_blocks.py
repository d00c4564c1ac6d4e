"""What is wrong on purpose in blocks of attention."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    double_work,
    in_bfloat16,
    lost_gradient,
    scaled_gradient,
    with_inputs,
    with_output,
    with_result,
)


def last_of_ties(call: Call) -> Call:
    """Of equal scores the last wins."""

    def wrong(**arguments: Any) -> Any:
        key = arguments["key"]
        results = call(**{**arguments, "key": key.flip(1), "value": arguments["value"].flip(1)})
        return {**results, "index": key.shape[1] - 1 - results["index"]}

    return wrong


def evenly(call: Call) -> Call:
    """Every step has the same share."""
    return with_inputs(lambda arguments: {**arguments, "weight": 0 * arguments["weight"]})(call)


def without_reduction_bias(arguments: dict[str, Any]) -> dict[str, Any]:
    """The first layer has no bias."""
    return {**arguments, "bias1": 0 * arguments["bias1"]}


MINIATURES = [
    Miniature("of equal scores the last wins", "forward", "one_hot_HardAttention", "float32", last_of_ties),
    Miniature("the index is the next one", "forward", "one_hot_HardAttention", "float64", with_result("index", lambda i: i + 1)),
    Miniature("the gradient is one percent too large", "gradient", "one_hot_HardAttention", "float64", scaled_gradient(1.01)),
    Miniature("the first layer has no bias", "forward", "Sequential_SqueezeExcitation", "float32", with_inputs(without_reduction_bias)),
    Miniature("the last pixel has no gradient", "gradient", "Sequential_SqueezeExcitation", "float64", lost_gradient),
    Miniature("gates amplify", "laws", "Sequential_SqueezeExcitation", "float32", with_output(lambda y: y * 2)),
    Miniature("computed in bfloat16", "forward", "Conv2d_SpatialAttention", "float32", in_bfloat16),
    Miniature("everything is computed twice", "cost", "Conv2d_SpatialAttention", "float32", double_work),
    Miniature("every step has the same share", "forward", "Softmax_TemporalAttention", "float32", evenly),
    Miniature(
        "steps are cut off",
        "laws",
        "Softmax_TemporalAttention",
        "float32",
        with_inputs(lambda a: {**a, "x": a["x"] * torch.arange(1, a["x"].shape[1] + 1).reshape(-1, 1)}),
    ),
    Miniature("every scale has the same share", "gradient", "Softmax_ScaleAttention", "float64", evenly),
]
