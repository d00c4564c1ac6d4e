"""Adam and its relatives: a first moment of the gradient over a second one."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.optimizer import Documented, Incremental, Rearranged, Recurrence, Unscaled, read_back, short, single, zeros


def adam(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
    decoupled_weight_decay: bool = False,
) -> tuple[Any, dict[str, Any]]:
    """g ← ±∇f + λ·θ;  m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  θ ← θ − γ·m̂ / (√v̂ + ε).

    m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), of the largest v so far with amsgrad; γ = lr, λ = weight_decay, ε = eps;
    decoupled_weight_decay takes γ·λ·θ from θ before, and leaves the gradient as it is

    θ (T, *), g (T, *) → θ, exp_avg, exp_avg_sq and, with amsgrad, max_exp_avg_sq (T, *)
    Source: torch.optim.Adam, the algorithm and its parameters.
    """
    g = -g if maximize else g
    if weight_decay and decoupled_weight_decay:
        p = form.decayed(p, lr, weight_decay)
    elif weight_decay:
        g = g + weight_decay * p
    m = form.average(state["exp_avg"], g, betas[0])
    v = betas[1] * state["exp_avg_sq"] + (1 - betas[1]) * g**2
    moments = {"exp_avg": m, "exp_avg_sq": v}
    if amsgrad:
        moments["max_exp_avg_sq"] = v = np.maximum(state["max_exp_avg_sq"], v)
    root = form.root(v, 1 - betas[1] ** t)
    return p - lr / (1 - betas[0] ** t) * m / (root + eps), moments


def adam_start(shape: tuple[int, ...], *, amsgrad: bool, **options: Any) -> Any:
    """Both moments at 0, and the largest second one."""
    return zeros("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if amsgrad else ()))(shape)


def adamw(p: Any, g: Any, state: Any, t: Any, form: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    """θ ← θ − γ·λ·θ;  m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  θ ← θ − γ·m̂ / (√v̂ + ε), all else as in Adam.

    θ (T, *), g (T, *) → θ, exp_avg, exp_avg_sq and, with amsgrad, max_exp_avg_sq (T, *)
    Source: torch.optim.AdamW, the algorithm.
    """
    return adam(p, g, state, t, form, decoupled_weight_decay=True, **options)


def nadam(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    momentum_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """θ ← θ − γ·(μₜ₊₁·m / (1 − Π μ up to t+1) + (1 − μₜ)·g / (1 − Π μ up to t)) / (√v̂ + ε), with μₜ = β₁·(1 − ½·0.96^(t·ψ)).

    m, v, v̂, γ, λ, ε as in Adam, ψ = momentum_decay

    θ (T, *), g (T, *) → θ, exp_avg and exp_avg_sq (T, *), mu_product (T)
    Source: torch.optim.NAdam, the algorithm.
    """
    g = -g if maximize else g
    if weight_decay and decoupled_weight_decay:
        p = form.decayed(p, lr, weight_decay)
    elif weight_decay:
        g = g + weight_decay * p
    mu, mu_next = (betas[0] * (1 - 0.5 * 0.96 ** ((t + i) * momentum_decay)) for i in (0, 1))
    product = single(state["mu_product"]) * mu
    told = state.get("new_mu_product", read_back(product))
    told = told if form is Documented else short(told, p)
    m = form.average(state["exp_avg"], g, betas[0])
    v = betas[1] * state["exp_avg_sq"] + (1 - betas[1]) * g**2
    terms = (lr * mu_next / (1 - told * mu_next) * m, lr * (1 - mu) / (1 - told) * g)
    p = form.moved(p, terms, form.root(v, 1 - betas[1] ** t) + eps)
    return p, {"exp_avg": m, "exp_avg_sq": v, "mu_product": product}


def nadam_start(shape: tuple[int, ...], **options: Any) -> dict[str, Any]:
    """Both moments at 0, and the empty product."""
    return {**zeros("exp_avg", "exp_avg_sq")(shape), "mu_product": 1.0}


def radam(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """θ ← θ − γ·m̂·r·l, or θ − γ·m̂ as long as ρ ≤ 5.

    ρ∞ = 2 / (1 − β₂) − 1;  ρ = ρ∞ − 2·t·β₂ᵗ / (1 − β₂ᵗ);  l = √(1 − β₂ᵗ) / (√v + ε);
    r = √((ρ − 4)·(ρ − 2)·ρ∞ / ((ρ∞ − 4)·(ρ∞ − 2)·ρ));  m, v, m̂, γ, λ, ε as in Adam

    θ (T, *), g (T, *) → θ, exp_avg and exp_avg_sq (T, *)
    Source: torch.optim.RAdam, the algorithm.
    """
    g = -g if maximize else g
    if weight_decay and decoupled_weight_decay:
        p = form.decayed(p, lr, weight_decay)
    elif weight_decay:
        g = g + weight_decay * p
    m = form.average(state["exp_avg"], g, betas[0])
    v = betas[1] * state["exp_avg_sq"] + (1 - betas[1]) * g**2
    length, powers = 2 / (1 - betas[1]) - 1, betas[1] ** t
    rho = length - 2 * t * powers / (1 - powers)
    sure = np.where(rho > 5, rho, 6.0)
    rectified = np.sqrt((sure - 4) * (sure - 2) * length / ((max(length, 5.0) - 4) * (length - 2) * sure))
    step = form.scaled(lr, m, 1 - betas[0] ** t)
    return np.where(rho > 5, p - step * rectified * (np.sqrt(1 - powers) / (np.sqrt(v) + eps)), p - step), {"exp_avg": m, "exp_avg_sq": v}


def adamax(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """g ← ±∇f + λ·θ;  m ← β₁·m + (1 − β₁)·g;  u ← max(β₂·u, |g| + ε);  θ ← θ − γ·m / ((1 − β₁ᵗ)·u).

    γ = lr, λ = weight_decay, ε = eps

    θ (T, *), g (T, *) → θ, exp_avg and exp_inf (T, *)
    Source: torch.optim.Adamax, the algorithm.
    """
    g = -g if maximize else g
    g = g + weight_decay * p if weight_decay else g
    m = form.average(state["exp_avg"], g, betas[0])
    u = np.maximum(betas[1] * state["exp_inf"], np.abs(g) + eps)
    return p - lr / (1 - betas[0] ** t) * m / u, {"exp_avg": m, "exp_inf": u}


def sparse_adam(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  θ ← θ − γ·√(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε), in the rows of the gradient only.

    The rows of a sparse gradient are those in which any element is not 0; the others of θ, m and v stay. γ = lr, ε = eps

    θ (T, n, *), g (T, n, *) → θ, exp_avg and exp_avg_sq (T, n, *)
    Source: torch.optim.SparseAdam; Kingma & Ba 2015, Adam, section 2, the order of computation with ε̂.
    """
    g = -g if maximize else g
    rows = np.asarray(getattr(g, "value", g) != 0).any(axis=tuple(range(2, g.ndim)), keepdims=True)
    m = form.average(state["exp_avg"], g, betas[0])
    v = form.average(state["exp_avg_sq"], g**2, betas[1])
    step = lr * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
    new = {"exp_avg": np.where(rows, m, state["exp_avg"]), "exp_avg_sq": np.where(rows, v, state["exp_avg_sq"])}
    return np.where(rows, p - step * (m / (np.sqrt(v) + eps)), p), new


Adam, AdamW = Recurrence(adam, adam_start), Recurrence(adamw, adam_start)
NAdam = Recurrence(nadam, nadam_start, told=("mu_product",))
SparseAdam = Recurrence(sparse_adam, zeros("exp_avg", "exp_avg_sq"), forms=(Documented, Incremental))
RAdam = Recurrence(radam, zeros("exp_avg", "exp_avg_sq"), forms=(Documented, Rearranged, Unscaled))
Adamax = Recurrence(adamax, zeros("exp_avg", "exp_inf"))
