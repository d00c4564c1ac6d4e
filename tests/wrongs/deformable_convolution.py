"""What is wrong on purpose in deformable and separable convolution."""

from __future__ import annotations

from typing import Any

from tests.miniatures import (
    Call,
    Miniature,
    double_work,
    in_bfloat16,
    lost_gradient,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
)


def exchanged(arguments: dict[str, Any]) -> dict[str, Any]:
    """Rows are moved as far as columns should be."""
    offset = arguments["offset"]
    n, channels, *sides = offset.shape
    return {**arguments, "offset": offset.reshape(n, channels // 2, 2, *sides).flip(2).reshape(offset.shape)}


def edges_continue(arguments: dict[str, Any]) -> dict[str, Any]:
    """Places far outside are pulled to the edge."""
    return {**arguments, "offset": arguments["offset"].clamp(-2, 2)}


def near_only(arguments: dict[str, Any]) -> dict[str, Any]:
    """Places that would be moved by more than ten pixels are not."""
    return {**arguments, "offset": arguments["offset"] * (arguments["offset"].abs() < 10)}


def still(call: Call) -> Call:
    """The places have no gradient of their own."""
    return lambda **arguments: call(**{**arguments, "offset": arguments["offset"] * 0.5 + arguments["offset"].detach() * 0.5})


def one_group(arguments: dict[str, Any]) -> dict[str, Any]:
    """Every offset group moves as the first does."""
    offset, cells = arguments["offset"], 2 * arguments["weight"][0, 0].numel()
    return {**arguments, "offset": offset[:, :cells].repeat(1, offset.shape[1] // cells, 1, 1)}


DEFORMABLE, SEPARABLE = "gather_DeformableConvolution", "Conv2d_DepthwiseSeparable"

MINIATURES = [
    Miniature("rows and columns are exchanged", "forward", DEFORMABLE, "float32", with_inputs(exchanged)),
    Miniature("there is no mask", "forward", DEFORMABLE, "float64", with_options(mask=None)),
    Miniature("all offset groups are the first", "forward", DEFORMABLE, "float32", with_inputs(one_group)),
    Miniature("places outside are pulled inside", "forward", DEFORMABLE, "float32", with_inputs(edges_continue)),
    Miniature("places are rounded", "forward", DEFORMABLE, "float64", with_inputs(lambda a: {**a, "offset": a["offset"].round()})),
    Miniature("computed in bfloat16", "forward", DEFORMABLE, "float32", in_bfloat16),
    Miniature("far places are not moved", "forward", DEFORMABLE, "float64", with_inputs(near_only)),
    Miniature("half of the gradient by the offset", "gradient", DEFORMABLE, "float32", still),
    Miniature("the gradient is one percent too large", "gradient", DEFORMABLE, "float64", scaled_gradient(1.01)),
    Miniature("it is not linear", "laws", DEFORMABLE, "float32", with_output(lambda y: y + y.abs())),
    Miniature("everything is computed twice", "cost", DEFORMABLE, "float32", double_work),
    Miniature("dilation is ignored", "shape", SEPARABLE, "float32", with_options(dilation=1)),
    Miniature("there is no bias", "forward", SEPARABLE, "float64", with_options(bias=None)),
    Miniature("computed in bfloat16", "forward", SEPARABLE, "float32", in_bfloat16),
    Miniature("the last output has no gradient", "gradient", SEPARABLE, "float32", lost_gradient),
    Miniature("everything is computed twice", "cost", SEPARABLE, "float32", double_work),
]
