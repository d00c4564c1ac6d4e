"""Optimizers that follow the gradient itself, or its sign: SGD, ASGD, Rprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.optimizer import Documented, Recurrence, short


def sgd(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> tuple[Any, dict[str, Any]]:
    """g ← ∇f, or −∇f to maximize;  g ← g + λ·θ;  b ← g at first, then μ·b + (1 − τ)·g;  g ← g + μ·b (Nesterov) or b;  θ ← θ − γ·g.

    γ = lr, λ = weight_decay, μ = momentum, τ = dampening

    θ (T, *), g (T, *) → θ (T, *) and, with momentum, momentum_buffer (T, *)
    Source: torch.optim.SGD, the algorithm.
    """
    g = -g if maximize else g
    g = g + weight_decay * p if weight_decay else g
    if not momentum:
        return p - lr * g, {}
    first = np.asarray(getattr(t, "value", t)) == 1
    b = np.where(first, g, momentum * state["momentum_buffer"] + (1 - dampening) * g)
    return p - lr * (g + momentum * b if nesterov else b), {"momentum_buffer": b}


def sgd_start(shape: tuple[int, ...], *, momentum: float = 0.0, **options: Any) -> dict[str, Any]:
    """A buffer, if there is momentum."""
    return {"momentum_buffer": np.zeros(shape)} if momentum else {}


def asgd(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    lambd: float,
    alpha: float,
    t0: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """g ← ±∇f + λ·θ;  θ ← (1 − lambd·η)·θ − η·g;  ax ← ax + μ·(θ − ax);  η ← lr / (1 + lambd·lr·t)^alpha;  μ ← 1 / max(1, t − t0).

    λ = weight_decay; η begins as lr and μ as 1, so that averaging begins after t0 steps

    θ (T, *), g (T, *) → θ and ax (T, *), eta and mu (T)
    Source: torch.optim.ASGD, the parameters; Polyak & Juditsky 1992, Acceleration of stochastic approximation by averaging.
    """
    eta, mu, ax = state["eta"], state["mu"], state["ax"]
    t = t if form is Documented else short(t, p)
    g = -g if maximize else g
    g = g + weight_decay * p if weight_decay else g
    p = (1 - lambd * eta) * p - eta * g if form is Documented else p - eta * (g + lambd * p)
    averaged = ax + mu * (p - ax)
    ax = np.where(np.asarray(getattr(mu, "value", mu)) == 1, p, averaged) if form is Documented else averaged
    return p, {"ax": ax, "eta": lr / (1 + lambd * lr * t) ** alpha, "mu": 1 / np.maximum(1.0, t - t0)}


def asgd_start(shape: tuple[int, ...], *, lr: float, **options: Any) -> dict[str, Any]:
    """The average at 0, the first rate, the first weight."""
    return {"step": 0.0, "eta": float(lr), "mu": 1.0, "ax": np.zeros(shape)}


def rprop(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """θ ← θ − η·sign(g), where η grows as long as the gradient keeps its sign, and shrinks, without a step, where it changes.

    prev·g > 0:  η ← min(η·η₊, Γmax);   prev·g < 0:  η ← max(η·η₋, Γmin), g ← 0;   prev ← g

    (η₋, η₊) = etas, (Γmin, Γmax) = step_sizes, g = ±∇f; η begins as lr

    θ (T, *), g (T, *) → θ, prev and step_size (T, *)
    Source: torch.optim.Rprop, the algorithm.
    """
    g = -g if maximize else g
    turn, size = state["prev"] * g, state["step_size"]
    grown, shrunk = np.minimum(size * etas[1], step_sizes[1]), np.maximum(size * etas[0], step_sizes[0])
    size = np.where(turn > 0, grown, np.where(turn < 0, shrunk, size))
    g = np.where(turn < 0, 0.0, g)
    sign = np.sign(g) if form is Documented else np.where(np.isnan(g), 0.0, np.sign(g))  # the sign of NaN is not documented
    return p - size * sign, {"prev": g, "step_size": size}


def rprop_start(shape: tuple[int, ...], *, lr: float, **options: Any) -> dict[str, Any]:
    """No gradient before, and steps as large as lr."""
    return {"step": 0.0, "prev": np.zeros(shape), "step_size": np.full(shape, lr)}


SGD, ASGD, Rprop = Recurrence(sgd, sgd_start), Recurrence(asgd, asgd_start), Recurrence(rprop, rprop_start)
