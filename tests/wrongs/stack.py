"""What is wrong on purpose in stacks of layers."""

from __future__ import annotations

from typing import Any

from tests.miniatures import Call, Miniature, cut_on, double_work, lost_gradient, more_work_in, with_inputs


def without(name: str) -> Any:
    """Layers of that name are left out."""

    def alter(call: Call) -> Call:
        def wrong(**arguments: Any) -> Any:
            kept = tuple(layer for layer in arguments["layers"] if not layer[0].startswith(name))
            return call(**{**arguments, "layers": kept})

        return wrong

    return alter


MINIATURES = [
    Miniature(
        "the image is shifted by one", "receptive_field", "Sequential", "float32", with_inputs(lambda a: {**a, "x": a["x"].roll(1, -1)})
    ),
    Miniature("the last output has no gradient", "receptive_field", "Sequential", "float32", lost_gradient),
    Miniature("everything is computed twice", "cost", "Sequential", "float32", double_work),
    Miniature("the backward pass takes a product more", "cost", "Conv2d", "float32", more_work_in("backward")),
    Miniature("the backward pass of a stack takes a product more", "cost", "Sequential", "float32", more_work_in("backward")),
    Miniature("a product more is counted on meta tensors", "cost", "Linear", "float32", more_work_in("meta")),
    Miniature("the last layer is left out", "shape", "Sequential", "float32", with_inputs(lambda a: {**a, "layers": a["layers"][:-1]})),
    Miniature("an element is missing on meta tensors", "shape", "Sequential", "float32", cut_on("meta")),
    Miniature("an element is missing on fake tensors", "shape", "Sequential", "float32", cut_on("fake")),
    Miniature("channels are not shuffled", "laws", "Sequential", "float32", without("ChannelShuffle")),
    Miniature("maxima are not pooled", "laws", "Sequential", "float32", without("MaxPool")),
]
