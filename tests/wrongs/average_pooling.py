"""What is wrong on purpose in average pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.miniatures import (
    Call,
    Miniature,
    in_bfloat16,
    last_column,
    never_refuses,
    reads_memory_in_order,
    with_inputs,
    with_options,
    with_output,
    zero_for_nan,
)


def by_the_whole_kernel(arguments: dict[str, Any]) -> dict[str, Any]:
    """Windows that hang over are divided by as many cells as the others."""
    rank = arguments["x"].ndim - 2 if arguments["x"].ndim == 4 else 2
    area = int(np.prod(np.broadcast_to(arguments["kernel_size"], rank)))
    return {**arguments, "divisor_override": arguments["divisor_override"] or area}


def gradient_by_the_whole_kernel(call: Call) -> Call:
    """The same in the gradient only."""

    def wrong(**arguments: Any) -> Any:
        other = call(**by_the_whole_kernel(arguments))
        return call(**arguments).detach() + (other - other.detach())

    return wrong


def without_the_last_column(arguments: dict[str, Any]) -> dict[str, Any]:
    """A column that is not seen."""
    x = arguments["x"]
    return {**arguments, "x": x[..., :-1] if x.shape[-1] > 1 else x}


def sums_gradient(call: Call) -> Call:
    """Every cell gets all of the cotangent."""

    def wrong(**arguments: Any) -> Any:
        x, rank = arguments["x"], arguments["rank"]
        total = torch.sum(x, dim=tuple(range(-rank, 0)), keepdim=True)
        return call(**arguments).detach() + (total - total.detach())

    return wrong


MINIATURES = [
    Miniature("padding never counts", "forward", "AvgPool2d", "float32", with_options(count_include_pad=False)),
    Miniature("the last column is zero", "forward", "AvgPool1d", "float64", last_column(0)),
    Miniature("the last column is zero", "forward", "AvgPool3d", "float64", last_column(0)),
    Miniature("hanging windows count as whole", "forward", "AvgPool2d", "float64", with_inputs(by_the_whole_kernel)),
    Miniature("divisor_override is ignored", "forward", "AvgPool3d", "float64", with_options(divisor_override=None)),
    Miniature("float32 computed in bfloat16", "forward", "AvgPool1d", "float32", in_bfloat16),
    Miniature("NaN is read as zero", "forward", "AvgPool1d", "float32", with_inputs(zero_for_nan)),
    Miniature("hanging windows have the gradient of whole ones", "gradient", "AvgPool2d", "float32", gradient_by_the_whole_kernel),
    Miniature("ceil_mode is ignored", "shape", "AvgPool1d", "float32", with_options(ceil_mode=False)),
    Miniature("nothing is refused", "rejects", "AvgPool1d", "float32", never_refuses),
    Miniature("strides are ignored", "layout", "AvgPool2d", "float32", reads_memory_in_order),
    Miniature("one more everywhere", "laws", "AvgPool2d", "float32", with_output(lambda y: y + 1)),
    Miniature("outputs are mirrored", "laws", "AvgPool2d", "float32", with_output(lambda y: y.flip(-1))),
    Miniature("the last column is left out", "forward", "AdaptiveAvgPool2d_Global", "float32", with_inputs(without_the_last_column)),
    Miniature("one per mille too much", "laws", "AdaptiveAvgPool2d_Global", "float32", with_output(lambda y: y * 1.001)),
    Miniature("the gradient is that of the sum", "gradient", "AdaptiveAvgPool2d_Global", "float64", sums_gradient),
]
