"""What is wrong on purpose in adaptive pooling."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    in_bfloat16,
    last_column,
    never_refuses,
    scaled_gradient,
    with_inputs,
    with_output,
    with_result,
    zero_for_nan,
)


def ends_rounded_down(call: Call) -> Call:
    """Windows from ⌊i·L/M⌋ to ⌊(i + 1)·L/M⌋."""

    def wrong(**arguments: Any) -> Any:
        x, size = arguments["x"], arguments["output_size"]
        count = size if isinstance(size, int) else size[0]
        side = x.shape[-1]
        bounds = [(i * side // count, max((i + 1) * side // count, i * side // count + 1)) for i in range(count)]
        return torch.stack([x[..., a:b].mean(-1) for a, b in bounds], dim=-1) if count else call(**arguments)

    return wrong


def none_is_one(arguments: dict[str, Any]) -> dict[str, Any]:
    """A side that should stay becomes one."""
    size = arguments["output_size"]
    return {**arguments, "output_size": tuple(1 if m is None else m for m in size) if isinstance(size, tuple) else size}


MINIATURES = [
    Miniature("windows end too early", "forward", "AdaptiveAvgPool1d", "float32", ends_rounded_down),
    Miniature("the last column is zero", "forward", "AdaptiveAvgPool3d", "float64", last_column(0)),
    Miniature("the last column is not seen", "forward", "AdaptiveMaxPool1d", "float32", last_column(-torch.inf)),
    Miniature("the last column is not seen", "forward", "AdaptiveMaxPool3d", "float32", last_column(-torch.inf)),
    Miniature("None is one", "shape", "AdaptiveAvgPool2d", "float32", with_inputs(none_is_one)),
    Miniature("float32 computed in bfloat16", "forward", "AdaptiveAvgPool3d", "float32", in_bfloat16),
    Miniature("NaN is read as zero", "forward", "AdaptiveMaxPool1d", "float32", with_inputs(zero_for_nan)),
    Miniature("the index is the next one", "forward", "AdaptiveMaxPool3d", "float64", with_result("indices", lambda i: i + 1)),
    Miniature("the gradient is one percent too large", "gradient", "AdaptiveAvgPool2d", "float32", scaled_gradient(1.01)),
    Miniature("the gradient is one percent too large", "gradient", "AdaptiveMaxPool1d", "float64", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", "AdaptiveMaxPool2d", "float32", never_refuses),
    Miniature("outputs are mirrored", "laws", "AdaptiveMaxPool1d", "float32", with_output(lambda y: y.flip(-1))),
    Miniature("one more everywhere", "laws", "AdaptiveAvgPool3d", "float32", with_output(lambda y: y + 1)),
]
