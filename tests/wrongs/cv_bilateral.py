"""What is wrong on purpose in the bilateral filter."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.cv_bilateral import bell, radius_of
from oracles.cv_borders import extended
from tests.miniatures import Call, Miniature, never_refuses, reads_memory_in_order, with_inputs, with_options, with_output


def in_halves(y: np.ndarray) -> np.ndarray:
    """Eleven bits are kept of every number."""
    with np.errstate(over="ignore"):
        return y.astype(np.float16).astype(y.dtype)


def one_level_up(y: np.ndarray) -> np.ndarray:
    """A gray value more wherever there is room."""
    return np.where(y < 255, y + 1, y).astype(y.dtype)


def one_deviation(arguments: dict[str, Any]) -> dict[str, Any]:
    """The deviation of colours stands for that of places."""
    return {**arguments, "sigmaSpace": arguments["sigmaColor"]}


def by_weights(euclidean: bool, square: bool) -> Any:
    """A filter in double precision with another distance of colours, or another window."""

    def alter(call: Call) -> Call:
        def wrong(image: Any, d: int, sigmaColor: float, sigmaSpace: float, borderType: int) -> Any:
            if min(sigmaColor, sigmaSpace, *image.shape[:2]) <= 0:
                return call(image=image, d=d, sigmaColor=sigmaColor, sigmaSpace=sigmaSpace, borderType=borderType)
            x, r = image.astype(float).reshape(*image.shape[:2], -1), radius_of(d, sigmaSpace)
            around, (height, width), total, weights = extended(x, r, r, r, r, borderType), x.shape[:2], 0.0, 0.0
            for i, j in np.ndindex(2 * r + 1, 2 * r + 1):
                squares = (i - r) ** 2 + (j - r) ** 2
                if squares <= r * r or square:
                    other = around[i : i + height, j : j + width]
                    away = np.sum((other - x) ** 2, 2) if euclidean else np.sum(np.abs(other - x), 2) ** 2
                    weight = (bell(away, sigmaColor) * bell(squares, sigmaSpace))[..., None]
                    total, weights = total + weight * other, weights + weight
            mean = total / weights
            y = (np.rint(mean) if image.dtype == np.uint8 else mean).astype(image.dtype)
            return y[..., 0] if y.shape[2] == 1 else y

        return wrong

    return alter


MINIATURES = [
    Miniature("the border is replicated", "forward", "bilateralFilter", "uint8", with_options(borderType=1)),
    Miniature("the border wraps", "forward", "bilateralFilter", "float32", with_options(borderType=3)),
    Miniature("Euclidean distance of colours", "forward", "bilateralFilter", "uint8", by_weights(euclidean=True, square=False)),
    Miniature("Euclidean distance of colours", "forward", "bilateralFilter", "float32", by_weights(euclidean=True, square=False)),
    Miniature("a square window", "forward", "bilateralFilter", "uint8", by_weights(euclidean=False, square=True)),
    Miniature("a square window", "forward", "bilateralFilter", "float32", by_weights(euclidean=False, square=True)),
    Miniature("always five wide", "forward", "bilateralFilter", "uint8", with_options(d=5)),
    Miniature("half precision", "forward", "bilateralFilter", "float32", with_output(in_halves)),
    Miniature("one deviation for both", "forward", "bilateralFilter", "float32", with_inputs(one_deviation)),
    Miniature(
        "no deviation is one",
        "forward",
        "bilateralFilter",
        "uint8",
        with_inputs(lambda a: {**a, **{name: a[name] if a[name] > 0 else 1.0 for name in ("sigmaColor", "sigmaSpace")}}),
    ),
    Miniature("a gray value more", "laws", "bilateralFilter", "uint8", with_output(one_level_up)),
    Miniature("strides are ignored", "layout", "bilateralFilter", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "bilateralFilter", "uint8", never_refuses),
]
