"""What is wrong on purpose in clipping and in the penalty."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import Miniature, scaled_gradient, with_inputs, with_options, with_result
from tests.wrongs.optimizer import with_changed


def zero_for_nan(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN is read as 0."""
    return {**arguments, **{name: torch.nan_to_num(arguments[name], nan=0.0) for name in ("first", "second")}}


MINIATURES = [
    Miniature("every norm is Euclidean", "forward", "clip_grad_norm_", "float32", with_options(norm_type=2.0)),
    Miniature("the limit is off in the fifth digit", "forward", "clip_grad_norm_", "float32", with_changed(max_norm=lambda m: m * 1.0001)),
    Miniature("small gradients grow", "laws", "clip_grad_norm_", "float32", with_result("first", lambda g: 2 * g)),
    Miniature("an infinite norm is no error", "rejects", "clip_grad_norm_", "float32", with_options(error_if_nonfinite=False)),
    Miniature("NaN is read as 0", "forward", "clip_grad_norm_", "float32", with_inputs(zero_for_nan)),
    Miniature("a gradient is missed", "forward", "clip_grad_value_", "float32", with_options(missing="second")),
    Miniature("values are clipped at twice the limit", "forward", "clip_grad_value_", "float32", with_changed(clip_value=lambda c: 2 * c)),
    Miniature("values are clipped to half of what they are", "laws", "clip_grad_value_", "float32", with_result("first", lambda g: g / 2)),
    Miniature("the penalty's gradient is a little small", "gradient", "l1_loss_Penalty", "float32", scaled_gradient(0.9999)),
    Miniature("the penalty is a little weak", "forward", "l1_loss_Penalty", "float32", with_changed(strength=lambda s: s * 0.9999)),
]
