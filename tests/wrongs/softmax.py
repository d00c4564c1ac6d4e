"""What is wrong on purpose in softmax and its relatives."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def zero_for_nan(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN is read as 0."""
    return {**arguments, "input": torch.nan_to_num(arguments["input"], nan=0.0, posinf=None, neginf=None)}


def bent(arguments: dict[str, Any]) -> dict[str, Any]:
    """Larger numbers count for more than they should."""
    return {**arguments, "input": arguments["input"] * (1 + arguments["input"].abs() / 64)}


def overflowing(call: Any) -> Any:
    """The largest number is not subtracted first."""
    return lambda **a: a["input"].exp() / a["input"].exp().sum(a["dim"], keepdim=True)


def cast_last(call: Any) -> Any:
    """The dtype is that of the result, not of the computation."""

    def wrong(**arguments: Any) -> Any:
        dtype = arguments.pop("dtype", None)
        narrow = str(arguments["input"].dtype).removeprefix("torch.")
        if dtype is None or not arguments["input"].is_floating_point():
            return call(**arguments, **({"dtype": dtype} if dtype else {}))
        return call(**arguments, dtype=narrow).to(getattr(torch, dtype))

    return wrong


MINIATURES = [
    Miniature("the first axis always", "forward", "Softmax", "float32", with_options(dim=0)),
    Miniature("the last axis always", "gradient", "Softmax", "float64", with_options(dim=-1)),
    Miniature("the exponentials overflow", "forward", "Softmax", "float32", overflowing),
    Miniature("NaN is read as zero", "forward", "LogSoftmax", "float32", with_inputs(zero_for_nan)),
    Miniature("computed in bfloat16", "forward", "LogSoftmax", "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", "LogSoftmax", "float64", scaled_gradient(1.01)),
    Miniature("the sign is lost", "forward", "Softmin", "float32", with_inputs(lambda a: {**a, "input": -a["input"]})),
    Miniature("the rows are normalised", "forward", "Softmax2d", "float32", lambda call: lambda **a: a["input"].softmax(-2)),
    Miniature("large numbers count for more", "laws", "Softmax", "float32", with_inputs(bent)),
    Miniature("the dtype is that of the result only", "laws", "Softmax", "float32", cast_last),
    Miniature("the dtype is that of the result only", "laws", "LogSoftmax", "float32", cast_last),
    Miniature("an axis is lost", "shape", "Softmin", "float32", with_output(lambda y: y.unsqueeze(0))),
    Miniature("nothing is refused", "rejects", "Softmax", "float32", never_refuses),
]
