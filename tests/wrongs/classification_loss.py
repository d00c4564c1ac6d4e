"""What is wrong on purpose in losses of classes."""

from __future__ import annotations

import torch

from tests.miniatures import Miniature, never_refuses, scaled_gradient, with_inputs, with_options, with_output

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
    Miniature("the gradient is one percent too large", "gradient", "CrossEntropyLoss", "float32", scaled_gradient(1.01)),
    Miniature("a batch has an axis too many", "shape", "CrossEntropyLoss", "float32", with_output(lambda y: y[None])),
    Miniature(
        "NaN is read as zero", "forward", "NLLLoss", "float32", with_inputs(lambda a: {**a, "input": torch.nan_to_num(a["input"], nan=0.0)})
    ),
    Miniature("ignored targets count", "forward", "NLLLoss", "float32", with_inputs(lambda a: {**a, "target": a["target"].clamp(min=0)})),
    Miniature("weights are ignored", "gradient", "NLLLoss", "float32", with_options(weight=None)),
    Miniature("nothing is refused", "rejects", "NLLLoss", "float32", never_refuses),
    Miniature("a law of its own", "laws", "NLLLoss", "float32", with_output(lambda y: y + 0.5 if y.ndim == 0 else y)),
]
