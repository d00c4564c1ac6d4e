"""What is wrong on purpose in dropout."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, never_the_same, scaled_gradient, with_inputs, with_options


def clumsy_dropout(call: Call) -> Call:
    """A tenth too few are kept."""
    return lambda **arguments: call(**{**arguments, "p": min(1.0, arguments["p"] + 0.1)})


def in_pairs(call: Call) -> Call:
    """Neighbours are kept or dropped together."""

    def wrong(**arguments: Any) -> Any:
        x = arguments["x"].reshape(-1)
        half = call(**{**arguments, "x": torch.ones_like(x[::2])})
        return (half.repeat_interleave(2)[: len(x)] * x).reshape(arguments["x"].shape)

    return wrong


MINIATURES = [
    Miniature("what is kept is not scaled", "forward", "Dropout", "float32", with_inputs(lambda a: {**a, "x": a["x"] * (1 - a["p"])})),
    Miniature("a tenth too few are kept", "distribution", "Dropout", "float32", clumsy_dropout),
    Miniature("neighbours are dropped together", "distribution", "Dropout", "float32", in_pairs),
    Miniature("evaluation drops too", "laws", "Dropout", "float32", with_options(training=True)),
    Miniature("the gradient is not scaled", "gradient", "Dropout", "float64", scaled_gradient(0.9)),
    Miniature("one element changes from call to call", "determinism", "Dropout", "float32", never_the_same),
]
