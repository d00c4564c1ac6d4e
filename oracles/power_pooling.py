"""Norms over windows, for any number of axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Doubtful, coarse
from oracles.pools import Pools, of_the_largest, sliding


def raised(x: Any, exponent: float) -> Any:
    """xᵖ; x itself for p = 1."""
    return x if exponent == 1 else np.power(x, exponent)


def power_sums(pools: Pools, x: Any, norm_type: float) -> Any:
    """Σ xᵖ over the cells of every window: (planes, windows)."""
    return np.sum(pools.cells(raised(x, norm_type), 0.0), axis=-1)


def lp_pool(x: Any, *, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, rank: int = 2) -> Any:
    """The p-th root of the sum of the p-th powers of every window, p = norm_type; the largest magnitude for p = ∞.

    y[…, i] = (Σ over q of x[…, i·stride + q]ᵖ)^(1/p)

    The root of a negative sum is NaN, as a power with a fractional exponent is.

    x (N, C, H, …) or (C, H, …) → the same with H′, …
    Source: torch.nn.LPPool2d, the formula, the first item for p = ∞, the note on ceil_mode.
    """
    pools = sliding(x.shape, kernel_size, stride, 0, 1, ceil_mode, rank)
    if norm_type == np.inf:
        return np.max(pools.cells(np.abs(x), -np.inf), axis=-1).reshape(pools.output)
    return raised(power_sums(pools, x, norm_type), 1.0 / norm_type).reshape(pools.output)


def lp_pool_by_means(x: Any, *, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, rank: int = 2) -> Any:
    """The same from the mean of the powers, times their number.

    Source: torch.nn.LPPool2d, the formula.
    """
    pools = sliding(x.shape, kernel_size, stride, 0, 1, ceil_mode, rank)
    if norm_type == np.inf:
        return lp_pool(x, norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode, rank=rank)
    number = np.count_nonzero(pools.inside, axis=-1)
    return raised(power_sums(pools, x, norm_type) / number * number, 1.0 / norm_type).reshape(pools.output)


lp_pool.formulations = (lp_pool_by_means,)  # type: ignore[attr-defined]


def lp_pool_gradient(
    dy: Any, x: Any, *, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, rank: int = 2
) -> dict[str, Any]:
    """dx[j] = Σ over the windows i with j of dy[i]·Sᵢ^(1/p − 1) · x[j]^(p − 1), Sᵢ the sum of powers; nothing from windows with Sᵢ = 0.

    For p = ∞ dy[i]·sign(x[j]) of the windows that took cell j.

    Source: the derivative of the formula of torch.nn.LPPool2d, and its note on a sum that is zero.
    """
    pools = sliding(x.shape, kernel_size, stride, 0, 1, ceil_mode, rank)
    if norm_type == np.inf:
        return {"x": np.sign(x) * of_the_largest(pools, dy, np.abs(x), None)}
    return {"x": through_sums(pools, dy, x, power_sums(pools, x, norm_type), norm_type, 1)}


def through_sums(pools: Pools, dy: Any, x: Any, sums: Any, norm_type: float, number: Any, power: float = 1.0) -> Any:
    """The derivative by x; `number` multiplies and divides on the way, where a subject takes means, `power` the derivative of xᵖ."""
    dy = dy.reshape(sums.shape)
    factor = dy if norm_type == 1 else dy * raised(sums, 1.0 / norm_type - 1.0)
    zero = zero_sums(pools, x, sums)
    taken = np.where(zero, 0.0, factor * number / number)[..., None]
    dx = pools.scattered(np.where(pools.inside, taken, 0.0), pools.places).reshape(x.shape)
    if norm_type == 1:
        return dx
    return np.where(only_in_zero_sums(pools, zero).reshape(x.shape), 0.0, dx * (raised(x, norm_type - 1.0) * power))


def zero_sums(pools: Pools, x: Any, sums: Any) -> Any:
    """Windows whose sum is zero: for certain, where all of their cells are."""
    return (sums == 0) | np.all(np.asarray(pools.cells(x, 0.0) == 0), axis=-1)


def only_in_zero_sums(pools: Pools, found: Any) -> np.ndarray:
    """Cells all of whose windows, one at least, have a sum that is certain to be zero."""
    zero = (found.value & ~found.doubt if isinstance(found, Doubtful) else found)[..., None]
    counts = [pools.scattered(np.where(pools.inside, some, 0.0), pools.places) for some in (zero, ~zero)]
    return np.asarray((counts[0] > 0) & (counts[1] == 0))


def lp_pool_gradient_by_means(
    dy: Any, x: Any, *, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, rank: int = 2
) -> dict[str, Any]:
    """The same from the mean of the powers, with the factors that p-th powers and roots bring one by one; the sign of NaN taken for 0.

    Source: the derivative of the formula of torch.nn.LPPool2d, and its note on a sum that is zero.
    """
    pools = sliding(x.shape, kernel_size, stride, 0, 1, ceil_mode, rank)
    if norm_type == np.inf:
        return {"x": np.where(np.isnan(x), 0.0, np.sign(x)) * of_the_largest(pools, coarse(dy), np.abs(x), None)}
    number = np.count_nonzero(pools.inside, axis=-1)
    sums = power_sums(pools, x, norm_type) / number * number
    root = dy if norm_type == 1 else dy * (1.0 / norm_type)
    return {"x": through_sums(pools, root, x, sums, norm_type, number, float(norm_type))}


lp_pool_gradient.formulations = (lp_pool_gradient_by_means,)  # type: ignore[attr-defined]
