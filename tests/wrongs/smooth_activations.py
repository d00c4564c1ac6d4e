"""What is wrong on purpose in activations with an exponential inside."""

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
    zero_for_nan,
)


def instead(function: Call) -> Call:
    """Another function of the input."""
    return lambda call: lambda **arguments: function(arguments["x"])


def halves_exchanged(arguments: dict[str, Any]) -> dict[str, Any]:
    """The first half is the gate."""
    if "dim" not in arguments:  # Sigmoid, which the law compares with
        return arguments
    a, b = arguments["x"].chunk(2, arguments["dim"])
    return {**arguments, "x": torch.cat([b, a], arguments["dim"])}


def elu_by_difference(x: Any, alpha: float) -> Any:
    """exp(x) − 1, which cancels near 0."""
    return torch.where(x > 0, x, alpha * (x.clamp(max=0).exp() - 1))


MINIATURES = [
    Miniature("alpha is ignored", "forward", "ELU", "float32", with_options(alpha=1.0)),
    Miniature("one is subtracted from the exponential", "forward", "ELU", "float32", lambda call: elu_by_difference),
    Miniature("alpha is ignored", "gradient", "CELU", "float64", with_options(alpha=1.0)),
    Miniature("the scale has six digits", "forward", "SELU", "float32", with_output(lambda y: y / 1.0507009873554805 * 1.0507)),
    Miniature("the threshold is ignored", "forward", "Softplus", "float32", with_options(threshold=20.0)),
    Miniature("beta is ignored", "gradient", "Softplus", "float32", with_options(beta=1.0)),
    Miniature("the logarithm underflows", "forward", "LogSigmoid", "float32", instead(lambda x: x.sigmoid().log())),
    Miniature("NaN is read as zero", "forward", "Sigmoid", "float32", with_inputs(zero_for_nan)),
    Miniature("computed in bfloat16", "forward", "SiLU", "float32", in_bfloat16),
    Miniature("softplus overflows", "forward", "Mish", "float32", instead(lambda x: x * (1 + x.exp()).log().tanh())),
    Miniature("the gradient is one percent too large", "gradient", "Tanhshrink", "float64", scaled_gradient(1.01)),
    Miniature("the square is forgotten", "gradient", "Softsign", "float32", scaled_gradient(2.0)),
    Miniature("one half is taken for the other", "forward", "GLU", "float32", with_inputs(halves_exchanged)),
    Miniature("one half is taken for the other, by a law", "laws", "GLU", "float32", with_inputs(halves_exchanged)),
    Miniature("the axis keeps its length", "shape", "GLU", "float32", lambda call: lambda **a: a["x"]),
    Miniature("nothing is refused", "rejects", "GLU", "float32", never_refuses),
]
