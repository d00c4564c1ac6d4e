"""What is wrong on purpose in losses of yes and no."""

from __future__ import annotations

import torch

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def clamped_early(call):
    """Logarithms are kept above −69."""
    return lambda **a: call(**{**a, "input": a["input"].clamp(1e-30)})


def without_negative_targets(arguments):
    """−1 is read as 0."""
    return {**arguments, "target": arguments["target"].clamp(min=0)}


def naively(call):
    """Logarithms of 1 / (1 + exp(−x)), which vanishes."""

    def wrong(**a):
        p, t = 1 / (1 + torch.exp(-a["input"])), a["target"]
        positives = t if a["pos_weight"] is None else t * a["pos_weight"]
        losses = -(positives * p.log() + (1 - t) * (1 - p).log()) * (1 if a["weight"] is None else a["weight"])
        return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[a["reduction"]]

    return wrong


MINIATURES = [
    Miniature("logarithms are kept above −69", "forward", "BCELoss", "float32", clamped_early),
    Miniature("weights are ignored", "forward", "BCELoss", "float32", with_options(weight=None)),
    Miniature("the gradient is one percent too large", "gradient", "BCELoss", "float32", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", "BCELoss", "float32", never_refuses),
    Miniature("a result of the weight's type", "forward", "BCELoss", "bfloat16", with_output(lambda y: y.float())),
    Miniature("pos_weight is ignored", "forward", "BCEWithLogitsLoss", "float32", with_options(pos_weight=None)),
    Miniature("exponentials overflow", "forward", "BCEWithLogitsLoss", "float32", naively),
    Miniature("pos_weight is ignored", "gradient", "BCEWithLogitsLoss", "float32", with_options(pos_weight=None)),
    Miniature("a law of its own", "laws", "BCEWithLogitsLoss", "float32", with_output(lambda y: y + 0.01)),
    Miniature("float32 computed in bfloat16", "forward", "SoftMarginLoss", "float32", in_bfloat16),
    Miniature(
        "targets are 0 and 1", "forward", "SoftMarginLoss", "float32", with_inputs(lambda a: {**a, "target": a["target"].clamp(min=0)})
    ),
    Miniature("weights are ignored", "forward", "MultiLabelSoftMarginLoss", "float32", with_options(weight=None)),
    Miniature("the sum over labels is no mean", "forward", "MultiLabelSoftMarginLoss", "float32", with_output(lambda y: y * 1.01)),
]
