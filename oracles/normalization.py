"""Batch and instance normalisation of any rank, and their running statistics over several batches."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Exactly, OneOf, exact, stored
from oracles.moments import Axes, centred_gradient, folded, group_size, moments, scaled, shared_first, shared_last, updated_moments


def in_batches(x: Any, batches: int, unbatched: bool = False) -> Any:
    """(batches·N, C, …) → (batches, N, C, …); an image without batch axis is a batch of one."""
    x = x[None] if unbatched else x
    return x.reshape((batches, x.shape[0] // batches, *x.shape[1:]))


def for_channels(array: Any, ndim: int) -> Any:
    """(C,) → (1, 1, C, 1, …); None stays."""
    return None if array is None else array.reshape((1, 1, -1, *[1] * (ndim - 3)))


def axes_of(ndim: int, instances: bool) -> Axes:
    """The axes of (batches, N, C, …) over which a statistic goes: those of a channel in an instance, or in a batch."""
    return (*(() if instances else (1,)), *range(3, ndim))


def tracked(before: Any, now: Any, momentum: float | None) -> Any:
    """The running statistic after each batch: (1 − momentum) · before + momentum · now; with None the mean of all batches so far."""
    share: Any = 1.0 / np.arange(1, len(now) + 1)[:, None] if momentum is None else momentum
    return (1 - share) * before + share * now


def tracked_average(before: Any, now: Any, momentum: float | None) -> Any:
    """The running statistic from the mean over the instances: now (batches, N, C), before and result (batches, C)."""
    return tracked(before, np.mean(now, axis=1), momentum)


def average_of_tracked(before: Any, now: Any, momentum: float | None) -> Any:
    """The mean over the instances of the statistics that each alone would leave, which are stored."""
    share: Any = momentum
    return np.mean(stored((1 - share) * before[:, None] + share * now), axis=1)


def running(start: Any, observed: Any, now: Any, momentum: float | None, training: bool, follow: Any, images: int) -> Any:
    """A running statistic after each batch, (batches, C), from what the subject's own was before it.

    A batch without a number has no statistic: the running one, or the mean over the images of as many copies, stays, or is undefined.
    """
    known = np.asarray(observed).astype(float)
    before = np.concatenate([start[None], exact(known[:-1], start.by) if isinstance(start, Bounded) else known[:-1]])
    if not training:
        return before
    if now is not None:
        return follow(before, now, momentum)
    return OneOf([before, np.mean(np.stack([before] * max(1, images)), axis=0), np.full(known.shape, np.nan)])


def normalized(x: Any, arrays: Any, options: Any, observed: Any, instances: bool, how: Any) -> dict[str, Any]:
    """The output and the running statistics; `how`: statistics, what they do to x, how they are averaged."""
    running_mean, running_var, weight, bias = arrays
    eps, momentum, training, batches, unbatched = options
    statistics, normalize, follow = how
    images = in_batches(x, batches, unbatched)
    axes, by_batch = axes_of(images.ndim, instances), training or running_mean is None
    *statistic, weight, bias = (for_channels(array, images.ndim) for array in (running_mean, running_var, weight, bias))
    mean, variance = statistics(images, axes) if by_batch else statistic
    results = {"output": normalize(images, mean, variance, weight, bias, eps).reshape(x.shape)}
    if running_mean is not None:
        count, now = group_size(images, axes), {"running_mean": None, "running_var": None}
        if by_batch and x.size:
            shape = (batches, -1, images.shape[2]) if instances else (batches, images.shape[2])
            now = {"running_mean": mean.reshape(shape), "running_var": (variance * count / (count - 1)).reshape(shape)}
        for name, start in (("running_mean", running_mean), ("running_var", running_var)):
            results[name] = running(start, observed[name], now[name], momentum, training, follow, images.shape[1])
    return results


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
    batches: int = 1,
    resume_at: int | None = None,
    observed: Any = None,
    how: Any = (moments, scaled, tracked),
) -> dict[str, Any]:
    """Normalise every channel by its statistics in the batch, or by the running ones.

    y = (x − E[x]) / √(Var[x] + eps) · weight + bias, Var biased;
    running ← (1 − momentum) · running + momentum · statistic, Var unbiased;
    with momentum None the mean of all batches. In evaluation the running statistics are used, where they are tracked.

    x (batches·N, C, …): one batch after the other; weight, bias, running_mean, running_var (C,) → output as x, running_… (batches, C)
    Source: torch.nn.BatchNorm2d, the formula and the notes on momentum and track_running_stats.
    """
    arrays = running_mean, running_var, weight, bias
    results = normalized(x, arrays, (eps, momentum, training, batches, False), observed, instances=False, how=how)
    if running_mean is not None:
        results["num_batches_tracked"] = Exactly(np.arange(1, batches + 1) if training else np.zeros(batches, int))
    return results


def instance_norm(
    x: Any,
    weight: Any = None,
    bias: Any = None,
    running_mean: Any = None,
    running_var: Any = None,
    *,
    eps: float,
    momentum: float,
    training: bool,
    batches: int = 1,
    resume_at: int | None = None,
    rank: int,
    observed: Any = None,
    how: Any = (moments, scaled, tracked_average),
) -> dict[str, Any]:
    """Normalise every channel of every image by its own statistics, or by the running ones.

    y = (x − E[x]) / √(Var[x] + eps) · weight + bias, Var biased;
    running ← (1 − momentum) · running + momentum · mean over the images of the statistic, Var unbiased.
    In evaluation the running statistics are used, where they are tracked.

    x (batches·N, C, …) or (C, …): one batch after the other; weight, bias, running_… (C,) → output as x, running_… (batches, C)
    Source: torch.nn.InstanceNorm2d, the formula and the notes on momentum and track_running_stats.
    """
    arrays = running_mean, running_var, weight, bias
    unbatched = x.ndim == rank + 1
    return normalized(x, arrays, (eps, momentum, training, batches, unbatched), observed, instances=True, how=how)


WAYS = list(itertools.product((moments, updated_moments), (scaled, folded)))
batch_norm.formulations = tuple(functools.partial(batch_norm, how=(*way, tracked)) for way in WAYS[1:])  # type: ignore[attr-defined]
instance_norm.formulations = tuple(  # type: ignore[attr-defined]
    functools.partial(instance_norm, how=(*way, follow))
    for follow, way in list(itertools.product((tracked_average, average_of_tracked), WAYS))[1:]
)


def at_once(dx: Any, inverse: Any, factor: Any) -> Any:
    """A gradient times weight/σ."""
    return dx * (inverse * factor)


def in_turn(dx: Any, inverse: Any, factor: Any) -> Any:
    """A gradient divided by σ, then times weight: it may overflow where the other does not."""
    return dx * inverse * factor


DERIVATIONS = list(itertools.product((moments, updated_moments), (at_once, in_turn), (shared_first, shared_last), (False, True)))


def differentiated(dy: Any, x: Any, arrays: Any, options: Any, instances: bool, how: Any) -> dict[str, Any]:
    """dweight = Σ dy·x̂, dbias = Σ dy; dx = weight/σ · (dy − mean(dy) − x̂·mean(dy·x̂)), by the running statistics weight/σ · dy.

    `how`: statistics, how σ and weight, and how the count and σ², come to a sum, and whether running statistics divide each image's own.
    """
    running_mean, running_var, weight, bias = arrays
    eps, training, batches, unbatched = options
    statistics, scale, share, apart = how
    dy, images = in_batches(dy, batches, unbatched), in_batches(x, batches, unbatched)
    axes, by_batch = axes_of(images.ndim, instances), training or running_mean is None
    mean, variance, factor = (for_channels(array, images.ndim) for array in (running_mean, running_var, weight))
    mean, variance = statistics(images, axes) if by_batch else (mean, variance)
    inverse = stored(1 / np.sqrt(variance + eps))
    dx = centred_gradient(dy, images, mean, inverse, axes, share) if by_batch else dy
    found = {"x": (dx * inverse if factor is None else scale(dx, inverse, factor)).reshape(x.shape)}
    others = axes_of(images.ndim, instances=False)
    if weight is not None:
        products = np.sum(dy * (images - mean), axis=axes if by_batch or apart else others, keepdims=True)
        found["weight"] = np.sum(products * inverse if x.size else products, axis=(0, *others))
    if bias is not None:
        found["bias"] = np.sum(dy, axis=(0, *others))
    return found


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
    batches: int = 1,
    resume_at: int | None = None,
    observed: Any = None,
    how: Any = DERIVATIONS[0],
) -> dict[str, Any]:
    """With x̂ = (x − mean)/σ: dweight = Σ dy·x̂, dbias = Σ dy; dx = weight/σ · (dy − mean(dy) − x̂·mean(dy·x̂)), in evaluation weight/σ · dy.

    Source: Ioffe & Szegedy 2015, the chain rule after Algorithm 1.
    """
    arrays = running_mean, running_var, weight, bias
    return differentiated(dy, x, arrays, (eps, training, batches, False), instances=False, how=how)


def instance_norm_gradient(
    dy: Any,
    x: Any,
    weight: Any = None,
    bias: Any = None,
    running_mean: Any = None,
    running_var: Any = None,
    *,
    eps: float,
    momentum: float,
    training: bool,
    batches: int = 1,
    resume_at: int | None = None,
    rank: int,
    observed: Any = None,
    how: Any = DERIVATIONS[0],
) -> dict[str, Any]:
    """As of batch normalisation, the means over one image.

    Source: Ioffe & Szegedy 2015, the chain rule after Algorithm 1, for every image alone.
    """
    arrays = running_mean, running_var, weight, bias
    return differentiated(dy, x, arrays, (eps, training, batches, x.ndim == rank + 1), instances=True, how=how)


batch_norm_gradient.formulations = tuple(  # type: ignore[attr-defined]
    functools.partial(batch_norm_gradient, how=way) for way in DERIVATIONS[2::2]
)
instance_norm_gradient.formulations = tuple(  # type: ignore[attr-defined]
    functools.partial(instance_norm_gradient, how=way) for way in DERIVATIONS[1:]
)
