"""What is wrong on purpose in losses of numbers against numbers."""

from __future__ import annotations

import torch

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def without_nan(arguments):
    """NaN is read as 0."""
    return {**arguments, "input": torch.nan_to_num(arguments["input"], nan=0.0, posinf=None, neginf=None)}


def constant_target(arguments):
    """The target is cut off from its gradient, but for a zero."""
    return {**arguments, "target": arguments["target"].detach() + 0 * arguments["target"]}


def bent_later(arguments):
    """The bend is a little beyond beta."""
    return {**arguments, "beta": arguments["beta"] * 1.01}


def silent_nan(call):
    """The gradient at NaN is 0."""

    def wrong(**arguments):
        x = arguments["input"]
        return call(**{**arguments, "input": torch.where(x.isnan(), x.detach(), x)})

    return wrong


MINIATURES = [
    Miniature("float32 computed in bfloat16", "forward", "L1Loss", "float32", in_bfloat16),
    Miniature("NaN is read as zero", "forward", "L1Loss", "float32", with_inputs(without_nan)),
    Miniature("the gradient is one percent too large", "gradient", "L1Loss", "float32", scaled_gradient(1.01)),
    Miniature("the mean is a sum", "forward", "MSELoss", "float32", with_options(reduction="sum")),
    Miniature("one ten-thousandth too much", "forward", "MSELoss", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("the target has no gradient", "gradient", "MSELoss", "float32", with_inputs(constant_target)),
    Miniature("beta is always 1", "forward", "SmoothL1Loss", "float32", with_options(beta=1.0)),
    Miniature("the bend is a little beyond beta", "gradient", "SmoothL1Loss", "float32", with_inputs(bent_later)),
    Miniature("the gradient at NaN is 0", "gradient", "SmoothL1Loss", "float32", silent_nan),
    Miniature("nothing is refused", "rejects", "SmoothL1Loss", "float32", never_refuses),
    Miniature("delta is always 1", "forward", "HuberLoss", "float32", with_options(delta=1.0)),
    Miniature("a law of its own", "laws", "HuberLoss", "float32", with_output(lambda y: y + 0.01)),
]
