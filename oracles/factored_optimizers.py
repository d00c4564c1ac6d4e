"""Optimizers that look at a whole matrix: Adafactor and Muon."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import FORMATS, Bounded, stored
from oracles.optimizer import Recurrence


def mean_square(x: Any) -> Any:
    """The mean of the squares of a parameter, at each step."""
    axes = tuple(range(1, x.ndim))
    return np.mean(x * x, axis=axes, keepdims=True) if axes else x * x


def machine_epsilon(x: Any) -> float:
    """The distance from 1 to the next number of the parameter's dtype."""
    storage: Any = x.by.storage if isinstance(x, Bounded) else FORMATS["float64"]
    return float(2.0 ** (1 - storage.precision))


def adafactor(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    beta2_decay: float,
    eps: tuple[float | None, float],
    d: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Any, dict[str, Any]]:
    """θ ← θ − γ·λ·θ − α·U / max(1, RMS(U)/d), with U = g / max(√V, ε₁).

    α = max(ε₂, RMS(θ))·min(γ, 1/√t);  β̂ = 1 − t^beta2_decay;  V = R·C / max(mean of R over rows, ε₁), where
    R ← β̂·R + (1 − β̂)·mean of g² over columns, C ← the same over rows, of the last two axes;  V ← β̂·V + (1 − β̂)·g² for vectors

    γ = lr, λ = weight_decay, (ε₁, ε₂) = eps; ε₁ None is the machine epsilon of the parameter's dtype

    θ (T, …, n, m), g → θ, row_var (T, …, n, 1) and col_var (T, …, 1, m); θ (T, n) or (T) → θ and variance
    Source: torch.optim.Adafactor, the algorithm and its note: means stand for sums.
    """
    g = -g if maximize else g
    least = machine_epsilon(p) if eps[0] is None else eps[0]
    keep, rate = 1 - t**beta2_decay, np.minimum(lr, 1 / np.sqrt(t))
    alpha = form.at_least(eps[1], np.sqrt(mean_square(p))) * rate
    p = form.decayed(p, lr, weight_decay) if weight_decay else p
    if g.ndim > 2:
        rows = form.average(state["row_var"], form.mean_square(g, -1), keep)
        columns = form.average(state["col_var"], form.mean_square(g, -2), keep)
        v, new = rows @ columns / np.maximum(np.mean(rows, axis=-2, keepdims=True), least), {"row_var": rows, "col_var": columns}
    else:
        v = form.average(state["variance"], g * g, keep)
        new = {"variance": v}
    u = g / np.maximum(np.sqrt(v), least)
    return p - alpha * u / form.at_least(1.0, np.sqrt(mean_square(u)) / d), new


def adafactor_start(shape: tuple[int, ...], **options: Any) -> dict[str, Any]:
    """Factors for matrices, a variance for vectors, at 0."""
    if len(shape) < 2:
        return {"step": 0.0, "variance": np.zeros(shape)}
    return {"step": 0.0, "row_var": np.zeros((*shape[:-1], 1)), "col_var": np.zeros((*shape[:-2], 1, shape[-1]))}


def muon(
    p: Any,
    g: Any,
    state: Any,
    t: Any,
    form: Any,
    *,
    lr: Any,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    ns_coefficients: tuple[float, float, float],
    eps: float,
    ns_steps: int,
    adjust_lr_fn: str | None,
) -> tuple[Any, dict[str, Any]]:
    """B ← μ·B + (1 − μ)·g;  O = NS((1 − μ)·g + μ·B), or NS(B) without nesterov;  θ ← θ − γ·λ·θ;  θ ← θ − γ′·O.

    NS(X): X ← X / max(‖X‖, ε), then ns_steps times X ← a·X + (b·A + c·A·A)·X with A = X·Xᵀ, on the transpose of a tall matrix;
    γ′ = γ·√max(1, n/m), or 0.2·γ·√max(n, m) to match_rms_adamw;  γ = lr, λ = weight_decay, μ = momentum

    The buffer is kept (1 − μ) times as large as documented, which NS takes out again.

    θ (T, n, m), g (T, n, m) → θ and momentum_buffer (T, n, m)
    Source: torch.optim.Muon, the algorithm; Jordan 2024, Muon: An optimizer for hidden layers, for the buffer.
    """
    n, m = p.shape[1:]
    b = form.average(state["momentum_buffer"], g, momentum)
    o = orthogonal(form.average(g, b, 1 - momentum) if nesterov else b, ns_coefficients, eps, ns_steps)
    scale = 0.2 * max(n, m) ** 0.5 if adjust_lr_fn == "match_rms_adamw" else max(1.0, n / m) ** 0.5
    return form.decayed(p, lr, weight_decay) - lr * scale * o, {"momentum_buffer": b}


def muon_start(shape: tuple[int, ...], **options: Any) -> dict[str, Any]:
    """A buffer at 0."""
    return {"momentum_buffer": np.zeros(shape)}


def orthogonal(x: Any, coefficients: tuple[float, float, float], eps: float, steps: int) -> Any:
    """Newton-Schulz steps towards the orthogonal factor of each matrix, in the format of the operands of products: (T, n, m)."""
    by, (a, b, c) = getattr(x, "by", None), coefficients
    if isinstance(x, Bounded) and x.by.operand is not None:
        x = carried(x, x.by.but(storage=x.by.operand, compute=x.by.operand, operand=None, composite=True))
    tall = x.shape[-2] > x.shape[-1]
    x = np.swapaxes(x, -1, -2) if tall else x
    x = x / np.maximum(np.sqrt(np.sum(x * x, axis=(-1, -2), keepdims=True)), eps)
    for _ in range(steps):
        gram = x @ np.swapaxes(x, -1, -2)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    x = np.swapaxes(x, -1, -2) if tall else x
    return carried(x, by) if isinstance(x, Bounded) else x


def carried(x: Bounded, by: Any) -> Bounded:
    """An array as another arithmetic reads it, once it is stored in the coarser of both formats."""
    coarser: Any = max(by.storage, x.by.storage, key=lambda storage: getattr(storage, "unit", 0.0))
    x = stored(Bounded(x.value, x.error, x.by.but(storage=coarser)))
    return Bounded(x.value, x.error, by)


Adafactor = Recurrence(adafactor, adafactor_start)
Muon = Recurrence(muon, muon_start)
