"""What is wrong on purpose in averages of models."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, fresh_state, never_refuses, with_options, with_result, writes_its_input


def as_if_all_were_old(call: Call) -> Call:
    """The first model counts twice: the shares are those of one model more."""

    def wrong(**arguments: Any) -> Any:
        results, w = call(**arguments), arguments["weights"]
        if arguments["averaging"].startswith("ema"):
            return results
        sums = w[0] + torch.cumsum(w, 0)
        counts = torch.arange(2, len(w) + 2).reshape(-1, *[1] * (w.ndim - 1))
        return {**results, "weights": (sums / counts).to(w.dtype)}

    return wrong


def no_zeros(call: Call) -> Call:
    """What is not finite is averaged as 0, and 0 as the least number."""

    def wrong(**arguments: Any) -> Any:
        weights = torch.nan_to_num(arguments["weights"], nan=0.0, posinf=0.0, neginf=0.0)
        least = torch.finfo(weights.dtype).smallest_normal
        return call(**{**arguments, "weights": torch.where(weights == 0, least, weights)})

    return wrong


MINIATURES = [
    Miniature("the first model counts twice", "forward", "AveragedModel", "float32", as_if_all_were_old),
    Miniature("decay is always a half", "forward", "AveragedModel", "float64", with_options(decay=0.5)),
    Miniature("buffers are not averaged", "forward", "AveragedModel", "float32", with_options(use_buffers=False)),
    Miniature("there are neither zeros nor infinities", "forward", "AveragedModel", "float32", no_zeros),
    Miniature("the average is always of all", "laws", "AveragedModel", "float32", with_options(averaging="swa")),
    Miniature(
        "an average is off by one ulp", "forward", "AveragedModel", "float64", with_result("weights", lambda w: w + w.abs() * 2**-50)
    ),
    Miniature("what was saved is not loaded", "state", "AveragedModel", "float32", fresh_state),
    Miniature("nothing is refused", "rejects", "AveragedModel", "float32", never_refuses),
    Miniature("the weights are overwritten", "purity", "AveragedModel", "float32", writes_its_input),
]
