"""Losses of numbers against numbers: absolute, squared, and from one to the other."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from oracles.conventions import plain
from oracles.loss import averaged, by_sign, reduced, shared

Gradients = dict[str, Any]


def l1_loss(input: Any, target: Any, *, reduction: str) -> Any:
    """|input − target|

    input (*), target (*) → (*), or () if it is reduced
    Source: torch.nn.L1Loss, first formula.
    """
    return reduced(np.abs(input - target), reduction)


def l1_loss_gradient(dy: Any, input: Any, target: Any, *, reduction: str) -> Gradients:
    """The sign of the difference; at 0 it is open."""
    g, difference = shared(dy, input.shape, reduction), input - target
    return {"input": by_sign(difference, g), "target": by_sign(difference, -g)}


def mse_loss(input: Any, target: Any, *, reduction: str) -> Any:
    """(input − target)²

    input (*), target (*) → (*), or () if it is reduced
    Source: torch.nn.MSELoss, first formula.
    """
    return reduced(np.square(input - target), reduction)


def mse_loss_gradient(dy: Any, input: Any, target: Any, *, reduction: str) -> Gradients:
    """2 · (input − target)"""
    g = 2 * averaged(input - target, reduction) * dy
    return {"input": g, "target": -g}


def smooth_l1_loss(input: Any, target: Any, *, reduction: str, beta: float) -> Any:
    """With d = |input − target|: d² / (2 · beta) where d < beta, d − beta / 2 elsewhere; beta 0 is L1Loss

    input (*), target (*) → (*), or () if it is reduced
    Source: torch.nn.SmoothL1Loss, second formula and the note on beta 0.
    """
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    distance = np.abs(input - target)
    return reduced(np.where(distance < beta, 0.5 * distance * distance / beta, distance - 0.5 * beta), reduction)


def smooth_l1_loss_gradient(dy: Any, input: Any, target: Any, *, reduction: str, beta: float, slope: bool = False) -> Gradients:
    """(input − target) / beta, at most 1 and at least −1; NaN at NaN, as both formulas give. `slope`: divided before dy is met."""
    if beta == 0:
        return l1_loss_gradient(dy, input, target, reduction=reduction)
    g, difference = shared(dy, input.shape, reduction), input - target
    near, beyond = np.abs(difference) < beta, np.where(difference < 0, -g, g)
    within = averaged(difference / beta, reduction) * dy if slope else averaged(difference, reduction) * dy / beta
    g = np.where(np.isnan(plain(difference)), difference * g, np.where(near, within, beyond))
    return {"input": g, "target": -g}


smooth_l1_loss_gradient.formulations = (partial(smooth_l1_loss_gradient, slope=True),)  # type: ignore[attr-defined]


def huber_loss(input: Any, target: Any, *, reduction: str, delta: float) -> Any:
    """With d = |input − target|: d² / 2 where d < delta, delta · (d − delta / 2) elsewhere

    input (*), target (*) → (*), or () if it is reduced
    Source: torch.nn.HuberLoss, second formula.
    """
    distance = np.abs(input - target)
    return reduced(np.where(distance < delta, 0.5 * distance * distance, delta * (distance - 0.5 * delta)), reduction)


def huber_loss_gradient(dy: Any, input: Any, target: Any, *, reduction: str, delta: float) -> Gradients:
    """input − target, at most delta and at least −delta; NaN at NaN, as both formulas give."""
    g, difference = shared(dy, input.shape, reduction), input - target
    within, beyond = np.abs(difference) < delta, np.where(difference < 0, -g, g) * delta
    g = np.where(np.isnan(plain(difference)) | within, averaged(difference, reduction) * dy, beyond)
    return {"input": g, "target": -g}
