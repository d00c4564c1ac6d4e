"""What is wrong on purpose in activations of integers and in their means."""

from __future__ import annotations

import torch

from tests.miniatures import Call, Miniature, with_options, with_output


def through_float32(call: Call) -> Call:
    """Integers of 64 bits lose their last digits."""
    return lambda **arguments: call(**{**arguments, "x": arguments["x"].float().clamp(-9e18, 9e18).to(arguments["x"].dtype)})


def as_halves(call: Call) -> Call:
    """Integers are computed in float16."""
    return with_output(lambda y: y.half().float())(call)


def integers_out(call: Call) -> Call:
    """Of integers only the sign is left."""

    def wrong(x: torch.Tensor) -> torch.Tensor:
        return call(x=x) if x.is_floating_point() else torch.sign(x)

    return wrong


MINIATURES = [
    Miniature("64 bits go through float32", "forward", "ReLU_Integers", "int64", through_float32),
    Miniature("six is taken for seven", "forward", "ReLU6_Integers", "uint8", lambda call: lambda x, **a: x.clamp(0, 7)),
    Miniature("the lower bound is zero", "forward", "Hardtanh_Integers", "int8", with_options(min_val=0)),
    Miniature("what is not above becomes zero", "forward", "Threshold_Integers", "int32", with_options(value=0)),
    Miniature("a float comes out", "shape", "ReLU_Integers", "uint8", with_output(lambda y: y.float())),
    Miniature("a mean is one too large", "forward", "AvgPool2d_Integers", "int64", with_output(lambda y: y + 1)),
    Miniature("integers are taken as float16", "laws", "Tanhshrink", "float32", as_halves),
    Miniature(
        "integers come out", "laws", "Softsign", "float32", lambda call: lambda x: call(x=x) if x.is_floating_point() else torch.sign(x)
    ),
]
