"""What is wrong on purpose in dropout."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Call, Miniature, never_the_same, scaled_gradient, with_inputs, with_options, with_output


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


def channels_in_pairs(call: Call) -> Call:
    """Neighbouring channels are kept or dropped together."""

    def wrong(**arguments: Any) -> Any:
        x = arguments["x"]
        half = call(**{**arguments, "x": torch.ones_like(x[:, ::2])})
        return half.repeat_interleave(2, 1)[:, : x.shape[1]] * x

    return wrong


def the_same_in_every_image(call: Call) -> Call:
    """All images lose the same channels."""
    return lambda **arguments: call(**{**arguments, "x": torch.ones_like(arguments["x"][:1])}) * arguments["x"]


def elements_of_channels(call: Call) -> Call:
    """Elements are dropped one by one."""

    def wrong(x: Any, p: float, training: bool, seed: int) -> Any:
        torch.manual_seed(seed)
        return torch.nn.Dropout(p).train(training)(x)

    return wrong


def not_over_its_input(call: Call) -> Call:
    """The in-place form leaves its input as it was."""

    def wrong(**arguments: Any) -> Any:
        before = arguments["x"].detach().clone()
        output = call(**arguments)
        return before if output is arguments["x"] else output

    return wrong


MINIATURES = [
    Miniature("what is kept is not scaled", "forward", "Dropout", "float32", with_inputs(lambda a: {**a, "x": a["x"] * (1 - a["p"])})),
    Miniature("a tenth too few are kept", "distribution", "Dropout", "float32", clumsy_dropout),
    Miniature("neighbours are dropped together", "distribution", "Dropout", "float32", in_pairs),
    Miniature("evaluation drops too", "laws", "Dropout", "float32", with_options(training=True)),
    Miniature("the gradient is not scaled", "gradient", "Dropout", "float64", scaled_gradient(0.9)),
    Miniature("one element changes from call to call", "determinism", "Dropout", "float32", never_the_same),
    Miniature("the in-place form is not in place", "purity", "Dropout1d", "float32", not_over_its_input),
    Miniature("elements are dropped one by one", "forward", "Dropout2d", "float32", elements_of_channels),
    Miniature("neighbouring channels are dropped together", "distribution", "Dropout2d", "float32", channels_in_pairs),
    Miniature("all images lose the same channels", "distribution", "Dropout2d", "float32", the_same_in_every_image),
    Miniature("a tenth too few are kept", "distribution", "Dropout3d", "float32", clumsy_dropout),
    Miniature("the gradient is not scaled", "gradient", "Dropout3d", "float32", scaled_gradient(0.9)),
    Miniature("what is dropped is zero", "forward", "AlphaDropout", "float32", elements_of_channels),
    Miniature("a tenth too few are kept", "distribution", "AlphaDropout", "float32", clumsy_dropout),
    Miniature("one hundred-thousandth too much", "forward", "AlphaDropout", "float32", with_output(lambda y: y * 1.00001)),
    Miniature("the gradient is not scaled", "gradient", "AlphaDropout", "float32", scaled_gradient(0.9)),
    Miniature("evaluation drops too", "laws", "FeatureAlphaDropout", "float32", with_options(training=True)),
    Miniature("a tenth too few are kept", "distribution", "FeatureAlphaDropout", "float32", clumsy_dropout),
]
