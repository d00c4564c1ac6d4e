"""Batch normalisation's running statistics, taken anew in one pass over data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Exactly, exact

Moments = Callable[[Any], tuple[Any, Any]]  # values (T, C, n) → mean and sum of squared deviations, (T, C)


def in_two_passes(values: Any) -> tuple[Any, Any]:
    """The mean, then the deviations from it."""
    mean = np.mean(values, axis=2)
    return mean, np.sum(np.square(values - mean[:, :, None]), axis=2)


def one_after_the_other(values: Any) -> tuple[Any, Any]:
    """m ← m + (x − m)/n, M ← M + (x − m_before)·(x − m). Source: Welford 1962."""
    mean, square = values[..., 0], values[..., 0] * 0.0
    for n in range(1, values.shape[2]):
        away = values[..., n] - mean
        mean = mean + away / (n + 1)
        square = square + away * (values[..., n] - mean)
    return mean, square


def update_bn(x: Any, *, momentum: float | None, training: bool, batch_as: str, observed: Any, moments: Moments = in_two_passes) -> Any:
    """Every batch counts alike: after t batches, r ← (1 − 1/t) · r + s/t with s the mean, or the unbiased variance, of the batch.

    Each is judged from the subject's own statistics before the batch. Momentum and mode are what they were, when all is done.

    x (T, N, C, L), one batch after the other → running_mean, running_var (T, C), num_batches_tracked (T,), kept (1,)
    Source: torch.optim.swa_utils.update_bn; torch.nn.BatchNorm1d, the note on momentum None.
    """
    values = np.moveaxis(x, 2, 1).reshape(x.shape[0], x.shape[2], -1)
    mean, square = moments(values)
    counts = np.arange(1, len(x) + 1)

    def running(name: str, now: Any) -> Any:
        known = np.concatenate([np.zeros((1, x.shape[2])), np.asarray(observed[name], float)[:-1]])
        before = exact(known, x.by) if isinstance(x, Bounded) else known
        share = 1.0 / counts[:, None]
        return np.where(counts[:, None] == 1, now, (1.0 - share) * before + share * now)

    results = {"running_mean": running("running_mean", mean), "running_var": running("running_var", square / (values.shape[2] - 1))}
    return {**results, "num_batches_tracked": Exactly(counts), "kept": Exactly(np.array([True]))}


update_bn.formulations = (  # type: ignore[attr-defined]
    lambda x, **options: update_bn(x, **options, moments=one_after_the_other),
)
