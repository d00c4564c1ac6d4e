"""What is wrong on purpose in pooling."""

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
    with_options,
    with_output,
    with_result,
    zero_for_nan,
)


def zero_side_by_side(call: Call) -> Call:
    """The maximum begins at 0 for images that do not lie row by row, as channels_last ones (pytorch#109586)."""

    def wrong(**arguments: Any) -> Any:
        lies_so = not arguments["x"].is_contiguous()
        return with_output(lambda y: y.clamp(min=0))(call)(**arguments) if lies_so else call(**arguments)

    return wrong


MINIATURES = [
    Miniature("the last column is not seen", "forward", "MaxPool1d", "float32", last_column(-torch.inf)),
    Miniature("the last column is not seen", "forward", "MaxPool3d", "float32", last_column(-torch.inf)),
    Miniature("padding counts as zero", "forward", "MaxPool1d", "float64", with_output(lambda y: y.clamp(min=0))),
    Miniature("padding counts as zero", "forward", "MaxPool3d", "float64", with_output(lambda y: y.clamp(min=0))),
    Miniature("padding counts as zero", "forward", "MaxPool2d", "float32", with_output(lambda y: y.clamp(min=0))),
    Miniature("NaN is passed over", "forward", "MaxPool2d", "float32", with_inputs(zero_for_nan)),
    Miniature("the index is the next one", "forward", "MaxPool2d", "float64", with_result("indices", lambda i: i + 1)),
    Miniature("ceil_mode is ignored", "shape", "MaxPool2d", "float32", with_options(ceil_mode=False)),
    Miniature("the gradient is one percent too large", "gradient", "MaxPool2d", "float32", scaled_gradient(1.01)),
    Miniature("the last window is lost", "shape", "MaxPool1d", "float32", with_output(lambda y: y[..., :-1])),
    Miniature("dilation is ignored", "forward", "MaxPool3d", "float32", with_options(dilation=1)),
    Miniature("float32 computed in bfloat16", "forward", "MaxPool1d", "float32", in_bfloat16),
    Miniature("negative numbers are lost where channels lie side by side", "layout", "MaxPool2d_Integers", "int64", zero_side_by_side),
    Miniature("padding counts as zero", "forward", "MaxPool2d_Integers", "int32", with_output(lambda y: y.clamp(min=0))),
    Miniature("integers lose digits", "forward", "MaxPool3d_Integers", "int64", with_inputs(lambda a: {**a, "x": a["x"].double().long()})),
    Miniature("nothing is refused", "rejects", "MaxPool2d", "float32", never_refuses),
    Miniature(
        "every second output is one more",
        "laws",
        "MaxPool2d",
        "float32",
        with_output(lambda y: y + torch.arange(y.numel()).reshape(y.shape) % 2),
    ),
]
