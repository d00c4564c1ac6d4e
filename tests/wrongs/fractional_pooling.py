"""What is wrong on purpose in fractional pooling."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Miniature, never_refuses, scaled_gradient, with_inputs, with_options, with_output, with_result, zero_for_nan


def blind_at_the_end(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last column is never taken."""
    x = arguments["x"].clone()
    x[..., -1] = -torch.inf
    return {**arguments, "x": x}


def without_samples(arguments: dict[str, Any]) -> dict[str, Any]:
    """Windows are where they are for the samples 0."""
    return {**arguments, "_random_samples": 0 * arguments["_random_samples"]}


MINIATURES = [
    Miniature("samples are ignored", "forward", "FractionalMaxPool2d", "float32", with_inputs(without_samples)),
    Miniature("the last column is not seen", "forward", "FractionalMaxPool2d", "float64", with_inputs(blind_at_the_end)),
    Miniature("windows have one cell", "forward", "FractionalMaxPool3d", "float32", with_options(kernel_size=1)),
    Miniature("NaN is read as zero", "forward", "FractionalMaxPool2d", "float64", with_inputs(zero_for_nan)),
    Miniature("the index is the next one", "forward", "FractionalMaxPool3d", "float64", with_result("indices", lambda i: i + 1)),
    Miniature("the gradient is one percent too large", "gradient", "FractionalMaxPool2d", "float32", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", "FractionalMaxPool2d", "float32", never_refuses),
    Miniature("outputs are mirrored", "laws", "FractionalMaxPool2d", "float32", with_output(lambda y: y.flip(-1))),
]
