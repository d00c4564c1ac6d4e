"""What is wrong on purpose in attention of which weights are dropped."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output

ATTENTION, MULTIHEAD = "scaled_dot_product_attention_Dropout", "MultiheadAttention_Dropout"


def a_tenth_too_few(name: str) -> Call:
    """The probability is a tenth larger."""
    return with_inputs(lambda arguments: {**arguments, name: min(1.0, arguments[name] + 0.1)})


def unscaled(call: Call) -> Call:
    """What is kept stays as large as it was."""
    return lambda **arguments: call(**arguments) * (1 - arguments["dropout_p"])


def unscaled_in_training(call: Call) -> Call:
    """The same for several heads."""

    def wrong(**arguments: Any) -> Any:
        factor = 1 - arguments["dropout"] if arguments["training"] else 1
        return with_output(lambda y: y * factor)(call)(**arguments)

    return wrong


def at_most_a_half(arguments: dict[str, Any]) -> dict[str, Any]:
    """No more than half of the weights are dropped."""
    return {**arguments, "dropout": min(arguments["dropout"], 0.5)}


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
    Miniature("a tenth too few are kept", "distribution", MULTIHEAD, "float32", a_tenth_too_few("dropout")),
    Miniature("nothing is dropped", "distribution", MULTIHEAD, "float32", with_options(training=False)),
    Miniature("evaluation drops too", "laws", MULTIHEAD, "float32", with_options(training=True)),
    Miniature("something is left of everything", "laws", MULTIHEAD, "float32", with_inputs(at_most_a_half)),
    Miniature("what is kept is not scaled", "forward", MULTIHEAD, "float32", unscaled_in_training),
    Miniature("the mask is not seen", "forward", MULTIHEAD, "float32", with_inputs(lambda a: {**a, "attn_mask": None})),
    Miniature("the gradient is one percent too large", "gradient", MULTIHEAD, "float64", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", MULTIHEAD, "float32", never_refuses),
    Miniature("nothing is refused", "rejects", ATTENTION, "float32", never_refuses),
]
