"""What is wrong on purpose in likelihoods and divergences."""

from __future__ import annotations

import torch

from tests.miniatures import Miniature, in_bfloat16, never_refuses, scaled_gradient, with_options, with_output


def entropy_of_zero(call):
    """0 · log 0 is taken for NaN."""

    def wrong(**arguments):
        target = arguments["target"]
        return (
            call(**arguments) if arguments["log_target"] else call(**{**arguments, "target": torch.where(target == 0, torch.nan, target)})
        )

    return wrong


MINIATURES = [
    Miniature("Stirling's term is left out", "forward", "PoissonNLLLoss", "float32", with_options(full=False)),
    Miniature("eps is always 1e-8", "forward", "PoissonNLLLoss", "float32", with_options(eps=1e-8)),
    Miniature(
        "Stirling's term begins above 2",
        "forward",
        "PoissonNLLLoss",
        "float64",
        lambda call: lambda **a: call(**{**a, "full": a["full"] and not bool((a["target"] == 2).any())}),
    ),
    Miniature("the gradient is one percent too large", "gradient", "PoissonNLLLoss", "float32", scaled_gradient(1.01)),
    Miniature("float32 computed in bfloat16", "forward", "GaussianNLLLoss", "float32", in_bfloat16),
    Miniature("eps is always 1", "forward", "GaussianNLLLoss", "float32", with_options(eps=1.0)),
    Miniature("a variance that is one number is 3", "forward", "GaussianNLLLoss", "float32", with_options(var_number=3.0)),
    Miniature("the constant is left out", "forward", "GaussianNLLLoss", "float32", with_options(full=False)),
    Miniature("nothing is refused", "rejects", "GaussianNLLLoss", "float32", never_refuses),
    Miniature("0 log 0 is NaN", "forward", "KLDivLoss", "float32", entropy_of_zero),
    Miniature("log_target is ignored", "forward", "KLDivLoss", "float32", with_options(log_target=False)),
    Miniature("the gradient is one percent too large", "gradient", "KLDivLoss", "float32", scaled_gradient(1.01)),
    Miniature("a law of its own", "laws", "KLDivLoss", "float32", with_output(lambda y: y + 0.01)),
]
