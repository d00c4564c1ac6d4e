"""What is wrong on purpose in power pooling."""

from __future__ import annotations

import torch

from tests.miniatures import (
    Miniature,
    in_bfloat16,
    last_column,
    never_refuses,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    zero_for_nan,
)

MINIATURES = [
    Miniature("the last column is zero", "forward", "LPPool1d", "float32", last_column(0)),
    Miniature("the last column is zero", "forward", "LPPool3d", "float32", last_column(0)),
    Miniature("every norm is the second", "forward", "LPPool2d", "float32", with_options(norm_type=2.0)),
    Miniature("ceil_mode is ignored", "shape", "LPPool1d", "float32", with_options(ceil_mode=False)),
    Miniature("three ulps too much", "forward", "LPPool1d", "float64", with_output(lambda y: y * (1 + 2.0**-47))),
    Miniature("float32 computed in bfloat16", "forward", "LPPool3d", "float32", in_bfloat16),
    Miniature("NaN is read as zero", "forward", "LPPool1d", "float32", with_inputs(zero_for_nan)),
    Miniature("the gradient is one percent too large", "gradient", "LPPool2d", "float32", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", "LPPool2d", "float32", never_refuses),
    Miniature("negative numbers are cut off", "laws", "LPPool2d", "float32", with_inputs(lambda a: {**a, "x": torch.relu(a["x"])})),
    Miniature("one more everywhere", "laws", "LPPool1d", "float32", with_output(lambda y: y + 1)),
]
