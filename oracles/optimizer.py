"""Optimizers as recurrences, each step judged from the subject's own state before it, so that rounding does not pile up."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, exact


def before(start: Any, path: np.ndarray) -> Any:
    """The state before each step: the start, then what the subject itself had after the steps before."""
    known = np.asarray(path).astype(float)
    if not isinstance(start, Bounded):
        return np.concatenate([start[None], known[:-1]])
    return np.concatenate([start[None], exact(known[:-1], start.by)])


def zeros_like(start: Any) -> Any:
    """A state that begins at zero, whatever the parameter is."""
    zeros = np.zeros(start.shape)
    return exact(zeros, start.by) if isinstance(start, Bounded) else zeros


def sgd_step(p: Any, g: Any, b: Any, first: np.ndarray, **options: Any) -> tuple[Any, Any]:
    """One step of every time at once: parameter and momentum buffer after it; `first` where there was no buffer yet."""
    lr, momentum, dampening, weight_decay = (options[name] for name in ("lr", "momentum", "dampening", "weight_decay"))
    g = -g if options["maximize"] else g
    if weight_decay:
        g = g + weight_decay * p
    if momentum:
        b = np.where(first, g, momentum * b + (1 - dampening) * g)
        g = g + momentum * b if options["nesterov"] else b
    return p - lr * g, b


def sgd(
    first: Any,
    second: Any,
    first_gradients: Any,
    second_gradients: Any,
    *,
    lr: float,
    second_lr: float | None,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    missing: int | None,
    resume_at: int | None,
    implementation: str,
    observed: Any = None,
) -> dict[str, Any]:
    """Two parameters along their gradients; the second may have its own lr, and no gradient at the step `missing`.

    g ← ∇f + λ·θ;  b ← g at first, then μ·b + (1 − τ)·g;  g ← g + μ·b (Nesterov) or b;  θ ← θ − γ·g
    with γ = lr, λ = weight_decay, μ = momentum, τ = dampening; maximize takes −∇f.

    first (*), second (*), gradients (T, *) → parameters and, with momentum, buffers after each step (T, *)
    Source: torch.optim.SGD, the algorithm.
    """
    shared = {"momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize}
    results = {}
    for name, start, gradients, rate in (
        ("first", first, first_gradients, lr),
        ("second", second, second_gradients, lr if second_lr is None else second_lr),
    ):
        step = np.arange(len(gradients)).reshape(-1, *[1] * (gradients.ndim - 1))
        skipped = (step == missing) & (name == "second")
        beginning = step == (1 if missing == 0 and name == "second" else 0)
        p = before(start, observed[name])
        b = before(zeros_like(start), observed[f"{name}_momentum"]) if momentum else p * 0
        b = np.where(beginning, 0.0, b)
        after, buffer = sgd_step(p, gradients, b, beginning, lr=rate, **shared)
        results[name] = np.where(skipped, p, after)
        if momentum:
            results[f"{name}_momentum"] = np.where(skipped, b, buffer)
    return results
