"""What is wrong on purpose in angles and distances of vectors."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, lost_gradient, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def without_the_last(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last entry of every vector is left out."""
    dim = arguments.get("dim", -1)
    if arguments["x1"].shape[dim] < 2:
        return arguments
    return {**arguments, **{name: arguments[name].narrow(dim, 0, arguments[name].shape[dim] - 1) for name in ("x1", "x2")}}


def numbers_only(y: torch.Tensor) -> torch.Tensor:
    """NaN is read as 0."""
    return torch.where(y.isnan(), 0, y)


def as_the_first(call: Call) -> Call:
    """The first array decides of which dtype the cosine is."""
    return lambda **arguments: call(**arguments).to(arguments["x1"].dtype if arguments["x1"].is_floating_point() else torch.float32)


MINIATURES = [
    Miniature("the last entry is left out", "forward", "CosineSimilarity", "float64", with_inputs(without_the_last)),
    Miniature("eps is always the default", "forward", "CosineSimilarity", "float32", with_options(eps=1e-8)),
    Miniature("NaN is read as zero", "forward", "CosineSimilarity", "float32", with_output(numbers_only)),
    Miniature("the gradient is one percent too large", "gradient", "CosineSimilarity", "float64", scaled_gradient(1.01)),
    Miniature("a little is added", "laws", "CosineSimilarity", "float32", with_output(lambda y: y + 0.01)),
    Miniature("the first array decides the dtype", "laws", "CosineSimilarity", "float32", as_the_first),
    Miniature("an axis more comes out", "shape", "CosineSimilarity", "float32", with_output(lambda y: y[None])),
    Miniature("nothing is refused", "rejects", "CosineSimilarity", "float32", never_refuses),
    Miniature("the last entry is left out", "forward", "PairwiseDistance", "float64", with_inputs(without_the_last)),
    Miniature("distances are always Euclidean", "forward", "PairwiseDistance", "float32", with_options(p=2)),
    Miniature("eps is left out", "forward", "PairwiseDistance", "float64", with_options(eps=0.0)),
    Miniature("NaN is read as zero", "forward", "PairwiseDistance", "float32", with_output(numbers_only)),
    Miniature("the last output has no gradient", "gradient", "PairwiseDistance", "float64", lost_gradient),
    Miniature("keepdim keeps nothing", "shape", "PairwiseDistance", "float32", with_options(keepdim=False)),
    Miniature("keepdim keeps nothing", "laws", "PairwiseDistance", "float32", with_options(keepdim=False)),
    Miniature("nothing is refused", "rejects", "PairwiseDistance", "float32", never_refuses),
]
