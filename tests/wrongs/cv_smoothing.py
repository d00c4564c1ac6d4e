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
]
