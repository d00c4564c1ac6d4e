"""Batch normalisation, and its running statistics over several batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, Exactly, exact, stored


def along(x: Any, ndim: int) -> Any:
    """Statistics (steps, C) against batches (steps, N, C, …)."""
    return x.reshape(x.shape[0], 1, x.shape[1], *[1] * (ndim - 3))


def others(ndim: int) -> tuple[int, ...]:
    """The axes over which a channel's statistics go: all but steps and channels."""
    return (1, *range(3, ndim))


def moments(x: Any) -> tuple[Any, Any]:
    """Mean and biased variance of every channel in every batch: (steps, N, C, …) → twice (steps, C)."""
    mean = np.mean(x, axis=others(x.ndim))
    return mean, np.mean(np.square(x - along(mean, x.ndim)), axis=others(x.ndim))


def running_moments(x: Any) -> tuple[Any, Any]:
    """The same one number after the other: m ← m + (x − m)/n, M ← M + (x − m_before)·(x − m). Source: Welford 1962."""
    terms = np.moveaxis(x, 2, 1).reshape(x.shape[0], x.shape[2], -1)
    mean, square = terms[..., 0], terms[..., 0] * 0
    for n in range(1, terms.shape[-1]):
        before = terms[..., n] - mean
        mean = mean + before / (n + 1)
        square = square + before * (terms[..., n] - mean)
    return mean, square / terms.shape[-1]


def scaled(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    """(x − mean) / √(variance + eps) · weight + bias, the statistics (steps, C)."""
    y = (x - along(mean, x.ndim)) / np.sqrt(along(variance, x.ndim) + eps)
    if weight is not None:
        y = y * along(weight[None], x.ndim)
    return y if bias is None else y + along(bias[None], x.ndim)


def folded(x: Any, mean: Any, variance: Any, weight: Any, bias: Any, eps: float) -> Any:
    """The same as one factor and one shift: x · s + (bias − mean · s), s = weight / √(variance + eps)."""
    s = 1 / np.sqrt(variance + eps)
    s = s if weight is None else s * weight[None]
    shift = -(mean * s) if bias is None else bias[None] - mean * s
    return x * along(s, x.ndim) + along(shift, x.ndim)


def tracked(before: Any, now: Any, momentum: float | None, steps: int) -> Any:
    """The running statistic after each step: (1 − momentum) · before + momentum · now; with None the mean of all batches so far."""
    share = 1.0 / np.arange(1, steps + 1)[:, None] if momentum is None else momentum
    return (1 - share) * before + share * now


def batch_normalization(statistics: Any, normalize: Any) -> Any:
    """The oracle of one way to compute statistics and one way to apply them."""

    def batch_norm(
        x: Any,
        weight: Any = None,
        bias: Any = None,
        running_mean: Any = None,
        running_var: Any = None,
        *,
        eps: float,
        momentum: float | None,
        training: bool,
        observed: Any = None,
    ) -> dict[str, Any]:
        """Normalise every channel by its statistics in the batch, or by the running ones.

        y = (x − E[x]) / √(Var[x] + eps) · weight + bias, Var biased;
        running ← (1 − momentum) · running + momentum · statistic, Var unbiased;
        with momentum None the mean of all batches. In evaluation the running statistics are used, where they are tracked.

        x (steps, N, C, …): one batch after the other; weight, bias, running_mean, running_var (C,) → output as x, running_… (steps, C)
        Source: torch.nn.BatchNorm2d, the formula and the notes on momentum and track_running_stats.
        """
        steps, count = x.shape[0], int(np.prod([x.shape[axis] for axis in others(x.ndim)]))
        results = {}
        by_batch = training or running_mean is None
        mean, variance = statistics(x) if by_batch else (running_mean[None], running_var[None])
        results["output"] = normalize(x, mean, variance, weight, bias, eps)
        if running_mean is not None:
            unbiased = variance * count / (count - 1) if by_batch else variance
            for name, start, now in (("running_mean", running_mean, mean), ("running_var", running_var, unbiased)):
                known = np.asarray(observed[name]).astype(float)
                earlier = known[:-1] if not isinstance(start, Bounded) else exact(known[:-1], start.by)
                before = np.concatenate([start[None], earlier])
                results[name] = tracked(before, now, momentum, steps) if training else before
            results["num_batches_tracked"] = Exactly(np.arange(1, steps + 1) if training else np.zeros(steps, int))
        return results

    return batch_norm


batch_norm = batch_normalization(moments, scaled)
batch_norm.formulations = tuple(
    batch_normalization(statistics, normalize)
    for statistics, normalize in ((moments, folded), (running_moments, scaled), (running_moments, folded))
)


def batch_norm_gradient(
    dy: Any,
    x: Any,
    weight: Any = None,
    bias: Any = None,
    running_mean: Any = None,
    running_var: Any = None,
    *,
    eps: float,
    momentum: float | None,
    training: bool,
    observed: Any = None,
) -> dict[str, Any]:
    """With x̂ = (x − mean)/σ: dweight = Σ dy·x̂, dbias = Σ dy; dx = weight/σ · (dy − mean(dy) − x̂·mean(dy·x̂)), in evaluation weight/σ · dy.

    Source: Ioffe & Szegedy 2015, the chain rule after Algorithm 1.
    """
    return differentiated(moments, dy, x, weight, bias, running_mean, running_var, eps, training)


def batch_norm_gradient_running(
    dy: Any,
    x: Any,
    weight: Any = None,
    bias: Any = None,
    running_mean: Any = None,
    running_var: Any = None,
    *,
    eps: float,
    momentum: float | None,
    training: bool,
    observed: Any = None,
) -> dict[str, Any]:
    """The same from moments taken one number after the other."""
    return differentiated(running_moments, dy, x, weight, bias, running_mean, running_var, eps, training)


batch_norm_gradient.formulations = (batch_norm_gradient_running,)  # type: ignore[attr-defined]


def differentiated(
    statistics: Any, dy: Any, x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, eps: float, training: bool
) -> dict[str, Any]:
    """The three derivatives."""
    axes, by_batch = others(x.ndim), training or running_mean is None
    mean, variance = statistics(x) if by_batch else (running_mean[None], running_var[None])
    inverse = stored(1 / np.sqrt(variance + eps))
    centred = x - along(mean, x.ndim)
    products = np.sum(dy * centred, axis=axes)
    count = int(np.prod([x.shape[axis] for axis in axes]))
    dx = dy
    if by_batch:
        dx = dy - along(np.mean(dy, axis=axes), x.ndim) - centred * along(products / count * np.square(inverse), x.ndim)
    factor = inverse if weight is None else inverse * weight[None]
    found = {"x": dx * along(factor, x.ndim)}
    if weight is not None:
        found["weight"] = np.sum(products * inverse, axis=0)
    if bias is not None:
        found["bias"] = np.sum(dy, axis=(0, *axes))
    return found
