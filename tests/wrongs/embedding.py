"""What is wrong on purpose in rows that are looked up and reduced by bags."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, lost_gradient, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def last_index_lost(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last index is another row."""
    indices = arguments["input"].clone()
    if indices.numel():
        indices.reshape(-1)[-1] = 0
    return {**arguments, "input": indices}


def last_bag_earlier(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last bag begins one place too early."""
    if arguments["offsets"] is None:
        return arguments
    at = -2 if arguments["include_last_offset"] else -1
    offsets = arguments["offsets"].clone()
    if offsets.numel() >= -at:
        offsets[at] = (offsets[at] - 1).clamp(min=0)
    return {**arguments, "offsets": offsets}


def without_weights(arguments: dict[str, Any]) -> dict[str, Any]:
    """The weights of the samples are left out."""
    return {**arguments, "per_sample_weights": None}


def finite(arguments: dict[str, Any]) -> dict[str, Any]:
    """What is not finite in the table is read as 0."""
    weight = arguments["weight"]
    return {**arguments, "weight": torch.where(weight.isfinite(), weight, 0)}


def dense_gradient(call: Call) -> Call:
    """The gradient of the table is never sparse."""
    return with_options(sparse=False)(call)


MINIATURES = [
    Miniature("the last index is another", "forward", "EmbeddingBag", "float64", with_inputs(last_index_lost)),
    Miniature("the last bag begins too early", "forward", "EmbeddingBag", "float32", with_inputs(last_bag_earlier)),
    Miniature("every bag is summed", "forward", "EmbeddingBag", "float32", with_options(mode="sum")),
    Miniature("the weights are left out", "forward", "EmbeddingBag", "float64", with_inputs(without_weights)),
    Miniature("padding takes part", "forward", "EmbeddingBag", "float32", with_options(padding_idx=None)),
    Miniature("what is not finite is read as zero", "forward", "EmbeddingBag", "float32", with_inputs(finite)),
    Miniature("norms are always Euclidean", "forward", "EmbeddingBag", "float64", with_options(norm_type=2.0)),
    Miniature("frequencies are ignored", "gradient", "EmbeddingBag", "float64", with_options(scale_grad_by_freq=False)),
    Miniature("the gradient is one percent too large", "gradient", "EmbeddingBag", "float64", scaled_gradient(1.01)),
    Miniature("the last output has no gradient", "gradient", "EmbeddingBag", "float32", lost_gradient),
    Miniature("the last index is another", "laws", "EmbeddingBag", "float32", with_inputs(last_index_lost)),
    Miniature("the gradient is never sparse", "laws", "EmbeddingBag", "float32", dense_gradient),
    Miniature("the gradient is never sparse", "laws", "Embedding", "float32", dense_gradient),
    Miniature("an axis more comes out", "shape", "EmbeddingBag", "float32", with_output(lambda y: y[..., None])),
    Miniature("nothing is refused", "rejects", "EmbeddingBag", "float32", never_refuses),
]
