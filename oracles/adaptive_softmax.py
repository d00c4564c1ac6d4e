"""Adaptive softmax: frequent classes in a head, the others in clusters of fewer features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import OneOf, add_at, stored
from oracles.conventions import plain
from oracles.linear import linear, linear_gradient
from oracles.loss import reduced
from oracles.softmax import log_softmax, log_softmax_at_once

Logs = Callable[..., Any]


def clusters_of(tails: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """The two maps of each cluster that there is."""
    return [(into, out) for into, out in zip(tails[::2], tails[1::2], strict=True) if into is not None]


def mapped(x: Any, into: Any, out: Any) -> Any:
    """The logits of a cluster."""
    return stored(linear(stored(linear(x, into)), out))


def largest(logs: Any) -> OneOf:
    """The classes that may have the largest logarithm; any where one of them may be NaN."""
    value, error = plain(logs), getattr(logs, "error", np.zeros(logs.shape))
    with np.errstate(invalid="ignore"):
        possible = value + error >= np.max(value - error, axis=-1, keepdims=True)
        odd = ~np.isfinite(value + error).all(axis=-1, keepdims=True)
    allowed = possible | odd
    return OneOf([np.full(len(value), c) for c in range(value.shape[-1])], allowed.T)


def adaptive_log_softmax_by(logs: Logs) -> Callable[..., Any]:
    """The oracle with one way to take the logarithm of softmax."""

    def adaptive_log_softmax_with_loss(
        input: Any, target: Any, head: Any, head_bias: Any, into1: Any, out1: Any, into2: Any, out2: Any, *, cutoffs: Any, div_value: float
    ) -> dict[str, Any]:
        """log softmax(head)[c] of a frequent class, log softmax(head)[cluster] + log softmax(cluster)[c] of another

        output is that of the target, loss the mean of −output, log_prob that of every class, predict the class with the largest;
        the head maps to the classes below cutoffs[0] and one more for each cluster, a cluster by `into` and `out` to its classes

        input (N, I) or (I,), target (N,) or () → output as target, loss (); for a batch log_prob (N, C), predict (N,)
        Source: torch.nn.AdaptiveLogSoftmaxWithLoss, and its log_prob and predict; Grave et al. 2017, section 4.
        """
        x = input.reshape(-1, input.shape[-1])
        first = stored(logs(stored(linear(x, head, head_bias)), dim=-1))
        parts = [first[:, : cutoffs[0]]]
        for i, (into, out) in enumerate(clusters_of((into1, out1, into2, out2))):
            parts.append(stored(logs(mapped(x, into, out), dim=-1)) + first[:, cutoffs[0] + i, None])
        every = stored(np.concatenate(parts, axis=-1))
        output = np.take_along_axis(every, np.reshape(target, (-1, 1)), axis=-1)[:, 0]
        found = {"output": output.reshape(np.shape(target)), "loss": reduced(-output, "mean")}
        return {**found, "log_prob": every, "predict": largest(every)} if input.ndim == 2 else found

    return adaptive_log_softmax_with_loss


adaptive_log_softmax_with_loss = adaptive_log_softmax_by(log_softmax)
adaptive_log_softmax_with_loss.formulations = (adaptive_log_softmax_by(log_softmax_at_once),)  # type: ignore[attr-defined]


def slopes(dy: Any, logits: Any, at: np.ndarray, logs: Logs) -> Any:
    """The gradient of log softmax(logits)[at] by the logits."""
    g = dy[:, None]
    return stored(np.where(np.arange(logits.shape[-1]) == at[:, None], g, 0.0) - np.exp(stored(logs(logits, dim=-1))) * g)


def adaptive_gradient_by(logs: Logs) -> Callable[..., Any]:
    """The gradient with one way to take the logarithm of softmax."""

    def adaptive_log_softmax_with_loss_gradient(
        dy: Any, input: Any, target: Any, head: Any, head_bias: Any, into1: Any, out1: Any, into2: Any, out2: Any, *, cutoffs: Any, **_: Any
    ) -> dict[str, Any]:
        """By the chain rule; a cluster of no target has none."""
        x, dy, at = input.reshape(-1, input.shape[-1]), dy.reshape(-1), np.reshape(target, -1)
        cluster = np.searchsorted(cutoffs, at, side="right")  # 0 for the head's own classes
        place = np.where(cluster > 0, cutoffs[0] + cluster - 1, at)
        of_head = linear_gradient(slopes(dy, stored(linear(x, head, head_bias)), place, logs), x, head, head_bias)
        found, dx = {"head": of_head["weight"], **({} if head_bias is None else {"head_bias": of_head["bias"]})}, of_head["x"]
        for i, (into, out) in enumerate(clusters_of((into1, out1, into2, out2)), 1):
            (rows,) = np.nonzero(cluster == i)
            if len(rows):
                hidden = stored(linear(x[rows], into))
                outer = linear_gradient(slopes(dy[rows], stored(linear(hidden, out)), at[rows] - cutoffs[i - 1], logs), hidden, out)
                inner = linear_gradient(stored(outer["x"]), x[rows], into)
                found |= {f"out{i}": outer["weight"], f"into{i}": inner["weight"]}
                dx = dx + add_at(x.shape, rows, stored(inner["x"]))
        return {**found, "input": dx.reshape(input.shape)}

    return adaptive_log_softmax_with_loss_gradient


adaptive_log_softmax_with_loss_gradient = adaptive_gradient_by(log_softmax)
adaptive_log_softmax_with_loss_gradient.formulations = (adaptive_gradient_by(log_softmax_at_once),)  # type: ignore[attr-defined]
