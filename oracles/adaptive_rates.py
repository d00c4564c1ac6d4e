"""Optimizers that divide each gradient by the size of those before it: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.optimizer import Recurrence, zeros


def adagrad(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    lr_decay: float,
    weight_decay: float,
    initial_accumulator_value: float,
    eps: float,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """g ← ±∇f + λ·θ;  sum ← sum + g²;  θ ← θ − γ / (1 + (t − 1)·η) · g / (√sum + ε).

    γ = lr, λ = weight_decay, η = lr_decay, ε = eps; the sum begins as initial_accumulator_value

    θ (T, *), g (T, *) → θ and sum (T, *)
    Source: torch.optim.Adagrad, the algorithm.
    """
    g = -g if maximize else g
    g = g + weight_decay * p if weight_decay else g
    squares = state["sum"] + g**2
    return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(squares) + eps), {"sum": squares}


def adagrad_start(shape: tuple[int, ...], *, initial_accumulator_value: float, **options: Any) -> dict[str, Any]:
    """The sum as it is given."""
    return {"step": 0.0, "sum": np.full(shape, initial_accumulator_value)}


def rmsprop(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """g ← ±∇f + λ·θ;  v ← α·v + (1 − α)·g²;  b ← μ·b + g / (√ṽ + ε);  θ ← θ − γ·b, or θ − γ·g / (√ṽ + ε) without momentum.

    ṽ = v, or v − a² if centered, with a ← α·a + (1 − α)·g;  γ = lr, λ = weight_decay, μ = momentum, ε = eps

    θ (T, *), g (T, *) → θ, square_avg, momentum_buffer with momentum, grad_avg if centered (T, *)
    Source: torch.optim.RMSprop, the algorithm.
    """
    g = -g if maximize else g
    g = g + weight_decay * p if weight_decay else g
    v = alpha * state["square_avg"] + (1 - alpha) * g**2
    new, spread = {"square_avg": v}, v
    if centered:
        new["grad_avg"] = form.average(state["grad_avg"], g, alpha)
        spread = v - new["grad_avg"] ** 2
    if not momentum > 0:
        return p - lr * g / (np.sqrt(spread) + eps), new
    new["momentum_buffer"] = momentum * state["momentum_buffer"] + g / (np.sqrt(spread) + eps)
    return p - lr * new["momentum_buffer"], new


def rmsprop_start(shape: tuple[int, ...], *, momentum: float, centered: bool, **options: Any) -> Any:
    """Averages and buffers at 0."""
    return zeros("square_avg", *(("momentum_buffer",) if momentum > 0 else ()), *(("grad_avg",) if centered else ()))(shape)


def adadelta(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """g ← ±∇f + λ·θ;  v ← ρ·v + (1 − ρ)·g²;  Δ = √(u + ε) / √(v + ε) · g;  u ← ρ·u + (1 − ρ)·Δ²;  θ ← θ − γ·Δ.

    γ = lr, λ = weight_decay, ε = eps

    θ (T, *), g (T, *) → θ, square_avg and acc_delta (T, *)
    Source: torch.optim.Adadelta, the algorithm.
    """
    g = -g if maximize else g
    g = g + weight_decay * p if weight_decay else g
    v = rho * state["square_avg"] + (1 - rho) * g**2
    delta = np.sqrt(state["acc_delta"] + eps) / np.sqrt(v + eps) * g
    return p - lr * delta, {"square_avg": v, "acc_delta": rho * state["acc_delta"] + (1 - rho) * delta**2}


Adagrad = Recurrence(adagrad, adagrad_start, ready=True)
RMSprop, Adadelta = Recurrence(rmsprop, rmsprop_start), Recurrence(adadelta, zeros("square_avg", "acc_delta"))
