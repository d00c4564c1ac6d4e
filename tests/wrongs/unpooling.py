"""What is wrong on purpose in unpooling."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Miniature,
    in_bfloat16,
    never_refuses,
    reads_memory_in_order,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    zero_for_nan,
)


def cell_of_the_next(arguments: dict[str, Any]) -> dict[str, Any]:
    """Every value goes to the place of its neighbour."""
    return {**arguments, "indices": arguments["indices"].roll(1, -1)}


def lost_at_the_end(y: Any) -> Any:
    """The last column stays empty."""
    return torch.cat([y[..., :-1], 0 * torch.nan_to_num(y[..., -1:])], dim=-1)


MINIATURES = [
    Miniature("the last column stays empty", "forward", "MaxUnpool2d", "float32", with_output(lost_at_the_end)),
    Miniature("values are exchanged", "forward", "MaxUnpool1d", "float64", with_inputs(cell_of_the_next)),
    Miniature("output_size is ignored", "shape", "MaxUnpool2d", "float32", with_options(output_size=None)),
    Miniature("NaN is read as zero", "forward", "MaxUnpool2d", "float32", with_inputs(zero_for_nan)),
    Miniature("float32 computed in bfloat16", "forward", "MaxUnpool3d", "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", "MaxUnpool2d", "float32", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", "MaxUnpool2d", "float32", never_refuses),
    Miniature("strides are ignored", "layout", "MaxUnpool2d", "float32", reads_memory_in_order),
    Miniature("half of what was pooled", "laws", "MaxUnpool2d", "float32", with_output(lambda y: y / 2)),
]
