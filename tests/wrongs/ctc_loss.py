"""What is wrong on purpose in connectionist temporal classification."""

from __future__ import annotations

import torch

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_inputs, with_options, with_output


def whole_inputs(arguments):
    """Every input is as long as the array."""
    x = next(iter(arguments.values()))
    return {**arguments, "input_lengths": torch.full_like(arguments["input_lengths"], len(x))}


def longer_by_one(call):
    """The mean is over the targets' lengths and one more."""

    def wrong(**arguments):
        if arguments["reduction"] != "mean":
            return call(**arguments)
        return (call(**{**arguments, "reduction": "none"}) / (arguments["target_lengths"] + 1)).mean()

    return wrong


MINIATURES = [
    Miniature("the first class is the blank", "forward", "CTCLoss", "float32", with_options(blank=0)),
    Miniature("inputs are taken to their end", "forward", "CTCLoss", "float32", with_inputs(whole_inputs)),
    Miniature("the mean is over lengths and one more", "forward", "CTCLoss", "float32", longer_by_one),
    Miniature("infinite losses stay", "forward", "CTCLoss", "float32", with_options(zero_infinity=False)),
    Miniature("one ten-thousandth too much", "forward", "CTCLoss", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("nothing is refused", "rejects", "CTCLoss", "float32", never_refuses),
    Miniature("a law of its own", "laws", "CTCLoss", "float32", with_output(lambda y: y + 0.1 * (y.ndim == 0))),
    Miniature("float32 computed in bfloat16", "forward", "CTCLoss_Logits", "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", "CTCLoss_Logits", "float32", scaled_gradient(1.01)),
    Miniature("the gradient is one percent too large", "gradient", "CTCLoss", "float32", scaled_gradient(1.01)),
    Miniature("inputs are taken to their end", "gradient", "CTCLoss", "float32", with_inputs(whole_inputs)),
    Miniature("inputs are taken to their end", "gradient", "CTCLoss_Logits", "float32", with_inputs(whole_inputs)),
]
