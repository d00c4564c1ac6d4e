"""Losses of classes, by index or by probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import stored
from oracles.conventions import plain


def classes_last(x: Any) -> Any:
    """(N, C, d₁, …) or (C,) with the classes as the last axis."""
    return x if x.ndim == 1 else np.moveaxis(x, 1, -1)


def log_softmax(x: Any) -> Any:
    """x − (max + log Σ exp(x − max)) along the last axis."""
    top = np.max(x, axis=-1, keepdims=True)
    return x - (top + np.log(np.sum(np.exp(x - top), axis=-1, keepdims=True)))


def log_softmax_inside(x: Any) -> Any:
    """(x − max) − log Σ exp(x − max) along the last axis."""
    shifted = x - np.max(x, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def wanted(x: Any, target: Any, weight: Any, ignore_index: int) -> tuple[np.ndarray, np.ndarray, Any]:
    """Of class indices: which are kept, the class of each (0 where it is ignored), and the weight of that class."""
    kept = np.asarray(target) != ignore_index
    at = np.where(kept, target, 0)
    share = kept * 1 if weight is None else np.where(kept, weight[at], 0.0)
    return kept, at, share


def divisor(x: Any, target: Any, share: Any, by_index: bool, reduction: str) -> Any:
    """What a mean divides by: the sum of the weights of the targets, or with probabilities their number."""
    if reduction != "mean":
        return 1
    return np.sum(share) if by_index else x.size // max(1, x.shape[-1])


def cross_entropy_by(logarithm: Callable[[Any], Any], apart: bool = False) -> Callable[..., Any]:
    """The oracle with one way to take the logarithm of softmax; the losses and what smoothes them reduced together or apart."""

    def cross_entropy(input: Any, target: Any, weight: Any = None, *, ignore_index: int, reduction: str, label_smoothing: float) -> Any:
        """−Σ over c of w[c] · y[c] · log softmax(input)[c], y the probabilities or one class, smoothed to (1 − ε)·y + ε/C

        none: the loss of every target; sum; mean: with class indices Σ loss / Σ w[target], targets equal to ignore_index left out.

        input (N, C, d₁, …) or (C,), target (N, d₁, …) or () of class indices, or probabilities as input, weight (C,) → as target, or ()
        Source: torch.nn.CrossEntropyLoss, both cases; Szegedy et al. 2016, section 7 (smoothing).
        """
        x, by_index = classes_last(input), plain(target).dtype.kind in "iu"
        logs = stored(logarithm(x))
        each = logs if weight is None else logs * weight
        if by_index:
            kept, at, share = wanted(x, target, weight, ignore_index)
            over = divisor(x, target, share, by_index, reduction)
            losses = taken = -np.take_along_axis(each, at[..., None], axis=-1)[..., 0]
            if label_smoothing:
                parts = [taken, -np.sum(each, axis=-1)]
                reduced = apart and reduction != "none"
                taken, even = [np.sum(np.where(kept, part, 0.0)) / over for part in parts] if reduced else parts
                losses = (1 - label_smoothing) * taken + even * (label_smoothing / x.shape[-1])
                if reduced:
                    return losses
            losses = np.where(kept, losses, 0.0)
        else:
            over = divisor(x, target, 0, by_index, reduction)
            y = classes_last(target)
            y = y * (1 - label_smoothing) + label_smoothing / x.shape[-1] if label_smoothing else y
            losses = -np.sum(logs * y if weight is None else logs * y * weight, axis=-1)
        return losses if reduction == "none" else np.sum(losses) / over

    return cross_entropy


cross_entropy = cross_entropy_by(log_softmax)
cross_entropy.formulations = (  # type: ignore[attr-defined]
    cross_entropy_by(log_softmax_inside),
    cross_entropy_by(log_softmax, apart=True),
    cross_entropy_by(log_softmax_inside, apart=True),
)


def cross_entropy_gradient_by(
    logarithm: Callable[[Any], Any], inside: bool, apart: bool = False, terms: bool = False
) -> Callable[..., Any]:
    """The gradient with one way to take the logarithm, softmax as its exponential or by itself, and what smoothes with a cotangent apart.

    `terms`: also the two whose difference it is, where classes are given by index.
    """

    def cross_entropy_gradient(
        dy: Any, input: Any, target: Any, weight: Any = None, *, ignore_index: int, reduction: str, label_smoothing: float
    ) -> dict[str, Any]:
        """With g[c] = dy · w[c] · y[c] / divisor: dx[c] = softmax(input)[c] · Σ g − g[c];
        for probabilities dy[c] = −w[c] · log softmax(input)[c].
        """
        axis = 0 if input.ndim == 1 else 1
        x, by_index = classes_last(input), plain(target).dtype.kind in "iu"
        count, logs = x.shape[-1], stored(logarithm(x))
        softmax = np.exp(logs) if inside else np.exp(x - np.max(x, axis=-1, keepdims=True))
        softmax = softmax if inside else softmax / np.sum(softmax, axis=-1, keepdims=True)
        every = 1 if weight is None else weight
        if by_index:
            kept, at, share = wanted(x, target, weight, ignore_index)
            over, parts = divisor(x, target, share, by_index, reduction), (1 - label_smoothing, label_smoothing / count)
            scales = [np.where(kept, (dy * part if apart else dy) / over, 0.0)[..., None] for part in parts]
            taken, even = [every * scale if apart else every * part * scale for part, scale in zip(parts, scales, strict=True)]
            g = np.where(np.arange(count) == at[..., None], taken, 0.0)
            g = g + even if label_smoothing else g
            spread = softmax * np.sum(g, axis=-1, keepdims=True)
            found = {"input": spread - g, **({"spread": spread, "taken": g} if terms else {})}
            return {name: np.moveaxis(term, -1, axis) for name, term in found.items()}
        y = classes_last(target)
        y = y * (1 - label_smoothing) + label_smoothing / count if label_smoothing else y
        scale = (dy / divisor(x, target, 0, by_index, reduction) + np.zeros(x.shape[:-1]))[..., None]
        g = scale * every * y
        dx = softmax * np.sum(g, axis=-1, keepdims=True) - g
        dtarget = -scale * every * logs * (1 - label_smoothing)
        return {"input": np.moveaxis(dx, -1, axis), "target": np.moveaxis(dtarget, -1, axis)}

    return cross_entropy_gradient


cross_entropy_gradient = cross_entropy_gradient_by(log_softmax, True)
cross_entropy_gradient.formulations = (  # type: ignore[attr-defined]
    cross_entropy_gradient_by(log_softmax_inside, True),
    cross_entropy_gradient_by(log_softmax, False),
    cross_entropy_gradient_by(log_softmax, True, apart=True),
    cross_entropy_gradient_by(log_softmax_inside, True, apart=True),
)


def nll_loss(input: Any, target: np.ndarray, weight: Any = None, *, ignore_index: int, reduction: str) -> Any:
    """−w[target] · input[target], 0 where the target is ignore_index; mean: Σ loss / Σ w[target], ignored targets left out

    input (N, C, d₁, …) or (C,) of log-probabilities, target (N, d₁, …) or (), weight (C,) → as target, or () if it is reduced
    Source: torch.nn.NLLLoss, both formulas.
    """
    x = classes_last(input)
    kept, at, share = wanted(x, target, weight, ignore_index)
    taken = -np.take_along_axis(x, at[..., None], axis=-1)[..., 0]
    losses = np.where(kept, taken if weight is None else taken * share, 0.0)
    return losses if reduction == "none" else np.sum(losses) / divisor(x, target, share, True, reduction)


def nll_loss_gradient(dy: Any, input: Any, target: np.ndarray, weight: Any = None, *, ignore_index: int, reduction: str) -> dict[str, Any]:
    """−w[target] / divisor of the target's class."""
    x = classes_last(input)
    kept, at, share = wanted(x, target, weight, ignore_index)
    g = np.where(kept, -share * dy / divisor(x, target, share, True, reduction), 0.0)
    dx = np.where((np.arange(x.shape[-1]) == at[..., None]) & kept[..., None], g[..., None], 0.0)
    return {"input": np.moveaxis(dx, -1, 0 if input.ndim == 1 else 1)}
