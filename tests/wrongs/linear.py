"""What is wrong on purpose in products with a matrix and in look-ups."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    double_work,
    in_bfloat16,
    lost_gradient,
    never_refuses,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
)


def last_feature_lost(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last feature is not used."""
    weight = arguments["weight"].clone()
    weight[..., -1] = 0
    return {**arguments, "weight": weight}


def without_bias(arguments: dict[str, Any]) -> dict[str, Any]:
    """The bias is left out."""
    return {**arguments, "bias": None}


def finite(arguments: dict[str, Any]) -> dict[str, Any]:
    """What is not finite is read as 0."""
    return {name: None if a is None else torch.where(a.isfinite(), a, 0) for name, a in arguments.items()}


def wraps(call: Call) -> Call:
    """An index beyond the table begins anew."""
    return with_inputs(lambda a: {**a, "input": a["input"] % len(a["weight"]) if not a["input"].is_floating_point() else a["input"]})(call)


MINIATURES = [
    Miniature("the bias is left out", "forward", "Linear", "float32", with_inputs(without_bias)),
    Miniature("the last feature is lost", "forward", "Linear", "float64", with_inputs(last_feature_lost)),
    Miniature("what is not finite is read as zero", "forward", "Linear", "float32", with_inputs(finite)),
    Miniature("computed in bfloat16", "forward", "Linear", "float32", in_bfloat16),
    Miniature("the last output has no gradient", "gradient", "Linear", "float64", lost_gradient),
    Miniature("it is not linear", "laws", "Linear", "float32", with_output(lambda y: y + y.abs())),
    Miniature("everything is computed twice", "cost", "Linear", "float32", double_work),
    Miniature("nothing is refused", "rejects", "Linear", "float32", never_refuses),
    Miniature("the last feature is lost", "forward", "Bilinear", "float32", with_inputs(last_feature_lost)),
    Miniature("the gradient is one percent too large", "gradient", "Bilinear", "float64", scaled_gradient(1.01)),
    Miniature("one of the vectors is squared", "laws", "Bilinear", "float32", with_inputs(lambda a: {**a, "x1": a["x1"] ** 2})),
    Miniature("max_norm is ignored", "forward", "Embedding", "float32", with_options(max_norm=None)),
    Miniature("norms are always Euclidean", "forward", "Embedding", "float64", with_options(norm_type=2.0)),
    Miniature("padding_idx is ignored", "gradient", "Embedding", "float32", with_options(padding_idx=None)),
    Miniature("frequencies are ignored", "gradient", "Embedding", "float64", with_options(scale_grad_by_freq=False)),
    Miniature("a little is added", "laws", "Embedding", "float32", with_output(lambda y: y + 0.001)),
    Miniature("indices wrap around", "rejects", "Embedding", "float32", wraps),
]
