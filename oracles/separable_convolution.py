"""Depthwise separable convolutions: a filter for every channel, then a mixture of channels in every pixel."""

from __future__ import annotations

from typing import Any

from oracles.bounded import stored
from oracles.convolution import convolution, convolution_gradient, gradient_by_columns


def separable_convolution(
    x: Any, depthwise: Any, pointwise: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> Any:
    """y = pointwise ∗ (depthwise ∗ x), the first with as many groups as x has channels, the second with filters of one cell.

    x (N, C, H, W), depthwise (C·m, 1, P, Q), pointwise (O, C·m, 1, 1), bias (O,) → (N, O, H′, W′)
    Source: Howard et al. 2017, MobileNets, section 3.1; torch.nn.Conv2d, "depthwise convolution".
    """
    between = convolution(x, depthwise, stride=stride, padding=padding, dilation=dilation, groups=x.shape[1])
    return convolution(stored(between), pointwise, bias)


def separable_convolution_gradient(
    dy: Any, x: Any, depthwise: Any, pointwise: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> dict[str, Any]:
    """The derivatives of the second convolution, then of the first with the cotangent that the second hands back.

    Source: the chain rule on Howard et al. 2017, section 3.1.
    """
    return _chained(convolution_gradient, dy, x, depthwise, pointwise, bias, stride=stride, padding=padding, dilation=dilation)


def separable_gradient_by_columns(
    dy: Any, x: Any, depthwise: Any, pointwise: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> dict[str, Any]:
    """The same, both sample by sample.

    Source: Chellapilla, Puri & Simard 2006, convolution as a product of matrices.
    """
    return _chained(gradient_by_columns, dy, x, depthwise, pointwise, bias, stride=stride, padding=padding, dilation=dilation)


def _chained(gradient: Any, dy: Any, x: Any, depthwise: Any, pointwise: Any, bias: Any, **options: Any) -> dict[str, Any]:
    options["groups"] = x.shape[1]
    last = gradient(dy, stored(convolution(x, depthwise, **options)), pointwise, bias)
    first = gradient(stored(last.pop("x")), x, depthwise, **options)
    found = {"x": first["x"], "depthwise": first["weight"], "pointwise": last["weight"]}
    return found if bias is None else {**found, "bias": last["bias"]}


separable_convolution_gradient.formulations = (separable_gradient_by_columns,)  # type: ignore[attr-defined]
