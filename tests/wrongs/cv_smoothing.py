"""What is wrong on purpose in smoothing and resizing of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.miniatures import Miniature, never_refuses, reads_memory_in_order, with_inputs, with_options, with_output


def in_halves(y: np.ndarray) -> np.ndarray:
    """Eleven bits are kept of every number."""
    with np.errstate(over="ignore"):
        return y.astype(np.float16).astype(y.dtype)


def one_level_up(y: np.ndarray) -> np.ndarray:
    """A gray value more wherever there is room."""
    return np.where(y < np.iinfo(y.dtype).max, y + 1, y).astype(y.dtype)


def without_nan(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN is read as 0."""
    return {**arguments, "image": np.nan_to_num(arguments["image"], nan=0.0, posinf=np.inf, neginf=-np.inf)}


def exchanged(arguments: dict[str, Any]) -> dict[str, Any]:
    """The height is taken for the width."""
    dsize = arguments["dsize"]
    return {**arguments, "dsize": dsize and dsize[::-1]}


MINIATURES = [
    Miniature("the border is replicated", "forward", "GaussianBlur", "uint8", with_options(borderType=1)),
    Miniature("round bells only", "forward", "GaussianBlur", "uint16", with_options(sigmaY=0.0)),
    Miniature("always five wide", "forward", "GaussianBlur", "int16", with_options(ksize=(5, 5))),
    Miniature("half precision", "forward", "GaussianBlur", "float32", with_output(in_halves)),
    Miniature("float32 inside", "forward", "GaussianBlur", "float64", with_output(lambda y: y.astype(np.float32).astype(y.dtype))),
    Miniature("NaN is zero", "forward", "GaussianBlur", "float32", with_inputs(without_nan)),
    Miniature("a gray value more", "laws", "GaussianBlur", "uint8", with_output(one_level_up)),
    Miniature("strides are ignored", "layout", "GaussianBlur", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "GaussianBlur", "uint8", never_refuses),
    Miniature("centres for corners", "forward", "resize_NEAREST", "uint8", with_options(interpolation=6)),
    Miniature("corners for centres", "forward", "resize_NEAREST_EXACT", "float32", with_options(interpolation=0)),
    Miniature("the sides are exchanged", "shape", "resize_NEAREST", "uint8", with_inputs(exchanged)),
    Miniature("linear for cubic", "forward", "resize_CUBIC", "uint16", with_options(interpolation=1)),
    Miniature("cubic for the windowed sinc", "forward", "resize_LANCZOS4", "float64", with_options(interpolation=2)),
    Miniature("nearest for linear", "forward", "resize_LINEAR", "uint8", with_options(interpolation=0)),
    Miniature("half precision", "forward", "resize_LINEAR", "float32", with_output(in_halves)),
    Miniature("a gray value more", "forward", "resize_LINEAR_EXACT", "uint8", with_output(one_level_up)),
    Miniature("linear for areas", "forward", "resize_AREA", "uint8", with_options(interpolation=1)),
    Miniature("linear for areas", "forward", "resize_AREA_ZOOMED", "uint8", with_options(interpolation=1)),
    Miniature("NaN is zero", "forward", "resize_NEAREST", "float32", with_inputs(without_nan)),
    Miniature("another image of the same size", "laws", "resize_CUBIC", "uint8", with_output(one_level_up)),
    Miniature("strides are ignored", "layout", "resize_LINEAR", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "resize_AREA", "uint8", never_refuses),
    Miniature("the border is replicated", "forward", "pyrDown", "uint8", with_options(borderType=1)),
    Miniature("half precision", "forward", "pyrDown", "float32", with_output(in_halves)),
    Miniature("a gray value more", "laws", "pyrDown", "uint16", with_output(one_level_up)),
    Miniature("always the default size", "shape", "pyrDown", "uint8", with_options(dstsize=None)),
    Miniature("a gray value more", "forward", "pyrUp", "int16", with_output(one_level_up)),
    Miniature("always the default size", "shape", "pyrUp", "uint8", with_options(dstsize=None)),
    Miniature("nothing is refused", "rejects", "pyrUp", "uint8", never_refuses),
]
