"""What is wrong on purpose in unfolding and folding."""

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


def one_for_padding(output: Any) -> Any:
    """What is 0 is 1."""
    return torch.where(output == 0, 1, output)


MINIATURES = [
    Miniature("the padding is one", "forward", "Unfold", "float32", with_output(one_for_padding)),
    Miniature("dilation is ignored", "forward", "Unfold", "float64", with_options(dilation=1)),
    Miniature("NaN is read as zero", "forward", "Unfold", "float32", with_inputs(zero_for_nan)),
    Miniature("computed in bfloat16", "forward", "Unfold", "float32", in_bfloat16),
    Miniature("blocks are counted with stride 1", "shape", "Unfold", "float32", with_options(stride=1)),
    Miniature("the gradient is one percent too large", "gradient", "Unfold", "float32", scaled_gradient(1.01)),
    Miniature("strides are ignored", "layout", "Unfold", "float32", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "Unfold", "float32", never_refuses),
    Miniature("one too much everywhere", "laws", "Unfold", "float32", with_output(lambda y: y + 1)),
    Miniature("overlaps are averaged", "forward", "Fold", "float32", with_output(lambda y: y / 2)),
    Miniature(
        "the last column is lost", "forward", "Fold", "float64", with_output(lambda y: torch.cat([y[..., :-1], 0 * y[..., -1:]], -1))
    ),
    Miniature("computed in bfloat16", "forward", "Fold", "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", "Fold", "float64", scaled_gradient(1.01)),
    Miniature("overlaps are averaged", "laws", "Fold", "float32", with_output(lambda y: y / 2 + 1)),
    Miniature("nothing is refused", "rejects", "Fold", "float32", never_refuses),
]
