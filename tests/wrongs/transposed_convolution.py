"""What is wrong on purpose in transposed convolution."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Miniature,
    double_work,
    in_bfloat16,
    never_refuses,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
)


def turned_filters(arguments: dict[str, Any]) -> dict[str, Any]:
    """The filters are read backwards, as a convolution's would be."""
    weight = arguments["weight"]
    return {**arguments, "weight": weight.flip(tuple(range(2, weight.ndim)))}


def zero_for_odd(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN and infinities are read as 0."""
    return {name: torch.nan_to_num(a, 0, 0, 0) if torch.is_tensor(a) else a for name, a in arguments.items()}


def cut(output: Any) -> Any:
    """The last column is 0."""
    return torch.cat([output[..., :-1], 0 * output[..., -1:]], -1)


MINIATURES = [
    Miniature("filters are read backwards", "forward", "ConvTranspose2d", "float32", with_inputs(turned_filters)),
    Miniature("the last column is cut off", "forward", "ConvTranspose1d", "float64", with_output(cut)),
    Miniature("computed in bfloat16", "forward", "ConvTranspose3d", "float32", in_bfloat16),
    Miniature("NaN and infinities are read as zero", "forward", "ConvTranspose2d", "float32", with_inputs(zero_for_odd)),
    Miniature("output padding is ignored", "shape", "ConvTranspose2d", "float32", with_options(output_padding=0, output_size=None)),
    Miniature("the gradient is one percent too large", "gradient", "ConvTranspose2d", "float32", scaled_gradient(1.01)),
    Miniature("everything is computed twice", "cost", "ConvTranspose2d", "float32", double_work),
    Miniature("nothing is refused", "rejects", "ConvTranspose2d", "float64", never_refuses),
    Miniature("filters are read backwards", "laws", "ConvTranspose2d", "float32", with_inputs(turned_filters)),
    Miniature("the last tap is lost", "forward", "ConvTranspose1d_Integers", "int64", with_output(cut)),
]
