"""What is wrong on purpose in filters, edges, thresholds and histograms of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.miniatures import Call, Miniature, never_refuses, reads_memory_in_order, with_inputs, with_options, with_output


def without_saturation(call: Call) -> Call:
    """Results wrap around instead of being clipped."""
    return lambda **a: {**call(**a), "output": call(**{**a, "ddepth": 6})["output"].astype(np.int64).astype(a["image"].dtype)}


def convolved(arguments: dict[str, Any]) -> dict[str, Any]:
    """The kernel is turned around, as a convolution does."""
    return {**arguments, "kernel": np.ascontiguousarray(arguments["kernel"][::-1, ::-1])}


def one_more_bin(arguments: dict[str, Any]) -> dict[str, Any]:
    """The range ends a bin later."""
    low, high = arguments["ranges"]
    return {**arguments, "ranges": (low, high + (high - low) / arguments["histSize"])}


def channels_shared(arguments: dict[str, Any]) -> dict[str, Any]:
    """One table serves all channels."""
    lut = arguments["lut"]
    return {**arguments, "lut": lut if lut.ndim == 1 else np.ascontiguousarray(np.repeat(lut[:, :1], lut.shape[1], axis=1))}


MINIATURES = [
    Miniature("the border is replicated", "forward", "boxFilter", "uint8", with_options(borderType=1)),
    Miniature("everything is a mean", "forward", "boxFilter", "int16", with_options(normalize=True)),
    Miniature("the sum is a mean, by a law", "laws", "boxFilter", "uint8", with_options(normalize=True)),
    Miniature("the depth stays", "forward", "boxFilter", "uint16", with_options(ddepth=-1)),
    Miniature("nothing is squared", "forward", "sqrBoxFilter", "uint8", with_inputs(lambda a: {**a, "image": a["image"] & 1})),
    Miniature("a smaller window", "forward", "medianBlur", "uint8", with_options(ksize=3)),
    Miniature("a mean by a law", "laws", "medianBlur", "uint8", with_output(lambda y: y ^ 1)),
    Miniature("the kernel is turned around", "forward", "filter2D", "uint8", with_inputs(convolved)),
    Miniature("results wrap around", "forward", "filter2D", "uint8", without_saturation),
    Miniature("delta is forgotten", "forward", "filter2D", "float32", with_options(delta=0.0)),
    Miniature("the kernel is turned around, by a law", "laws", "filter2D", "uint8", with_inputs(convolved)),
    Miniature("strides are ignored", "layout", "filter2D", "uint8", reads_memory_in_order),
    Miniature("the anchor is in the middle", "forward", "sepFilter2D", "int16", with_options(anchor=(-1, -1))),
    Miniature("the scale is forgotten", "forward", "Sobel", "uint8", with_options(scale=1.0)),
    Miniature("only of the first order", "forward", "Sobel", "int16", with_options(dx=1, dy=0)),
    Miniature("nothing is refused", "rejects", "Sobel", "uint8", never_refuses),
    Miniature("always along x", "forward", "Scharr", "float64", with_options(dx=1, dy=0)),
    Miniature("always five cells", "forward", "Laplacian", "uint8", with_options(ksize=1)),
    Miniature("a constant has a derivative", "laws", "Laplacian", "uint8", with_output(lambda y: np.maximum(y, 1))),
    Miniature("exchanged", "forward", "spatialGradient", "uint8", lambda call: lambda **a: dict(zip(("dy", "dx"), call(**a).values()))),  # noqa: B905
    Miniature("the wrong norm", "forward", "Canny", "uint8", with_options(L2gradient=False)),
    Miniature("nothing is joined", "forward", "Canny", "uint8", lambda call: lambda **a: call(**{**a, "threshold1": a["threshold2"]})),
    Miniature("at or above the threshold", "forward", "threshold", "uint8", with_inputs(lambda a: {**a, "thresh": a["thresh"] - 1})),
    Miniature("the inverse is the same", "laws", "threshold", "uint8", lambda call: lambda **a: call(**{**a, "type": a["type"] & ~1})),
    Miniature("one more where there is room", "forward", "equalizeHist", "uint8", with_output(lambda y: np.maximum(y, 1))),
    Miniature("the order is turned around", "laws", "equalizeHist", "uint8", with_output(lambda y: 255 - y)),
    Miniature("one table for all channels", "forward", "LUT", "float32", with_inputs(channels_shared)),
    Miniature("the range ends later", "forward", "calcHist", "uint8", with_inputs(one_more_bin)),
    Miniature("the mask is ignored", "forward", "calcHist", "uint16", with_options(mask=None)),
]
