"""What is wrong on purpose in normalisation."""

from __future__ import annotations

from tests.miniatures import Miniature, scaled_gradient, with_options, with_output, with_result

MINIATURES = [
    Miniature(
        "eps is ten times what it is", "forward", "BatchNorm2d", "float32", lambda call: lambda **a: call(**{**a, "eps": 10 * a["eps"]})
    ),
    Miniature("momentum is ignored", "forward", "BatchNorm2d", "float64", with_options(momentum=0.3)),
    Miniature("the running variance is not unbiased", "forward", "BatchNorm2d", "float32", with_result("running_var", lambda v: v * 0.9)),
    Miniature("it is always evaluated", "forward", "BatchNorm2d", "float32", with_options(training=False)),
    Miniature("the gradient is one percent too large", "gradient", "BatchNorm2d", "float64", scaled_gradient(1.01)),
    Miniature("the mean is not removed", "laws", "BatchNorm2d", "float32", with_output(lambda y: y + 0.01)),
]
