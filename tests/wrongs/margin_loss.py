"""What is wrong on purpose in losses that stop at a margin."""

from __future__ import annotations

import torch

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def every_label(arguments):
    """The list goes on behind the first −1."""
    target = arguments["target"]
    return {**arguments, "target": torch.where(target < 0, 0, target)}


def without_nan(arguments):
    """NaN is read as 0."""
    return {**arguments, "input1": arguments["input1"].nan_to_num(nan=0.0)}


def wider(arguments):
    """The margin is a little larger."""
    return {**arguments, "margin": arguments["margin"] + 1e-3}


MINIATURES = [
    Miniature("margin is always 1", "forward", "HingeEmbeddingLoss", "float32", with_options(margin=1.0)),
    Miniature("the gradient is one percent too large", "gradient", "HingeEmbeddingLoss", "float32", scaled_gradient(1.01)),
    Miniature(
        "NaN is read as zero",
        "forward",
        "HingeEmbeddingLoss",
        "float32",
        with_inputs(without_nan),
    ),
    Miniature(
        "the margin is a little larger",
        "forward",
        "MarginRankingLoss",
        "float32",
        with_inputs(wider),
    ),
    Miniature("the sign is ignored", "forward", "MarginRankingLoss", "float32", with_inputs(lambda a: {**a, "target": a["target"].abs()})),
    Miniature("a law of its own", "laws", "MarginRankingLoss", "float32", with_inputs(lambda a: {**a, "input1": a["input1"] + 0.25})),
    Miniature("p is always 1", "forward", "MultiMarginLoss", "float32", with_options(p=1)),
    Miniature("weights are ignored", "gradient", "MultiMarginLoss", "float32", with_options(weight=None)),
    Miniature("nothing is refused", "rejects", "MultiMarginLoss", "float32", never_refuses),
    Miniature("the list goes on behind −1", "forward", "MultiLabelMarginLoss", "float32", with_inputs(every_label)),
    Miniature("float32 computed in bfloat16", "forward", "MultiLabelMarginLoss", "float32", in_bfloat16),
    Miniature("a loss too many", "shape", "MultiLabelMarginLoss", "float32", with_output(lambda y: y[None])),
]
