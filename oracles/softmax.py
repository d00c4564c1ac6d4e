"""Softmax and its relatives: numbers into shares that sum to one, along one axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, stored


def within(x: Any, least: float, most: float) -> Any:
    """The part of each ball between two numbers that no subject leaves, whatever it rounds; arrays stay as they are."""
    if not isinstance(x, Bounded):
        return x
    with np.errstate(all="ignore"):
        low, high = np.maximum(x.value - x.error, least), np.minimum(x.value + x.error, most)
        far = np.isfinite(x.value) & (x.error > 1) & np.isfinite(high - low)
        return Bounded(np.where(far, (high + low) / 2, x.value), np.where(far, (high - low) / 2 * (1 + 2.0**-50), x.error), x.by)


def exponentials(x: Any, dim: int) -> Any:
    """exp(x − m), m the largest: at most 1."""
    return np.exp(within(x - np.max(x, axis=dim, keepdims=True), -np.inf, 0.0)) if x.shape[dim] else x


def total(x: Any, dim: int) -> Any:
    """Σ exp(x − m): at least 1, which the largest contributes, or nearly so where the exponential is a coarse one."""
    return within(np.sum(exponentials(x, dim), axis=dim, keepdims=True), 0.9, np.inf)


def softmax(input: Any, *, dim: int) -> Any:
    """Turn numbers into shares.

    output_i = exp(x_i) / Σ_j exp(x_j), computed as exp(x_i − m) / Σ_j exp(x_j − m) with m the largest

    input (*) → (*)
    Source: torch.nn.Softmax, first formula.
    """
    return within(exponentials(input, dim) / total(input, dim), 0.0, 1.0)


def softmax_stored(input: Any, *, dim: int) -> Any:
    """The same with the exponentials stored before they are divided."""
    shares = stored(exponentials(input, dim))
    return within(shares / within(np.sum(shares, axis=dim, keepdims=True), 0.9, np.inf), 0.0, 1.0)


softmax.formulations = (softmax_stored,)  # type: ignore[attr-defined]


def softmax_gradient(dy: Any, input: Any, *, dim: int) -> dict[str, Any]:
    """∂/∂x_i of Σ dy·y is y_i · (dy_i − Σ_j dy_j y_j), from the y that was returned."""
    y = stored(softmax(input, dim=dim))
    return {"input": y * (dy - np.sum(dy * y, axis=dim, keepdims=True))}


def softmax_gradient_expanded(dy: Any, input: Any, *, dim: int) -> dict[str, Any]:
    """The same multiplied out, dy_i y_i − y_i · Σ_j dy_j y_j, with y from stored exponentials."""
    y = stored(softmax_stored(input, dim=dim))
    weighted = stored(dy * y)
    return {"input": weighted - y * np.sum(weighted, axis=dim, keepdims=True)}


softmax_gradient.formulations = (softmax_gradient_expanded,)  # type: ignore[attr-defined]


def log_softmax(input: Any, *, dim: int) -> Any:
    """The logarithm of the shares.

    output_i = log(exp(x_i) / Σ_j exp(x_j)), computed as (x_i − m) − log Σ_j exp(x_j − m) with m the largest

    input (*) → (*)
    Source: torch.nn.LogSoftmax, first formula.
    """
    if not input.shape[dim]:
        return input
    return input - np.max(input, axis=dim, keepdims=True) - np.log(total(input, dim))


def log_softmax_at_once(input: Any, *, dim: int) -> Any:
    """The same with one subtraction: x_i − (m + log Σ_j exp(x_j − m))."""
    if not input.shape[dim]:
        return input
    return input - (np.max(input, axis=dim, keepdims=True) + np.log(total(input, dim)))


log_softmax.formulations = (log_softmax_at_once,)  # type: ignore[attr-defined]


def log_softmax_gradient(dy: Any, input: Any, *, dim: int) -> dict[str, Any]:
    """∂/∂x_i of Σ dy·y is dy_i − exp(y_i) · Σ_j dy_j, from the y that was returned."""
    return {"input": dy - np.exp(stored(log_softmax(input, dim=dim))) * np.sum(dy, axis=dim, keepdims=True)}


def log_softmax_gradient_at_once(dy: Any, input: Any, *, dim: int) -> dict[str, Any]:
    """The same from the other formulation of y."""
    return {"input": dy - np.exp(stored(log_softmax_at_once(input, dim=dim))) * np.sum(dy, axis=dim, keepdims=True)}


log_softmax_gradient.formulations = (log_softmax_gradient_at_once,)  # type: ignore[attr-defined]


def softmin(input: Any, *, dim: int) -> Any:
    """Turn numbers into shares, the least the largest.

    output_i = exp(−x_i) / Σ_j exp(−x_j)

    input (*) → (*)
    Source: torch.nn.Softmin, first formula.
    """
    return softmax(-input, dim=dim)


def softmin_stored(input: Any, *, dim: int) -> Any:
    """The same with the exponentials stored before they are divided."""
    return softmax_stored(-input, dim=dim)


softmin.formulations = (softmin_stored,)  # type: ignore[attr-defined]


def softmin_gradient(dy: Any, input: Any, *, dim: int) -> dict[str, Any]:
    """The gradient of softmax at −x, times −1."""
    return {"input": -softmax_gradient(dy, -input, dim=dim)["input"]}


def softmin_gradient_expanded(dy: Any, input: Any, *, dim: int) -> dict[str, Any]:
    """The same multiplied out."""
    return {"input": -softmax_gradient_expanded(dy, -input, dim=dim)["input"]}


softmin_gradient.formulations = (softmin_gradient_expanded,)  # type: ignore[attr-defined]


def softmax2d(input: Any) -> Any:
    """Softmax over the channels of every pixel.

    output_cij = exp(x_cij) / Σ_k exp(x_kij)

    input (N, C, H, W) or (C, H, W) → the same
    Source: torch.nn.Softmax2d, "applies SoftMax over features to each spatial location".
    """
    return softmax(input, dim=-3)


def softmax2d_stored(input: Any) -> Any:
    """The same with the exponentials stored before they are divided."""
    return softmax_stored(input, dim=-3)


softmax2d.formulations = (softmax2d_stored,)  # type: ignore[attr-defined]


def softmax2d_gradient(dy: Any, input: Any) -> dict[str, Any]:
    """As softmax, over the channels."""
    return softmax_gradient(dy, input, dim=-3)


def softmax2d_gradient_expanded(dy: Any, input: Any) -> dict[str, Any]:
    """The same multiplied out."""
    return softmax_gradient_expanded(dy, input, dim=-3)


softmax2d_gradient.formulations = (softmax2d_gradient_expanded,)  # type: ignore[attr-defined]
