"""What is wrong on purpose in rectifiers."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    in_bfloat16,
    never_refuses,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    writes_its_input,
    zero_for_nan,
)


def first_slope_only(arguments: dict[str, Any]) -> dict[str, Any]:
    """Every channel has the first one's slope."""
    return {**arguments, "weight": arguments["weight"][:1].expand_as(arguments["weight"])}


def instead(function: Call) -> Call:
    """Another function of the input."""
    return lambda call: lambda **arguments: function(arguments["x"])


MINIATURES = [
    Miniature("six is taken for seven", "forward", "ReLU6", "float32", instead(lambda x: x.clamp(0, 7))),
    Miniature("NaN is read as zero", "forward", "ReLU", "float32", with_inputs(zero_for_nan)),
    Miniature("the slope is ignored", "forward", "LeakyReLU", "float32", with_options(negative_slope=0.01)),
    Miniature("one slope for all channels", "forward", "PReLU", "float32", with_inputs(first_slope_only)),
    Miniature("one slope's gradient for all channels", "gradient", "PReLU", "float64", with_inputs(first_slope_only)),
    Miniature("training is evaluation", "forward", "RReLU", "float64", with_options(training=True)),
    Miniature("the bound is open", "forward", "Hardtanh", "float32", with_options(max_val=1e30)),
    Miniature("the gradient is one percent too large", "gradient", "Hardtanh", "float64", scaled_gradient(1.01)),
    Miniature("computed in bfloat16", "forward", "Hardswish", "float32", in_bfloat16),
    Miniature("a sixth has three digits", "forward", "Hardsigmoid", "float32", instead(lambda x: (x * 0.167 + 0.5).clamp(0, 1))),
    Miniature("it does not shrink", "forward", "Softshrink", "float32", instead(lambda x: x)),
    Miniature("nothing is refused", "rejects", "Softshrink", "float32", never_refuses),
    Miniature("lambda is a half", "forward", "Hardshrink", "float32", with_options(lambd=0.5)),
    Miniature(
        "the threshold passes",
        "forward",
        "Threshold",
        "float32",
        lambda call: lambda **a: torch.where(a["x"] >= a["threshold"], a["x"], a["value"]),
    ),
    Miniature("a half more, by a law", "laws", "Hardshrink", "float32", with_output(lambda y: y + 0.5)),
    Miniature("the input is overwritten", "purity", "ReLU", "float32", writes_its_input),
]
