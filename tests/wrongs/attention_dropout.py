"""What is wrong on purpose in attention of which weights are dropped."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options

ATTENTION = "scaled_dot_product_attention_Dropout"


def a_tenth_too_few(name: str) -> Call:
    """The probability is a tenth larger."""
    return with_inputs(lambda arguments: {**arguments, name: min(1.0, arguments[name] + 0.1)})


def unscaled(call: Call) -> Call:
    """What is kept stays as large as it was."""
    return lambda **arguments: call(**arguments) * (1 - arguments["dropout_p"])


def whole_rows(call: Call) -> Call:
    """All weights of a query are kept or dropped together."""

    def wrong(**arguments: Any) -> Any:
        p, y = arguments["dropout_p"], call(**{**arguments, "dropout_p": 0.0})
        torch.manual_seed(arguments["seed"])
        return torch.nn.functional.dropout(torch.ones_like(y[..., :1]), p) * y

    return wrong


MINIATURES = [
    Miniature("what is kept is not scaled", "forward", ATTENTION, "float32", unscaled),
    Miniature("the future is seen", "forward", ATTENTION, "float64", with_options(is_causal=False)),
    Miniature("a tenth too few are kept", "distribution", ATTENTION, "float32", a_tenth_too_few("dropout_p")),
    Miniature("all weights of a query are dropped together", "distribution", ATTENTION, "float32", whole_rows),
    Miniature("nothing is dropped", "distribution", ATTENTION, "float32", with_options(dropout_p=0.0)),
    Miniature("something is left of everything", "laws", ATTENTION, "float32", with_options(dropout_p=0.5)),
    Miniature("the gradient is one percent too large", "gradient", ATTENTION, "float64", scaled_gradient(1.01)),
    Miniature("computed in bfloat16", "forward", ATTENTION, "float32", in_bfloat16),
    Miniature("nothing is refused", "rejects", ATTENTION, "float32", never_refuses),
]
