"""Normalisation over the last axes, over groups of channels, and by the root mean square."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np

from oracles.bounded import coarse, stored
from oracles.conventions import plain
from oracles.moments import Axes, centred_gradient, certain, folded, group_size, moments, scaled, updated_moments

WAYS = list(itertools.product((moments, updated_moments), (scaled, folded)))


def last(normalized_shape: Any) -> Axes:
    """The axes of normalized_shape, an integer or a tuple, from the end."""
    return tuple(range(-len(normalized_shape) if hasattr(normalized_shape, "__len__") else -1, 0))


def grouped(array: Any, num_groups: int, channel: int) -> Any:
    """The channel axis split into (num_groups, channels of a group); None stays."""
    if array is None:
        return None
    sides = array.shape
    return array.reshape((*sides[:channel], num_groups, sides[channel] // num_groups, *sides[channel + 1 :]))


def per_group(array: Any, num_groups: int, ndim: int) -> Any:
    """Weights (C,) as (1, num_groups, C / num_groups, 1, …), to meet images of that many axes, the groups' included."""
    found = grouped(array, num_groups, 0)
    return None if found is None else found.reshape((1, *found.shape, *[1] * (ndim - 3)))


def layer_norm(x: Any, weight: Any = None, bias: Any = None, *, normalized_shape: Any, eps: float, how: Any = (moments, scaled)) -> Any:
    """Normalise by the statistics over the last axes.

    y = (x − E[x]) / √(Var[x] + eps) · weight + bias, Var biased

    x (…, *normalized_shape), weight and bias normalized_shape → as x
    Source: torch.nn.LayerNorm, the formula.
    """
    statistics, normalize = how
    return normalize(x, *statistics(x, last(normalized_shape)), weight, bias, eps)


def group_norm(x: Any, weight: Any = None, bias: Any = None, *, num_groups: int, eps: float, how: Any = (moments, scaled)) -> Any:
    """Normalise by the statistics of every group of channels of every image.

    y = (x − E[x]) / √(Var[x] + eps) · weight + bias, Var biased

    x (N, C, …), weight and bias (C,) → as x
    Source: torch.nn.GroupNorm, the formula.
    """
    statistics, normalize = how
    groups = grouped(x, num_groups, 1)
    affine = (per_group(array, num_groups, groups.ndim) for array in (weight, bias))
    return normalize(groups, *statistics(groups, tuple(range(2, groups.ndim))), *affine, eps).reshape(x.shape)


layer_norm.formulations = tuple(functools.partial(layer_norm, how=way) for way in WAYS[1:])  # type: ignore[attr-defined]
group_norm.formulations = tuple(functools.partial(group_norm, how=way) for way in WAYS[1:])  # type: ignore[attr-defined]


def weighted(dy: Any, weight: Any) -> Any:
    """dy · weight, where there is one."""
    return dy if weight is None else dy * weight


def centred(dy: Any, weight: Any, x: Any, mean: Any, inverse: Any, axes: Axes, inner: Axes) -> tuple[Any, Any]:
    """With g = dy·weight, dx = 1/σ · (g − mean(g) − x̂·mean(g·x̂)), the means over `axes`; and Σ dy·x̂ over `inner`."""
    dx = centred_gradient(weighted(dy, weight), x, mean, inverse, axes) * inverse
    return dx, np.sum(dy * (x - mean), axis=inner, keepdims=True) * inverse


def expanded(dy: Any, weight: Any, x: Any, mean: Any, inverse: Any, axes: Axes, inner: Axes, at_once: bool = False) -> tuple[Any, Any]:
    """The same as g/σ + b·x + c: b = (mean·Σg − Σg·x)/(σ³n), c = −b·mean − Σg/(σn); and (Σ dy·x − mean·Σ dy)/σ.

    What has one weight is added up before it is weighted. b and the mean are the same in b·x and in c: their errors do not add up as if
    they were not (where all is finite). `at_once`: dy · (weight/σ).
    """
    first_sum, second_sum = (np.sum(z, axis=inner, keepdims=True) if inner else z for z in (dy, dy * x))
    total, share = np.sum(weighted(first_sum, weight), axis=axes, keepdims=True), 1 / group_size(x, axes)
    b = (total * mean - np.sum(weighted(second_sum, weight), axis=axes, keepdims=True)) * inverse * inverse * inverse * share
    products = second_sum - mean * first_sum
    same, mean_, rest = certain(b), certain(mean), total * inverse * share
    rounding = (same * x + (-(same * mean_) - certain(rest))) - (same * (x - mean_) - certain(rest))
    first = dy * weighted(inverse, weight) if at_once else weighted(inverse * dy, weight)
    together = first + (b * (x - mean) - rest + rounding)
    finite = np.isfinite(plain(together))
    return np.where(finite, together, first + (b * x + (-(b * mean) - rest))), products * inverse


expanded_at_once = functools.partial(expanded, at_once=True)


def in_registers(x: Any) -> Any:
    """Nothing is written to memory."""
    return x


DERIVATIONS = list(itertools.product((moments, updated_moments), (centred, expanded, expanded_at_once), (in_registers, stored)))


def differentiated(dy: Any, x: Any, weight: Any, eps: float, axes: Axes, inner: Axes, how: Any) -> tuple[Any, Any, Any]:
    """dx, what is summed to dweight, and to dbias; `how`: statistics, derivation, how the mean and sums over the batch are kept."""
    statistics, derive, keep = how
    mean, variance = statistics(x, axes)
    inverse = stored(1 / np.sqrt(variance + eps))
    dx, products = derive(dy, weight, x, keep(mean), inverse, axes, inner)
    return (dx, products, dy) if keep is in_registers else (dx, coarse(stored(products)), coarse(dy))


def layer_norm_gradient(
    dy: Any,
    x: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    normalized_shape: Any,
    eps: float,
    how: Any = DERIVATIONS[0],
) -> dict[str, Any]:
    """With x̂ = (x − mean)/σ and g = dy·weight: dx = 1/σ · (g − mean(g) − x̂·mean(g·x̂)); dweight = Σ dy·x̂, dbias = Σ dy.

    Source: Ioffe & Szegedy 2015, the chain rule after Algorithm 1, with a weight for each element.
    """
    axes = last(normalized_shape)
    dx, products, dy = differentiated(dy, x, weight, eps, axes, (), how)
    leading = tuple(range(x.ndim - len(axes)))
    found = {"x": dx, "weight": np.sum(products, axis=leading), "bias": np.sum(dy, axis=leading)}
    return {name: found[name] for name, array in (("x", x), ("weight", weight), ("bias", bias)) if array is not None}


def group_norm_gradient(
    dy: Any, x: Any, weight: Any = None, bias: Any = None, *, num_groups: int, eps: float, how: Any = DERIVATIONS[0]
) -> dict[str, Any]:
    """As of layer normalisation, over groups; dweight and dbias are sums over the batch and the sides.

    Source: Ioffe & Szegedy 2015, the chain rule after Algorithm 1; Wu & He 2018.
    """
    groups, dy = grouped(x, num_groups, 1), grouped(dy, num_groups, 1)
    factor = per_group(weight, num_groups, groups.ndim)
    dx, products, dy = differentiated(dy, groups, factor, eps, tuple(range(2, groups.ndim)), tuple(range(3, groups.ndim)), how)
    others, channels = (0, *range(3, groups.ndim)), (x.shape[1],)
    found = {"x": dx.reshape(x.shape)}
    if weight is not None:
        found["weight"] = np.sum(products, axis=others).reshape(channels)
    if bias is not None:
        found["bias"] = np.sum(dy, axis=others).reshape(channels)
    return found


layer_norm_gradient.formulations = tuple(  # type: ignore[attr-defined]
    functools.partial(layer_norm_gradient, how=way) for way in DERIVATIONS[1:]
)
group_norm_gradient.formulations = tuple(  # type: ignore[attr-defined]
    functools.partial(group_norm_gradient, how=way) for way in DERIVATIONS[1:]
)


def inverse_root_mean_square(x: Any, axes: Axes, eps: float | None) -> Any:
    """1 / √(eps + Σx²/n); eps None is the machine's epsilon, 2⁻⁵² for numbers of 64 bits, 2⁻²³ for shorter ones."""
    if eps is None:
        storage = getattr(getattr(x, "by", None), "storage", None)
        eps = 2.0**-23 if storage is not None and storage.precision < 53 else 2.0**-52
    return 1 / np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True) + eps)


def rms_norm(x: Any, weight: Any = None, *, normalized_shape: Any, eps: float | None) -> Any:
    """Divide by the root mean square over the last axes.

    y = x / √(eps + Σx²/n) · weight

    x (…, *normalized_shape), weight normalized_shape → as x
    Source: torch.nn.RMSNorm, the formula, and what it says of eps.
    """
    y = stored(x * inverse_root_mean_square(x, last(normalized_shape), eps))
    return y if weight is None else y * weight


def rms_norm_gradient(
    dy: Any, x: Any, weight: Any = None, *, normalized_shape: Any, eps: float | None, expanded: bool = False
) -> dict[str, Any]:
    """With x̂ = x/rms and g = dy·weight: dx = 1/rms · (g − x̂·mean(g·x̂)), dweight = Σ dy·x̂.

    Source: Zhang & Sennrich 2019, section 4.
    """
    axes = last(normalized_shape)
    inverse = inverse_root_mean_square(x, axes, eps)
    g = dy if weight is None else stored(dy * weight)
    count = math.prod(x.shape[axis] for axis in axes)
    total = np.sum(g * x, axis=axes, keepdims=True)
    if expanded:
        dx = g * inverse + 2 * x * (-0.5 * total * (inverse * inverse * inverse) / count)
    else:
        dx = inverse * (g - x * (total / count * np.square(inverse)))
    found = {"x": dx}
    if weight is not None:
        found["weight"] = np.sum(dy * stored(x * inverse), axis=tuple(range(x.ndim - len(axes))))
    return found


rms_norm_gradient.formulations = (functools.partial(rms_norm_gradient, expanded=True),)  # type: ignore[attr-defined]
