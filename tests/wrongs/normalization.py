"""What is wrong on purpose in normalisation."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    never_refuses,
    reads_memory_in_order,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    with_result,
    writes_its_input,
    zero_for_nan,
)


def ten_times_eps(call: Call) -> Call:
    """eps is ten times what it is."""
    return lambda **a: call(**{**a, "eps": 10 * a["eps"]})


def wider_by(channels: int) -> Any:
    """The window has so many channels more."""
    return lambda call: lambda **a: call(**{**a, "size": a["size"] + channels})


def forgetful(call: Call) -> Call:
    """What was saved midway is loaded one too large."""

    def wrong(**a: Any) -> Any:
        results = call(**a)
        if a["resume_at"] is not None:
            results["running_mean"][a["resume_at"] :] += 1
        return results

    return wrong


def normalised_by(moments: Any) -> Any:
    """A layer normalisation by moments of one's own: x, axes ↦ mean, variance."""

    def alter(call: Call) -> Call:
        def wrong(x: Any, weight: Any, bias: Any, normalized_shape: Any, eps: Any) -> Any:
            if not x.numel():
                return call(x=x, weight=weight, bias=bias, normalized_shape=normalized_shape, eps=eps)
            axes = tuple(range(-1 if isinstance(normalized_shape, int) else -len(normalized_shape), 0))
            mean, variance = moments(x, axes)
            y = (x - mean) / torch.sqrt(variance + eps)
            y = y if weight is None else y * weight
            return y if bias is None else y + bias

        return wrong

    return alter


def raw(x: Any, axes: Any) -> Any:
    """E[x²] − E[x]²."""
    mean = x.mean(axes, keepdim=True)
    return mean, (x * x).mean(axes, keepdim=True) - mean * mean


def fixed(x: Any, axes: Any) -> Any:
    """Moments that have no gradient."""
    mean = x.mean(axes, keepdim=True).detach()
    return mean, (x.detach() - mean).square().mean(axes, keepdim=True)


def along_the_last_axis(x: Any, axes: Any) -> Any:
    """Only the last axis is normalised."""
    return x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)


def without_the_last_channel(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last channel is read as zero."""
    x = arguments["x"].clone()
    x[:, -1:] = 0
    return {**arguments, "x": x}


def no_bias(arguments: dict[str, Any]) -> dict[str, Any]:
    """The bias is not added."""
    return {**arguments, "bias": None}


MINIATURES = [
    Miniature("eps is ten times what it is", "forward", "BatchNorm2d", "float32", ten_times_eps),
    Miniature("momentum is ignored", "forward", "BatchNorm2d", "float64", with_options(momentum=0.3)),
    Miniature("the running variance is not unbiased", "forward", "BatchNorm2d", "float32", with_result("running_var", lambda v: v * 0.9)),
    Miniature("it is always evaluated", "forward", "BatchNorm2d", "float32", with_options(training=False)),
    Miniature("NaN is read as zero", "forward", "BatchNorm1d", "float32", with_inputs(zero_for_nan)),
    Miniature("the last channel is not read", "forward", "BatchNorm3d", "float32", with_inputs(without_the_last_channel)),
    Miniature("one ten-thousandth too much", "forward", "BatchNorm3d", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("the gradient is one percent too large", "gradient", "BatchNorm2d", "float64", scaled_gradient(1.01)),
    Miniature("the mean is not removed", "laws", "BatchNorm2d", "float32", with_output(lambda y: y + 0.01)),
    Miniature("evaluation changes the statistics", "laws", "BatchNorm1d", "float32", with_result("running_mean", lambda m: m + 1)),
    Miniature("what was saved is not what is loaded", "state", "BatchNorm1d", "float32", forgetful),
    Miniature("nothing is refused", "rejects", "BatchNorm1d", "float32", never_refuses),
    Miniature("strides are ignored", "layout", "BatchNorm2d", "float32", reads_memory_in_order),
    Miniature("it is always evaluated", "forward", "InstanceNorm1d", "float32", with_options(training=False)),
    Miniature("eps is ten times what it is", "forward", "InstanceNorm2d", "float32", ten_times_eps),
    Miniature("NaN is read as zero", "forward", "InstanceNorm3d", "float32", with_inputs(zero_for_nan)),
    Miniature("the last column is not read", "forward", "InstanceNorm2d", "float32", with_output(lambda y: y[..., :1] + 0 * y)),
    Miniature("the gradient is one percent too large", "gradient", "InstanceNorm2d", "float32", scaled_gradient(1.01)),
    Miniature("a thousandth too wide", "laws", "InstanceNorm1d", "float32", with_output(lambda y: y * 1.001)),
    Miniature("what was saved is not what is loaded", "state", "InstanceNorm3d", "float32", forgetful),
    Miniature("the variance is E[x²] − E[x]²", "forward", "LayerNorm", "float32", normalised_by(raw)),
    Miniature("only the last axis is normalised", "forward", "LayerNorm", "float32", normalised_by(along_the_last_axis)),
    Miniature("moments are taken for constants", "gradient", "LayerNorm", "float32", normalised_by(fixed)),
    Miniature("the bias is not added", "forward", "LayerNorm", "float32", with_inputs(no_bias)),
    Miniature("NaN is read as zero", "forward", "LayerNorm", "float32", with_inputs(zero_for_nan)),
    Miniature("the input is overwritten", "purity", "LayerNorm", "float32", writes_its_input),
    Miniature("a thousandth of the mean stays", "laws", "LayerNorm", "float32", lambda call: lambda **a: call(**a) + 1e-3 * a["x"].mean()),
    Miniature("all channels are one group", "forward", "GroupNorm", "float32", with_options(num_groups=1)),
    Miniature("all channels are one group", "laws", "GroupNorm", "float32", with_options(num_groups=1)),
    Miniature("the gradient is one percent too large", "gradient", "GroupNorm", "float32", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", "GroupNorm", "float32", never_refuses),
    Miniature("strides are ignored", "layout", "GroupNorm", "float32", reads_memory_in_order),
    Miniature("eps is its square", "forward", "RMSNorm", "float32", lambda call: lambda **a: call(**{**a, "eps": (a["eps"] or 1e-3) ** 2})),
    Miniature("a thousandth too wide", "laws", "RMSNorm", "float32", with_output(lambda y: y * 1.001)),
    Miniature(
        "the window is wider by two",
        "forward",
        "LocalResponseNorm",
        "float32",
        wider_by(2),
    ),
    Miniature("k is one", "forward", "LocalResponseNorm", "float32", with_options(k=1.0)),
    Miniature("NaN is read as zero", "forward", "LocalResponseNorm", "float32", with_inputs(zero_for_nan)),
    Miniature("the gradient is one percent too large", "gradient", "LocalResponseNorm", "float32", scaled_gradient(1.01)),
    Miniature("a channel more to one side", "laws", "LocalResponseNorm", "float32", wider_by(1)),
    Miniature("beta is one half", "forward", "CrossMapLRN2d", "float32", with_options(beta=0.5)),
]
