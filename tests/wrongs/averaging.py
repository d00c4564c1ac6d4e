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


def finite_only(call: Call) -> Call:
    """Weights that are not finite are averaged as 0."""
    return lambda **arguments: call(**{**arguments, "weights": torch.nan_to_num(arguments["weights"], nan=0.0, posinf=0.0, neginf=0.0)})


MINIATURES = [
    Miniature("the first model counts twice", "forward", "AveragedModel", "float32", as_if_all_were_old),
    Miniature("decay is always a half", "forward", "AveragedModel", "float64", with_options(decay=0.5)),
    Miniature("buffers are not averaged", "forward", "AveragedModel", "float32", with_options(use_buffers=False)),
    Miniature("what is not finite is taken for 0", "forward", "AveragedModel", "float32", finite_only),
    Miniature("the average is always of all", "laws", "AveragedModel", "float32", with_options(averaging="swa")),
    Miniature(
        "an average is off by one ulp", "forward", "AveragedModel", "float64", with_result("weights", lambda w: w + w.abs() * 2**-50)
    ),
    Miniature("what was saved is not loaded", "state", "AveragedModel", "float32", fresh_state),
    Miniature("nothing is refused", "rejects", "AveragedModel", "float32", never_refuses),
    Miniature("the weights are overwritten", "purity", "AveragedModel", "float32", writes_its_input),
]
