"""What is wrong on purpose in activations."""

from __future__ import annotations

from tests.miniatures import Miniature, in_bfloat16, with_inputs, with_options, with_output, writes_its_input, zero_for_nan

MINIATURES = [
    Miniature("float32 computed in bfloat16", "forward", "GELU", "float32", in_bfloat16),
    Miniature("the wrong form", "forward", "GELU", "float32", with_options(approximate="tanh")),
    Miniature("NaN is read as zero", "forward", "GELU", "float32", with_inputs(zero_for_nan)),
    Miniature("one ten-thousandth too much", "forward", "GELU", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("the gradient of the other form", "gradient", "GELU", "float32", with_options(approximate="tanh")),
    Miniature("the input is overwritten", "purity", "GELU", "float32", writes_its_input),
    Miniature("a thousandth too much, by a law", "laws", "GELU", "float32", with_output(lambda y: y * 1.001)),
    Miniature("a thousandth added, by a law", "laws", "GELU", "float32", with_output(lambda y: y + 0.001)),
]
