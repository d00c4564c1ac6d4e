"""Negative logarithms of likelihoods of numbers, and divergences of distributions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.loss import reduced, shared, summed_to

Gradients = dict[str, Any]


def poisson_nll_loss(input: Any, target: Any, *, log_input: bool, full: bool, eps: float, reduction: str) -> Any:
    """exp(input) − target · input, or without log_input: input − target · log(input + eps)

    full adds Stirling's target · log(target) − target + log(2π · target) / 2 where the target is more than 1.

    input (*), target (*) → (*), or () if it is reduced
    Source: torch.nn.PoissonNLLLoss, log_input and full.
    """
    losses = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        term = target * np.log(target) - target + 0.5 * np.log(2 * math.pi * target)
        losses = losses + np.where(target <= 1, 0.0, term)
    return reduced(losses, reduction)


def poisson_nll_loss_gradient(dy: Any, input: Any, target: Any, *, log_input: bool, full: bool, eps: float, reduction: str) -> Gradients:
    """exp(input) − target or 1 − target / (input + eps); of the target −input or −log(input + eps), with Stirling's derivative."""
    g = shared(dy, input.shape, reduction)
    of_input = g * np.exp(input) - g * target if log_input else g - g * target / (input + eps)
    of_target = -g * (input if log_input else np.log(input + eps))
    if full:
        stirling = g * np.log(target) + g * target / target - g + 0.5 * g / target
        of_target = of_target + np.where(target <= 1, 0.0, stirling)
    return {"input": of_input, "target": of_target}


def along_input(input: Any, var: Any) -> Any:
    """A variance for each row, where the last axis is left out, as one for each element."""
    return var[..., None] if var.ndim < input.ndim else var


def every_variance(input: Any, var: Any, var_number: float | None) -> Any:
    """The variances as an array, where there is but one number too."""
    return np.ones_like(input) * var_number if var is None else along_input(input, var)


def gaussian_nll_loss(input: Any, target: Any, var: Any, *, var_number: float | None, full: bool, eps: float, reduction: str) -> Any:
    """(log max(var, eps) + (input − target)² / max(var, eps)) / 2, with full + log(2π) / 2

    input (*), target (*), var (*), or with a last axis of 1, or without it; or var_number for all → (*), or () if it is reduced
    Source: torch.nn.GaussianNLLLoss, first formula.
    """
    v = np.maximum(every_variance(input, var, var_number), eps)
    losses = 0.5 * (np.log(v) + np.square(input - target) / v)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def gaussian_nll_loss_gradient(
    dy: Any, input: Any, target: Any, var: Any, *, var_number: float | None, full: bool, eps: float, reduction: str
) -> Gradients:
    """(input − target) / v, and (1 / v − (input − target)² / v²) / 2; the clamping of v is left out of account, as documented."""
    g, difference = shared(dy, input.shape, reduction), input - target
    v = np.maximum(every_variance(input, var, var_number), eps)
    of_input = 0.5 * g / v * (2 * difference)
    if var is None:
        return {"input": of_input, "target": -of_input}
    of_quotient = summed_to(0.5 * g * (np.square(difference) / v / v), v.shape)
    of_var = summed_to(0.5 * g, v.shape) / v - of_quotient
    return {"input": of_input, "target": -of_input, "var": of_var[..., 0] if var.ndim < input.ndim else of_var}


def kl_div(input: Any, target: Any, *, log_target: bool, reduction: str) -> Any:
    """target · (log target − input), 0 for a target of 0; with log_target: exp(target) · (target − input)

    batchmean: Σ losses / the length of the first axis.

    input (*) in log-space, target (*) → (*), or () if it is reduced
    Source: torch.nn.KLDivLoss, the code block; 0 · log 0 = 0 as in the definition of entropy.
    """
    entropy = 0 if log_target else np.where(target == 0, 0.0, target * np.log(target))
    losses = np.exp(target) * (target - input) if log_target else entropy - target * input
    return np.sum(losses) / len(input) if reduction == "batchmean" else reduced(losses, reduction)


def kl_div_gradient(dy: Any, input: Any, target: Any, *, log_target: bool, reduction: str) -> Gradients:
    """−target, and log target + 1 − input; with log_target −exp(target), and exp(target) · (target − input + 1)."""
    g = shared(dy / len(input) if reduction == "batchmean" else dy, input.shape, reduction)
    if log_target:
        e = np.exp(target)
        return {"input": -g * e, "target": g * (target - input) * e + g * e}
    term = np.where(target == 0, g, g * target / target)
    return {"input": -g * target, "target": g * np.log(target) + term - g * input}
