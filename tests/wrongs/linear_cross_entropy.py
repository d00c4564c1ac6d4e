"""What is wrong on purpose in the cross entropy of logits that a linear map makes."""

from __future__ import annotations

import torch

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output

MINIATURES = [
    Miniature("smoothing is ignored", "forward", "LinearCrossEntropyLoss", "float32", with_options(label_smoothing=0.0)),
    Miniature("there is no bias", "forward", "LinearCrossEntropyLoss", "float32", with_inputs(lambda a: {**a, "linear_bias": None})),
    Miniature("weights are ignored", "gradient", "LinearCrossEntropyLoss", "float32", with_options(weight=None)),
    Miniature("the gradient is one percent too large", "gradient", "LinearCrossEntropyLoss", "float32", scaled_gradient(1.01)),
    Miniature("one ten-thousandth too much", "forward", "LinearCrossEntropyLoss", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("losses are never NaN", "forward", "LinearCrossEntropyLoss", "float32", with_output(torch.nan_to_num)),
    Miniature("a batch has an axis too many", "shape", "LinearCrossEntropyLoss", "float32", with_output(lambda y: y[None])),
    Miniature("nothing is refused", "rejects", "LinearCrossEntropyLoss", "float32", never_refuses),
    Miniature("a law of its own", "laws", "LinearCrossEntropyLoss", "float32", with_output(lambda y: y + 0.5 if y.ndim == 0 else y)),
    Miniature("float32 computed in bfloat16", "forward", "LinearCrossEntropyLoss_Chunked", "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", "LinearCrossEntropyLoss_Chunked", "float32", scaled_gradient(1.01)),
]
