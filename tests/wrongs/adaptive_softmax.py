"""What is wrong on purpose in adaptive softmax."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, in_bfloat16, never_refuses, scaled_gradient, with_result

NAME = "AdaptiveLogSoftmaxWithLoss"


def worst(call: Call) -> Call:
    """The class with the least logarithm is predicted."""

    def wrong(**arguments: Any) -> Any:
        results = call(**arguments)
        return {**results, "predict": results["log_prob"].argmin(dim=1)} if "predict" in results else results

    return wrong


def alike_in_clusters(call: Call) -> Call:
    """Every class of a cluster is as probable as the others."""

    def wrong(**arguments: Any) -> Any:
        tails = ("into1", "out1", "into2", "out2")
        return call(**{**arguments, **{name: None if arguments[name] is None else arguments[name] * 0 for name in tails}})

    return wrong


MINIATURES = [
    Miniature("all classes of a cluster are alike", "forward", NAME, "float32", alike_in_clusters),
    Miniature("the loss is negated", "forward", NAME, "float64", with_result("loss", lambda y: -y)),
    Miniature("one ten-thousandth too much", "forward", NAME, "float32", with_result("output", lambda y: y * 1.0001)),
    Miniature("losses are never NaN", "forward", NAME, "float32", with_result("output", torch.nan_to_num)),
    Miniature("the worst class is predicted", "forward", NAME, "float32", worst),
    Miniature("the worst class is predicted", "laws", NAME, "float32", worst),
    Miniature("float32 computed in bfloat16", "forward", NAME, "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", NAME, "float32", scaled_gradient(1.01)),
    Miniature("a batch has an axis too many", "shape", NAME, "float32", with_result("output", lambda y: y[None])),
    Miniature("nothing is refused", "rejects", NAME, "float32", never_refuses),
]
