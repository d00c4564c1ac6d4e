"""Losses of yes and no: cross entropies of two classes, and of many labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import Bounded
from oracles.conventions import plain
from oracles.loss import averaged, reduced, shared, sigmoid, softplus, summed_to

Gradients = dict[str, Any]


def clamped(log: Callable[[Any], Any], x: Any) -> Any:
    """The logarithm, at least −100."""
    with np.errstate(divide="ignore"):
        return np.maximum(log(x), -100)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str) -> Any:
    """−weight · (target · log input + (1 − target) · log(1 − input)), logarithms not below −100

    input (*) from 0 to 1, target (*) from 0 to 1, weight broadcasts to (*) → (*), or () if it is reduced
    Source: torch.nn.BCELoss, first formula and the clamping described below it.
    """
    losses = (target - 1) * clamped(np.log1p, -input) - target * clamped(np.log, input)
    return reduced(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_gradient_by(weighted_last: bool) -> Callable[..., Gradients]:
    """The gradient, with the weight and the divisor of the mean before the slope or after."""

    def binary_cross_entropy_gradient(dy: Any, input: Any, target: Any, weight: Any = None, *, reduction: str) -> Gradients:
        """(input − target) / ((1 − input) · input); of the target log(1 − input) − log input.

        Where a clamped logarithm has a share, at 0 and 1, any finite number: only that is documented.
        """
        w = 1 if weight is None else weight
        g = dy + np.zeros(input.shape) if weighted_last else shared(dy, input.shape, reduction) * w
        x, y = plain(input), plain(target)
        formula = g * (input - target) / ((1 - input) * input)
        formula = np.where((x == 0) & (y == 0), g, np.where((x == 1) & (y == 1), -g, formula))
        of_target = g * (clamped(np.log1p, -input) - clamped(np.log, input))
        if weighted_last:
            formula, of_target = averaged(formula * w, reduction), averaged(of_target * w, reduction)
        return {"input": finite_where(((x == 0) & (y > 0)) | ((x == 1) & (y < 1)), formula), "target": of_target}

    return binary_cross_entropy_gradient


binary_cross_entropy_gradient = binary_cross_entropy_gradient_by(weighted_last=False)
binary_cross_entropy_gradient.formulations = (binary_cross_entropy_gradient_by(weighted_last=True),)  # type: ignore[attr-defined]


def finite_where(mask: np.ndarray, x: Any) -> Any:
    """x, and any finite number where the mask says so."""
    if not isinstance(x, Bounded) or not mask.any():
        return np.where(mask, 0.0, x)
    return Bounded(np.where(mask, 0.0, x.value), np.where(mask, x.by.storage.huge * (1 - 2.0**-40), x.error), x.by)


def positives(target: Any, pos_weight: Any) -> Any:
    """The weight of log σ: 1, or 1 + (pos_weight − 1) · target."""
    return (pos_weight - 1) * target + 1


def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any = None, pos_weight: Any = None, *, reduction: str) -> Any:
    """−weight · (pos_weight · target · log σ(input) + (1 − target) · log(1 − σ(input))), with log σ(x) = −log(1 + exp(−x))

    input (*), target (*), weight and pos_weight broadcast to (*) → (*), or () if it is reduced
    Source: torch.nn.BCEWithLogitsLoss, first and third formula.
    """
    logs = softplus(-input)
    losses = (1 - target) * input + (logs if pos_weight is None else positives(target, pos_weight) * logs)
    return reduced(losses if weight is None else losses * weight, reduction)


def with_logits_gradient_by(slopes: Callable[..., tuple[Any, Any]], weighted_last: bool = False) -> Callable[..., Gradients]:
    """The gradient with one way to write the two slopes, and weights before the cotangent meets them or after."""

    def binary_cross_entropy_with_logits_gradient(
        dy: Any, input: Any, target: Any, weight: Any = None, pos_weight: Any = None, *, reduction: str
    ) -> Gradients:
        """(1 − target) − w · σ(−input), w = 1 + (pos_weight − 1) · target.

        Of the target: (pos_weight − 1) · log(1 + exp(−input)) − input.
        """
        g, w = dy + np.zeros(input.shape), 1 if weight is None else weight
        parts = zip(("input", "target"), slopes(input, target, pos_weight), strict=True)
        return {name: averaged(slope * g * w if weighted_last else slope * (g * w), reduction) for name, slope in parts}

    return binary_cross_entropy_with_logits_gradient


def from_above(input: Any, target: Any, pos_weight: Any) -> tuple[Any, Any]:
    """(1 − target) − w · σ(−input), and (pos_weight − 1) · log(1 + exp(−input)) − input"""
    if pos_weight is None:
        return (1 - target) - sigmoid(-input), -input
    return (1 - target) - positives(target, pos_weight) * sigmoid(-input), softplus(-input) * (pos_weight - 1) - input


def from_below(input: Any, target: Any, pos_weight: Any) -> tuple[Any, Any]:
    """(share + 1 − target) · σ(input) − share with share = pos_weight · target, and −pos_weight · log σ(input) + log σ(−input)"""
    if pos_weight is None:
        return sigmoid(input) - target, -input
    share = pos_weight * target
    return (share + 1 - target) * sigmoid(input) - share, pos_weight * softplus(-input) - softplus(input)


binary_cross_entropy_with_logits_gradient = with_logits_gradient_by(from_above)
binary_cross_entropy_with_logits_gradient.formulations = (  # type: ignore[attr-defined]
    with_logits_gradient_by(from_below),
    with_logits_gradient_by(from_above, weighted_last=True),
    with_logits_gradient_by(from_below, weighted_last=True),
)


def soft_margin_loss(input: Any, target: Any, *, reduction: str) -> Any:
    """log(1 + exp(−target · input))

    input (*), target (*) of 1 and −1 → (*), or () if it is reduced
    Source: torch.nn.SoftMarginLoss, first formula.
    """
    return reduced(softplus(-target * input), reduction)


def soft_margin_loss_gradient(dy: Any, input: Any, target: Any, *, reduction: str) -> Gradients:
    """−target · σ(−target · input)"""
    return {"input": -shared(dy, input.shape, reduction) * target * sigmoid(-target * input)}


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, *, reduction: str) -> Any:
    """−1/C · Σ over c of weight[c] · (target[c] · log σ(input[c]) + (1 − target[c]) · log σ(−input[c]))

    input (N, C), target (N, C), weight (C,) → (N,), or () if it is reduced
    Source: torch.nn.MultiLabelSoftMarginLoss, first formula.
    """
    losses = target * softplus(-input) + (1 - target) * softplus(input)
    losses = losses if weight is None else losses * weight
    return reduced(np.sum(losses, axis=-1) / input.shape[-1], reduction)


def multilabel_soft_margin_loss_gradient(dy: Any, input: Any, target: Any, weight: Any = None, *, reduction: str) -> Gradients:
    """(1 − target) · σ(input) − target · σ(−input), of the target −input, over C."""
    g = (shared(dy, input.shape[:-1], reduction) / input.shape[-1])[..., None]
    unweighted = target * softplus(-input) + (1 - target) * softplus(input)
    weighted = g if weight is None else g * weight
    of_input = weighted * (1 - target) * sigmoid(input) - weighted * target * sigmoid(-input)
    gradients = {"input": of_input, "target": weighted * softplus(-input) - weighted * softplus(input)}
    return gradients if weight is None else {**gradients, "weight": summed_to(g * unweighted, weight.shape)}
