"""What is wrong on purpose in flattening."""

from __future__ import annotations

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output, zero_for_nan

MINIATURES = [
    Miniature("always to the end", "shape", "Flatten", "float32", with_options(end_dim=-1)),
    Miniature("always from the first axis", "shape", "Flatten", "float32", with_options(start_dim=0)),
    Miniature("float32 computed in bfloat16", "forward", "Unflatten", "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", "Flatten", "float32", scaled_gradient(1.01)),
    Miniature("NaN is read as zero", "forward", "Unflatten", "float64", with_inputs(zero_for_nan)),
    Miniature("nothing is refused", "rejects", "Unflatten", "float32", never_refuses),
    Miniature("the order is reversed", "laws", "Unflatten", "float32", with_output(lambda y: y.flip(-1))),
]
