"""What is wrong on purpose in losses of vectors."""

from __future__ import annotations

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def less_with_swap(arguments):
    """The margin is doubled without the swap."""
    return {**arguments, "margin": arguments["margin"] * (2 - arguments["swap"])}


MINIATURES = [
    Miniature("margin is always 0", "forward", "CosineEmbeddingLoss", "float32", with_options(margin=0.0)),
    Miniature("the gradient is half as large again", "gradient", "CosineEmbeddingLoss", "float32", scaled_gradient(1.5)),
    Miniature("float32 computed in bfloat16", "forward", "CosineEmbeddingLoss", "float32", in_bfloat16),
    Miniature("p is always 2", "forward", "TripletMarginLoss", "float32", with_options(p=2)),
    Miniature("swap is ignored", "forward", "TripletMarginLoss", "float32", with_options(swap=False)),
    Miniature("eps is always 1e-6", "forward", "TripletMarginLoss", "float32", with_options(eps=1e-6)),
    Miniature("p is always 2", "gradient", "TripletMarginLoss", "float32", with_options(p=2)),
    Miniature("nothing is refused", "rejects", "TripletMarginLoss", "float32", never_refuses),
    Miniature(
        "a law of its own", "laws", "TripletMarginLoss", "float32", with_inputs(lambda a: {**a, "margin": a["margin"] * (2 - a["swap"])})
    ),
    Miniature(
        "NaN is read as zero",
        "forward",
        "TripletMarginWithDistanceLoss",
        "float32",
        with_inputs(lambda a: {**a, "anchor": a["anchor"].nan_to_num(nan=0.0)}),
    ),
    Miniature("the given distance is ignored", "forward", "TripletMarginWithDistanceLoss", "float32", with_options(distance_function=None)),
    Miniature("one ten-thousandth too much", "forward", "TripletMarginWithDistanceLoss", "float32", with_output(lambda y: y * 1.0001)),
]
