"""Maxima over sliding windows, for any number of axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracles.bounded import Exactly, coarse
from oracles.pools import largest, of_the_largest, sliding


def max_pool(
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
    rank: int = 2,
    observed: Any = None,
) -> dict[str, Any]:
    """The largest cell of every window, and its flat index in the plane.

    y[…, i] = max over p of x[…, i·stride + p·dilation − padding], the padding −∞, any NaN above all

    The index is that of the first of several equal cells, of any of several NaN; a window wholly in the padding has −∞ and any index
    of the plane.

    x (N, C, H, …) or (C, H, …) → the same with H′, …
    Source: torch.nn.MaxPool2d, the formula, the note on ceil_mode, and the Shape section.
    """
    return largest(sliding(x.shape, kernel_size, stride, padding, dilation, ceil_mode, rank), x, return_indices)


def max_pool_of_integers(x: Any, **options: Any) -> dict[str, Any]:
    """The same of integers, by their ranks: the padding is below all of them; a window without a cell has the least integer.

    x (N, C, H, …) or (C, H, …) of integers → the same with H′, …
    Source: torch.nn.MaxPool2d, the formula and the note on padding.
    """
    numbers, ranks = np.unique(x, return_inverse=True)
    found = max_pool(ranks.reshape(x.shape).astype(float), **options)
    ordered = np.append(numbers, np.array(np.iinfo(x.dtype).min, x.dtype))
    at = np.where(np.isfinite(found["output"]), found["output"], len(numbers)).astype(int)
    return {**found, "output": Exactly(ordered[at])}


def max_pool_gradient(
    dy: Any,
    x: Any,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
    rank: int = 2,
    observed: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    """The derivative of Σ dy·y: dx[j] = Σ of dy[i] over the windows i that took cell j, by the subject's own indices where it gives them.

    Source: the derivative of the maximum, torch.nn.MaxPool2d.
    """
    return {"x": of_the_largest(sliding(x.shape, kernel_size, stride, padding, dilation, ceil_mode, rank), dy, x, observed)}


def max_pool_gradient_in_storage(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: the derivative of the maximum, torch.nn.MaxPool2d.
    """
    return max_pool_gradient(coarse(dy), x, **options)


max_pool_gradient.formulations = (max_pool_gradient_in_storage,)  # type: ignore[attr-defined]
