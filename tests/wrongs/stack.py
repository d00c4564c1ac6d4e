"""What is wrong on purpose in stacks of layers."""

from __future__ import annotations

from tests.miniatures import Miniature, double_work, lost_gradient, with_inputs

MINIATURES = [
    Miniature(
        "the image is shifted by one", "receptive_field", "Sequential", "float32", with_inputs(lambda a: {**a, "x": a["x"].roll(1, -1)})
    ),
    Miniature("the last output has no gradient", "receptive_field", "Sequential", "float32", lost_gradient),
    Miniature("everything is computed twice", "cost", "Sequential", "float32", double_work),
    Miniature("the last layer is left out", "shape", "Sequential", "float32", with_inputs(lambda a: {**a, "layers": a["layers"][:-1]})),
]
