"""What is wrong on purpose in losses."""

from __future__ import annotations

from tests.miniatures import Miniature, scaled_gradient, with_options, with_output

MINIATURES = [
    Miniature("smoothing is ignored", "forward", "CrossEntropyLoss", "float32", with_options(label_smoothing=0.0)),
    Miniature("weights are ignored", "forward", "CrossEntropyLoss", "float64", with_options(weight=None)),
    Miniature(
        "the mean is a sum",
        "forward",
        "CrossEntropyLoss",
        "float32",
        lambda call: lambda **a: call(**{**a, "reduction": "sum" if a["reduction"] == "mean" else a["reduction"]}),
    ),
    Miniature("one ten-thousandth too much", "forward", "CrossEntropyLoss", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("ignore_index is not ignored", "gradient", "CrossEntropyLoss", "float32", scaled_gradient(1.01)),
    Miniature("a batch has an axis too many", "shape", "CrossEntropyLoss", "float32", with_output(lambda y: y[None])),
]
